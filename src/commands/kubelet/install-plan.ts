/** Plans what is to be where on a node, before anything is changed. */

import { realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CredentialError } from '../../errors.ts';
import { PROVIDER_PREFIX } from '../../helper-name.ts';
import { asText } from '../../json.ts';
import { createQuote } from '../../redact.ts';
import { shellWord } from '../../shell-word.ts';
import { listNames, MISSING_IS_UNDEFINED } from '../../system/folders.ts';
import type { Runtime } from '../../system/runtime.ts';
import { UsageError } from '../../terminal/failure.ts';
import { type Installation, type InstalledPlace, isInstalled, RECORD_NAME } from './installation.ts';
import { listProviders, mergeProviders } from './merge-providers.ts';
import { findConfigBefore } from './node-configuration.ts';
import { withNodeFile } from './node-failure.ts';
import { bytesOf, type Content, hashFile, identifyFile } from './node-files.ts';
import { isReadFromFolder } from './node-kubelet.ts';
import { followOnNode, locateOnNode, type NodePath } from './node-path.ts';
import { hashText, readText } from './node-text.ts';

/** What to install. All paths but those of sources are paths on the node. */
export interface InstallRequest {
  readonly runtime: Runtime;
  /** Where the node's file system is mounted. */
  readonly hostRoot: string;
  readonly binFolder: string;
  /** The executable to install. */
  readonly executable: string;
  /** The SHA-256 that it must have, in hexadecimal digits; `undefined` for any. */
  readonly sha256: string | undefined;
  /** The names by which the kubelet calls it, besides those in the configuration. */
  readonly names: readonly string[];
  readonly config: ConfigToMerge | undefined;
  readonly files: readonly FileToCopy[];
}

/** The configuration whose providers are added to that of the node. */
export interface ConfigToMerge {
  readonly path: string;
  readonly text: string;
  /** Whether the kubelet is known to read this file alone, and no others beside it. */
  readonly isOnly?: boolean | undefined;
}

/** Another file for the node, such as azure.json. Only root may read it there. */
export interface FileToCopy {
  readonly source: string;
  readonly path: string;
}

/** A place to fill. */
export interface Place extends NodePath {
  readonly role: InstalledPlace['role'];
  readonly content: Content;
}

/** What an installation consists of. */
export interface InstallPlan {
  /** The executable first, and its library unless another one is there, which plug-ins of others may need; last what tells the kubelet to call it. */
  readonly places: readonly Place[];
  readonly sha256: string;
  readonly names: readonly string[];
  /** The names of the providers that are added to the configuration. */
  readonly providers: readonly string[];
  /** The SHA-256 of the configuration without them; `undefined` when there would be none. */
  readonly configBefore: string | undefined;
}

/** The name of the executable on a node. The names that the kubelet calls are links to it. */
export const PROGRAM_NAME = 'docker-credential-acr';
/** A library that small systems lack. The executable looks for it beside itself first. */
const LIBRARY_NAME = 'libatomic.so.1';
const MAX_PATH = 4096;
const EXECUTABLE_MODE = 0o755;
const READABLE_MODE = 0o644;
const OWNER_ONLY_MODE = 0o600;

/**
 * Plans an installation.
 * @param old what is installed; `undefined` for nothing.
 * @throws UsageError when the kubelet could not call the program under a name; INSTALL_FAILED when a file cannot be read
 * or understood, or the executable has another sum.
 */
export function planInstallation(request: InstallRequest, old: Installation | undefined): InstallPlan {
  const { runtime, hostRoot, binFolder, executable, files, config } = request;
  const providers = readProviders(request);
  const names = chooseNames(request, providers);
  const sha256 = checkExecutable(request);
  const locate = (path: string) => withNodeFile(runtime, path, 'write', () => locateOnNode(hostRoot, path));
  const program: Content = { kind: 'copy', source: realpathSync(executable), sha256, mode: EXECUTABLE_MODE };
  const library = findLibrary(request);
  const libraryPlace = locate(join(binFolder, LIBRARY_NAME));
  const hasLibrary =
    library !== undefined && withNodeFile(runtime, libraryPlace.path, 'read', () => isFree(libraryPlace, old));
  const links = names.filter((name) => name !== PROGRAM_NAME);
  const places: readonly Place[] = [
    ...(hasLibrary ? [{ ...libraryPlace, role: 'file', content: library } as const] : []),
    { ...locate(join(binFolder, PROGRAM_NAME)), role: 'program', content: program },
    ...files.map((file): Place => ({ ...locate(file.path), role: 'file', content: readFileToCopy(runtime, file) })),
    ...links.map((name): Place => {
      return { ...locate(join(binFolder, name)), role: 'name', content: { kind: 'link', target: PROGRAM_NAME } };
    }),
  ];
  if (config === undefined) return { places, sha256, names, providers, configBefore: undefined };
  const { path } = config;
  return withNodeFile(runtime, path, 'merge', () => {
    if (config.isOnly !== true) assertOnlyHere(request, path, providers);
    const { text } = findConfigBefore(hostRoot, path, old);
    const content = bytesOf(Buffer.from(mergeProviders(text, config.text)), READABLE_MODE);
    const place: Place = { ...locate(path), role: 'config', content };
    const configBefore = text === undefined ? undefined : hashText(text);
    return { places: [...places, place], sha256, names, providers, configBefore };
  });
}

