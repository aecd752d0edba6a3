/** Where the program keeps its files, and where the person's own folder is. */

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Machine, readVariable } from './machine.ts';

const NAME = 'docker-credential-acr';

/**
 * The folder of the token cache.
 * @returns `undefined` where there is none to be had: no home, or a name that depends on the working directory, which
 * belongs to whoever wrote the repository that is being built.
 */
export async function findCacheFolder(machine: Machine): Promise<string | undefined> {
  return absolute(readVariable(machine, 'DOCKER_CREDENTIAL_ACR_CACHE_DIR') ?? (await findPlatformFolders())?.cache);
}

/**
 * The folder of what is kept until somebody takes it away, unlike a cache.
 * @returns `undefined` where there is none to be had.
 */
export async function findDataFolder(machine: Machine): Promise<string | undefined> {
  return absolute(readVariable(machine, 'DOCKER_CREDENTIAL_ACR_DATA_DIR') ?? (await findPlatformFolders())?.data);
}

/** The configuration file; `isExplicit` when the person named it, so that it has to exist. */
export async function findConfigFile(machine: Machine): Promise<{ file: string; isExplicit: boolean } | undefined> {
  const named = readVariable(machine, 'DOCKER_CREDENTIAL_ACR_CONFIG');
  if (named !== undefined) return { file: named, isExplicit: true };
  const folder = absolute((await findPlatformFolders())?.config);
  return folder === undefined ? undefined : { file: join(folder, 'config.json'), isExplicit: false };
}

/** The person's home, as the clients whose files we read find it. */
export function findHome(machine: Machine): string | undefined {
  const named = readVariable(machine, machine.platform === 'win32' ? 'USERPROFILE' : 'HOME');
  if (named !== undefined) return absolute(named);
  try {
    return absolute(homedir());
  } catch {
    return undefined; // a user id without an entry in the system's list, as in many containers
  }
}

/** Loaded here, not at start: env-paths asks for the home folder while it loads, and throws where there is none. */
async function findPlatformFolders(): Promise<{ cache: string; config: string; data: string } | undefined> {
  try {
    const { default: envPaths } = await import('env-paths');
    return envPaths(NAME, { suffix: '' });
  } catch {
    return undefined;
  }
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
