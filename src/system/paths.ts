/** Finds the folders of this program, the person's home and the folders of other tools. */

import { statSync } from 'node:fs';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { type Runtime, readVariable } from './runtime.ts';

const NAME = 'docker-credential-acr';

interface PlatformFolders {
  readonly cache: string;
  readonly config: string;
  readonly data: string;
}

/**
 * Finds the folder of the token cache. It may not exist yet.
 * @returns `undefined` when there is no home folder, or when the path is relative. A relative path depends on the
 * working directory, which may hold a repository that cannot be trusted.
 */
export async function findCacheFolder(runtime: Runtime): Promise<string | undefined> {
  return absolute(
    readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_CACHE_DIR') ?? (await findWritableFolder(runtime, 'cache')),
  );
}

/**
 * Finds the folder of the stored logins, which stay until they are erased. It may not exist yet.
 * @returns `undefined` when there is no home folder, or when the path is relative.
 */
export async function findDataFolder(runtime: Runtime): Promise<string | undefined> {
  return absolute(
    readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_DATA_DIR') ?? (await findWritableFolder(runtime, 'data')),
  );
}

/**
 * Finds the same folder for a caller that cannot wait: without a variable that names the home folder, it asks the system
 * itself.
 */
export function findDataFolderNow(runtime: Runtime): string | undefined {
  const named = readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_DATA_DIR');
  if (named !== undefined) return absolute(named);
  const home = findHome(runtime);
  return home === undefined
    ? undefined
    : absolute(moveFromOthers(runtime, platformFolders(runtime, home).data, 'data'));
}

/**
 * Finds the folder for compiled code. It may not exist yet. `DOCKER_CREDENTIAL_ACR_CACHE_DIR` does not move it: that folder
 * may be shared with containers, which must not bring code.
 * @returns `undefined` when there is no home folder, or when the path is relative.
 */
export function findCodeFolder(runtime: Runtime): string | undefined {
  const home = findHome(runtime);
  const folder =
    home === undefined ? undefined : absolute(moveFromOthers(runtime, platformFolders(runtime, home).cache, 'cache'));
  return folder === undefined ? undefined : `${folder}${sep}code`;
}

/**
 * Finds a folder to write to. As root with the HOME of another user, as with `sudo -E` and in many containers, it is
 * below root's own home: a folder of root's in that home would lock its owner out.
 */
async function findWritableFolder(runtime: Runtime, kind: 'cache' | 'data'): Promise<string | undefined> {
  const folder = (await findPlatformFolders(runtime))?.[kind];
  return folder === undefined ? undefined : moveFromOthers(runtime, folder, kind);
}

/** @returns the folder; for root in the home of another user, the one below root's own home. */
function moveFromOthers(runtime: Runtime, folder: string, kind: 'cache' | 'data'): string | undefined {
  if (process.geteuid?.() !== 0 || isRootsPlace(folder)) return folder;
  try {
    const { homedir } = process.getBuiltinModule('node:os').userInfo();
    return platformFolders({ ...runtime, env: {} }, homedir)[kind];
  } catch {
    return undefined; // the system's list of users has no root
  }
}

/** Whether the folder in which another one is, or would have to be made, belongs to root. */
function isRootsPlace(folder: string): boolean {
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    try {
      const stats = statSync(parent, { throwIfNoEntry: false });
      if (stats !== undefined) return stats.uid === 0;
    } catch {
      return false; // not a folder
    }
    if (dirname(parent) === parent) return false;
  }
}

/**
 * Finds the configuration file. It must exist if `isExplicit`: then the person named it.
 * @returns `undefined` when the person named none and there is no home folder.
 */
export async function findConfigFile(runtime: Runtime): Promise<{ file: string; isExplicit: boolean } | undefined> {
  const named = readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_CONFIG');
  if (named !== undefined) return { file: named, isExplicit: true };
  const folder = absolute((await findPlatformFolders(runtime))?.config);
  return folder === undefined ? undefined : { file: `${folder}${sep}config.json`, isExplicit: false };
}

/**
 * Finds the person's home folder, in the way of the clients whose files we read.
 * @returns `undefined` when there is none, or when its path is relative.
 */
export function findHome(runtime: Runtime): string | undefined {
  const named = homeVariable(runtime);
  if (named !== undefined) return absolute(named);
  try {
    // The system is asked only here, since the module takes a millisecond to load.
    return absolute(process.getBuiltinModule('node:os').homedir());
  } catch {
    return undefined; // a user id without an entry in the system's list, as in many containers
  }
}

/**
 * Finds the folder of another tool: the one that its variable names, else the one in the person's home.
 * @param name such as `.azure`.
 * @returns `undefined` when there is no home folder. The path in the variable may be relative.
 */
export function findDotFolder(runtime: Runtime, variable: string, name: string): string | undefined {
  const named = readVariable(runtime, variable);
  if (named !== undefined) return named;
  const home = findHome(runtime);
  return home === undefined ? undefined : join(home, name);
}

function homeVariable(runtime: Runtime): string | undefined {
  return readVariable(runtime, runtime.platform === 'win32' ? 'USERPROFILE' : 'HOME');
}

/**
 * Finds the folders that env-paths would choose. The package itself is loaded only when no variable names the home
 * folder: it takes 2 ms to load, and throws when there is no home. The paths are concatenated by hand because this runs
 * before every cached response: `join` checks each character, so often that V8 starts to optimize it.
 */
async function findPlatformFolders(runtime: Runtime): Promise<PlatformFolders | undefined> {
  const home = homeVariable(runtime);
  if (home !== undefined) return platformFolders(runtime, home);
  try {
    const { default: envPaths } = await import('env-paths');
    return envPaths(NAME, { suffix: '' });
  } catch {
    return undefined;
  }
}

/** @see https://github.com/sindresorhus/env-paths */
function platformFolders(runtime: Runtime, home: string): PlatformFolders {
  const root = home.endsWith(sep) ? home.slice(0, -sep.length) : home;
  const below = (...names: readonly string[]) => [root, ...names].join(sep);
  const within = (folder: string, ...names: readonly string[]) => [folder, NAME, ...names].join(sep);
  switch (runtime.platform) {
    case 'darwin':
      return {
        cache: within(below('Library', 'Caches')),
        config: within(below('Library', 'Preferences')),
        data: within(below('Library', 'Application Support')),
      };
    case 'win32': {
      const local = readVariable(runtime, 'LOCALAPPDATA') ?? below('AppData', 'Local');
      return {
        cache: within(local, 'Cache'),
        config: within(readVariable(runtime, 'APPDATA') ?? below('AppData', 'Roaming'), 'Config'),
        data: within(local, 'Data'),
      };
    }
    default:
      return {
        cache: within(readVariable(runtime, 'XDG_CACHE_HOME') ?? below('.cache')),
        config: within(readVariable(runtime, 'XDG_CONFIG_HOME') ?? below('.config')),
        data: within(readVariable(runtime, 'XDG_DATA_HOME') ?? below('.local', 'share')),
      };
  }
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
