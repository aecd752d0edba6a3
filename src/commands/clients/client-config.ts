/** The configuration files of docker, podman and helm: which registries they send here, and what comes before that. */

import { isAbsolute, join } from 'node:path';
import { describeCause, readErrorCode } from '../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import { readForeignFile } from '../../system/files.ts';
import { findDotFolder, findHome } from '../../system/paths.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';

/** A program whose configuration can name this helper. */
export type ClientName = 'docker' | 'podman' | 'helm';

/** A configuration file of a client. */
export interface ClientFile {
  readonly client: ClientName;
  readonly file: string;
  /** Such as `DOCKER_CONFIG`, where a variable and not the home folder decides. */
  readonly namedBy: string | undefined;
}

/** What a configuration file says about credentials. */
export interface ClientConfig extends ClientFile {
  /** `missing`: there is no such file. `unreadable`: see `problem`. */
  readonly state: 'read' | 'missing' | 'unreadable';
  /** Why it cannot be read; `undefined` if it can. */
  readonly problem: string | undefined;
  /** The helpers' names, such as `acr`, by server as the file names it. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** The helper for all other servers. */
  readonly credsStore: string | undefined;
  /** The servers, as the file names them, for which the file itself holds a credential. Its value is never kept. */
  readonly auths: readonly string[];
}

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/**
 * Finds the files that matter on this machine, whether they exist or not. Those of a client are in the order in which it
 * reads them; the first is the one that it writes.
 */
export function listClientFiles(runtime: Runtime): readonly ClientFile[] {
  const files: ClientFile[] = [];
  const add = (client: ClientName, file: string | undefined, namedBy?: string) => {
    if (file !== undefined && isAbsolute(file)) files.push({ client, file, namedBy });
  };
  const named = (name: string) => (readVariable(runtime, name) === undefined ? undefined : name);
  const home = findHome(runtime);
  const below = (...names: readonly string[]) => (home === undefined ? undefined : join(home, ...names));
  const docker = findDotFolder(runtime, 'DOCKER_CONFIG', '.docker');
  add('docker', docker === undefined ? undefined : join(docker, 'config.json'), named('DOCKER_CONFIG'));
  const xdg = readVariable(runtime, 'XDG_CONFIG_HOME') ?? below('.config');
  const runtimeFolder = readVariable(runtime, 'XDG_RUNTIME_DIR');
  const authFile = readVariable(runtime, 'REGISTRY_AUTH_FILE');
  if (authFile !== undefined) add('podman', authFile, 'REGISTRY_AUTH_FILE');
  else {
    if (runtimeFolder !== undefined) add('podman', join(runtimeFolder, 'containers', 'auth.json'), 'XDG_RUNTIME_DIR');
    const user = process.geteuid?.();
    if (runtimeFolder === undefined && runtime.platform === 'linux' && user !== undefined) {
      add('podman', `/run/containers/${user}/auth.json`);
    }
    if (xdg !== undefined) add('podman', join(xdg, 'containers', 'auth.json'), named('XDG_CONFIG_HOME'));
  }
  add('helm', ...findHelmFile(runtime, xdg, below));
  return files;
}

/** @see https://helm.sh/docs/helm/helm/ */
function findHelmFile(
  runtime: Runtime,
  xdg: string | undefined,
  below: (...names: readonly string[]) => string | undefined,
): [file: string | undefined, namedBy?: string] {
  const registryConfig = readVariable(runtime, 'HELM_REGISTRY_CONFIG');
  if (registryConfig !== undefined) return [registryConfig, 'HELM_REGISTRY_CONFIG'];
  const helmHome = readVariable(runtime, 'HELM_CONFIG_HOME');
  if (helmHome !== undefined) return [join(helmHome, 'registry', 'config.json'), 'HELM_CONFIG_HOME'];
  const named = readVariable(runtime, 'XDG_CONFIG_HOME');
  if (named !== undefined) return [join(named, 'helm', 'registry', 'config.json'), 'XDG_CONFIG_HOME'];
  const appData = readVariable(runtime, 'APPDATA');
  switch (runtime.platform) {
    case 'darwin':
      return [below('Library', 'Preferences', 'helm', 'registry', 'config.json')];
    case 'win32':
      return [appData === undefined ? undefined : join(appData, 'helm', 'registry', 'config.json')];
    default:
      return [xdg === undefined ? undefined : join(xdg, 'helm', 'registry', 'config.json')];
  }
}

/**
 * Whether a file is in podman's folder for the time of a session. That may be another user's, who has nothing for us:
 * podman makes `/run/containers` for root, and `su` keeps XDG_RUNTIME_DIR.
 */
export function isOfSession({ client, file, namedBy }: ClientFile): boolean {
  return client === 'podman' && (namedBy === 'XDG_RUNTIME_DIR' || (namedBy === undefined && file.startsWith('/run/')));
}

/** Reads the files of all clients on this machine. Never fails. */
export function readClientConfigs(runtime: Runtime): readonly ClientConfig[] {
  return listClientFiles(runtime).map(readClientConfig);
}

/** Reads a configuration file. Never fails. */
export function readClientConfig(clientFile: ClientFile): ClientConfig {
  let text: string | undefined;
  try {
    text = readForeignFile(clientFile.file, MAX_CONFIG_BYTES);
  } catch (cause) {
    if (!isOfSession(clientFile) || readErrorCode(cause) !== 'EACCES') {
      return { ...emptyConfig(clientFile), state: 'unreadable', problem: describeCause(cause) };
    }
  }
  return parseClientText(clientFile, text);
}

/**
 * Parses what a configuration file holds, or would hold. Never fails.
 * @param text without a byte-order mark; `undefined` when there is no file.
 */
export function parseClientText(clientFile: ClientFile, text: string | undefined): ClientConfig {
  const empty = emptyConfig(clientFile);
  if (text === undefined) return { ...empty, state: 'missing', problem: undefined };
  const config = text.trim() === '' ? {} : parseJsonObject(text);
  if (config === undefined) return { ...empty, state: 'unreadable', problem: 'it is not a JSON object' };
  return { ...clientFile, state: 'read', problem: undefined, ...parseClientConfig(config) };
}

function emptyConfig(clientFile: ClientFile) {
  return { ...clientFile, credHelpers: new Map<string, string>(), credsStore: undefined, auths: [] };
}

function parseClientConfig(config: JsonObject): Pick<ClientConfig, 'credHelpers' | 'credsStore' | 'auths'> {
  const helpers = Object.entries(asJsonObject(config['credHelpers']) ?? {});
  const auths = Object.entries(asJsonObject(config['auths']) ?? {});
  return {
    credHelpers: new Map(helpers.flatMap(([server, name]) => (typeof name === 'string' ? [[server, name]] : []))),
    credsStore: asText(config['credsStore']),
    // `"auths": {"host": {}}` only says that somebody logged in.
    auths: auths.flatMap(([server, entry]) => (Object.keys(asJsonObject(entry) ?? {}).length > 0 ? [server] : [])),
  };
}