/**
 * A kubelet whose flag names a folder reads all files in it, and does not start when two have a provider of one name.
 * @throws INSTALL_FAILED
 */
function assertOnlyHere({ runtime, hostRoot }: InstallRequest, path: string, providers: readonly string[]): void {
  const folder = dirname(path);
  const names = listNames(followOnNode(hostRoot, folder)).filter((name) => isReadFromFolder(name));
  const own = followOnNode(hostRoot, path);
  for (const other of names.map((name) => join(folder, name))) {
    const file = followOnNode(hostRoot, other);
    const taken = file === own ? undefined : listProvidersOf(file).find((name) => providers.includes(name));
    if (taken === undefined) continue;
    const quote = createQuote(runtime);
    throw new CredentialError(
      'INSTALL_FAILED',
      `Cannot write ${quote(path, MAX_PATH)}: ${quote(other, MAX_PATH)} has the provider "${taken}" already, and a kubelet that reads the whole folder would not start`,
      { hint: `--config ${shellWord(other)} adds to that file; or let the provider have another name` },
    );
  }
}

/** @returns an empty list for what is no configuration of plug-ins. */
function listProvidersOf(file: string): readonly string[] {
  try {
    return listProviders(readText(file) ?? '').map(({ name }) => name);
  } catch {
    return [];
  }
}

/** @returns the sum of the executable. @throws INSTALL_FAILED */
function checkExecutable({ runtime, executable, sha256: wanted }: InstallRequest): string {
  const sha256 = withNodeFile(runtime, executable, 'read', () => hashFile(realpathSync(executable)));
  if (wanted === undefined || wanted.toLowerCase() === sha256) return sha256;
  throw new CredentialError('INSTALL_FAILED', `Cannot install ${executable}: its SHA-256 is not the expected one`, {
    causes: [`expected ${wanted.toLowerCase()}`, `found ${sha256}`],
    hint: 'take the sum of exactly this version from its SHA256SUMS',
  });
}

/**
 * Finds the library that the archives have beside the executable.
 * @returns `undefined` when there is none: then the node must have it.
 * @throws INSTALL_FAILED when somebody else than the owner of the executable has put it there.
 */
function findLibrary({ runtime, executable }: InstallRequest): Content | undefined {
  const program = realpathSync(executable);
  const library = join(dirname(program), LIBRARY_NAME);
  return withNodeFile(runtime, library, 'read', () => {
    const stats = statSync(library, MISSING_IS_UNDEFINED);
    if (stats === undefined) return undefined;
    if (stats.uid !== 0 && stats.uid !== statSync(program).uid) throw new Error('the executable has another owner');
    const source = realpathSync(library);
    return { kind: 'copy', source, sha256: hashFile(source), mode: READABLE_MODE };
  });
}

/**
 * Whether nothing is in a place but what this program has put there.
 * @throws the system's error, or one without a code when something else than a file or a link is there.
 */
function isFree({ path, file }: NodePath, old: Installation | undefined): boolean {
  const now = identifyFile(file);
  const earlier = old?.places.find((place) => place.path === path);
  return now === undefined || (earlier !== undefined && isInstalled(earlier, now));
}

/** @throws UsageError when the kubelet would call this program as a Docker credential helper. */
function readProviders({ runtime, config }: InstallRequest): readonly string[] {
  if (config === undefined) return [];
  const providers = withNodeFile(runtime, 'the configuration to add', 'read', () => listProviders(config.text));
  for (const { name, value } of providers) {
    const { args } = value;
    const first = Array.isArray(args) ? asText(args[0]) : undefined;
    if (name.startsWith(PROVIDER_PREFIX) || first === 'kubelet') continue;
    throw new UsageError(`This program would not know that the kubelet calls it as "${name}"`, {
      hint: `let the provider's name begin with ${PROVIDER_PREFIX}, or its "args" with "kubelet"`,
    });
  }
  return providers.map(({ name }) => name);
}

/** All names in the configuration are installed: with a program that is missing, the kubelet does not start. */
function chooseNames({ names }: InstallRequest, providers: readonly string[]): readonly string[] {
  const all = [...new Set([...providers, ...names])];
  const chosen = all.length === 0 ? [PROVIDER_PREFIX] : all;
  const wrong = chosen.find((name) => !/^[A-Za-z0-9][\w.-]{0,99}$/.test(name) || name === RECORD_NAME);
  if (wrong === undefined) return chosen;
  throw new UsageError(`"${wrong}" cannot be the name of a program`, { hint: `--name ${PROVIDER_PREFIX}` });
}

/** @throws INSTALL_FAILED */
function readFileToCopy(runtime: Runtime, { source, path }: FileToCopy): Content {
  const text = withNodeFile(runtime, source, 'read', () => readText(source));
  if (text !== undefined) return bytesOf(Buffer.from(text), OWNER_ONLY_MODE);
  throw new CredentialError('INSTALL_FAILED', `Cannot install ${path}: there is no file ${source}`, {
    hint: 'check --copy SOURCE:TARGET',
  });
}
