/** Finds what keeps a client from asking this program although its configuration names it. */

import { isAbsolute } from 'node:path';
import { asJsonObject, parseJsonObject } from '../../json.ts';
import { shellWord } from '../../shell-word.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import {
  type ClientConfig,
  type ClientFile,
  listClientFiles,
  parseClientText,
  readClientConfig,
} from './client-config.ts';
import type { FileEdit } from './edit-files.ts';

/** Something that a client uses before this program, or instead. */
export interface Shadow {
  readonly kind: 'auths' | 'credHelpers' | 'DOCKER_AUTH_CONFIG' | 'REGISTRY_AUTH_FILE';
  readonly host: string;
  /** `undefined` for a variable. */
  readonly file: string | undefined;
  /** The key in the file or in the variable, as it is written there. */
  readonly key: string | undefined;
  /** What it does, such as "helm uses it and not the helper". */
  readonly effect: string;
  /** A command that ends it. */
  readonly fix: string;
}

/** `host`, `https://host`, `host:443`, each with an optional path. */
const AUTH_KEY = /^(?:https?:\/\/)?(?<host>[^/]*[^/.])\.?(?:\/.*)?$/;
/** The clients that read a file, with their verb. */
const READERS_USE = { docker: 'docker uses', podman: 'podman, skopeo and buildah use', helm: 'helm uses' } as const;

/** Describes a shadow in one line. */
export function describeShadow({ kind, file, key, effect }: Shadow): string {
  switch (kind) {
    case 'auths':
      return `"auths" in ${file} holds a password for "${key}": ${effect}`;
    case 'credHelpers':
      return `"credHelpers" in ${file}, key "${key}": ${effect}`;
    case 'DOCKER_AUTH_CONFIG':
      return `${kind} holds a password for "${key}": ${effect}`;
    case 'REGISTRY_AUTH_FILE':
      return `${kind} is ${file}: ${effect}`;
  }
}

/** Whether a key of `auths` is about a host, in any of the forms that clients write. */
export function isAuthOf(key: string, host: string): boolean {
  const found = AUTH_KEY.exec(key.toLowerCase())?.groups?.['host'];
  return found !== undefined && found.replace(/:443$/, '') === host;
}

/**
 * Finds what shadows hosts.
 * @param helper such as `acr`.
 * @param edits what has changed in the files, or would change.
 */
export function findShadows(
  runtime: Runtime,
  hosts: readonly string[],
  helper: string,
  edits: readonly FileEdit[],
): readonly Shadow[] {
  const configs = readEditedConfigs(runtime, edits);
  const clear = (host: string) => `${runtime.programName} configure ${shellWord(host)} --clear-auths`;
  return hosts.flatMap((host) => [
    ...configs.flatMap((config) => findInFile(config, host, helper, clear(host))),
    ...findInDockerVariable(runtime, host),
    ...findInAuthFile(runtime, configs, host, helper),
  ]);
}

/** Reads the files of all clients, as they are after the edits. */
export function readEditedConfigs(runtime: Runtime, edits: readonly FileEdit[]): readonly ClientConfig[] {
  return listClientFiles(runtime).map((clientFile) => {
    const edit = edits.find(({ file, problem }) => file === clientFile.file && problem === undefined);
    return edit === undefined
      ? readClientConfig(clientFile)
      : parseClientText(clientFile, edit.after?.replace(/^\uFEFF/, ''));
  });
}

function findInFile(config: ClientConfig, host: string, helper: string, fix: string): readonly Shadow[] {
  const { client, file, credHelpers, auths } = config;
  const named = credHelpers.get(host);
  const shadows: Shadow[] = auths
    .filter((key) => isAuthOf(key, host))
    .map((key) => {
      const effect =
        named === helper || client === 'docker'
          ? 'some clients use it first, others where a sign-in fails'
          : `${READERS_USE[client]} it and not the helper`;
      return { kind: 'auths', host, file, key, effect, fix };
    });
  if (named !== undefined && named !== helper) {
    const effect = `${READERS_USE[client]} the helper "${named}"`;
    shadows.push({ kind: 'credHelpers', host, file, key: host, effect, fix: fix.replace('--clear-auths', '--force') });
  }
  return shadows;
}

/** @see https://docs.docker.com/reference/cli/docker/#environment-variables */
function findInDockerVariable(runtime: Runtime, host: string): readonly Shadow[] {
  const { auths } = parseJsonObject(readVariable(runtime, 'DOCKER_AUTH_CONFIG') ?? '') ?? {};
  return Object.keys(asJsonObject(auths) ?? {})
    .filter((key) => isAuthOf(key, host))
    .map((key) => ({
      kind: 'DOCKER_AUTH_CONFIG',
      host,
      file: undefined,
      key,
      effect: 'docker uses it and not the helper',
      fix: formatUnset(runtime, 'DOCKER_AUTH_CONFIG'),
    }));
}

function findInAuthFile(
  runtime: Runtime,
  configs: readonly ClientConfig[],
  host: string,
  helper: string,
): readonly Shadow[] {
  const file = readVariable(runtime, 'REGISTRY_AUTH_FILE');
  if (file === undefined) return [];
  const config = configs.find((one) => isAuthFile(one, file));
  if (config?.credHelpers.get(host) === helper) return [];
  return [
    {
      kind: 'REGISTRY_AUTH_FILE',
      host,
      file,
      key: undefined,
      effect: 'podman, skopeo and buildah read only this file, which does not name the helper',
      fix: isAbsolute(file)
        ? `${runtime.programName} configure ${shellWord(host)} --podman`
        : formatUnset(runtime, 'REGISTRY_AUTH_FILE'),
    },
  ];
}

function isAuthFile({ client, file }: ClientFile, wanted: string): boolean {
  return client === 'podman' && file === wanted;
}

function formatUnset({ platform }: Runtime, variable: string): string {
  return platform === 'win32' ? `Remove-Item Env:${variable}` : `unset ${variable}`;
}
