/** Where the program keeps its files, and where the person's own folder is. */

import { isAbsolute, join, sep } from 'node:path';
import { type Runtime, readVariable } from './runtime.ts';

const NAME = 'docker-credential-acr';

interface PlatformFolders {
  readonly cache: string;
  readonly config: string;
  readonly data: string;
}

/**
 * The folder of the token cache.
 * @returns `undefined` where there is none to be had: no home, or a name that depends on the working directory, which
 * belongs to whoever wrote the repository that is being built.
 */
export async function findCacheFolder(runtime: Runtime): Promise<string | undefined> {
  return absolute(
    readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_CACHE_DIR') ?? (await findPlatformFolders(runtime))?.cache,
  );
}

/**
 * The folder of what is kept until somebody takes it away, unlike a cache.
 * @returns `undefined` where there is none to be had.
 */
export async function findDataFolder(runtime: Runtime): Promise<string | undefined> {
  return absolute(
    readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_DATA_DIR') ?? (await findPlatformFolders(runtime))?.data,
  );
}

/** The configuration file; `isExplicit` when the person named it, so that it has to exist. */
export async function findConfigFile(runtime: Runtime): Promise<{ file: string; isExplicit: boolean } | undefined> {
  const named = readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_CONFIG');
  if (named !== undefined) return { file: named, isExplicit: true };
  const folder = absolute((await findPlatformFolders(runtime))?.config);
  return folder === undefined ? undefined : { file: `${folder}${sep}config.json`, isExplicit: false };
}

/** The person's home, as the clients whose files we read find it. */
export function findHome(runtime: Runtime): string | undefined {
  const named = homeVariable(runtime);
  if (named !== undefined) return absolute(named);
  try {
    // Asked of the system only here: the module takes a millisecond to load.
    return absolute(process.getBuiltinModule('node:os').homedir());
  } catch {
    return undefined; // a user id without an entry in the system's list, as in many containers
  }
}

/**
 * The folder of another tool: the one that its variable names, else one in the person's home.
 * @param name such as `.azure`.
 * @returns `undefined` where there is no home. What the variable names may be relative.
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
 * The folders that env-paths names. It is asked only where the environment does not tell the home folder: it takes
 * 2 ms to load, and throws while it does where there is no home. Names are put together by hand on the way to a cached
 * answer: `join` looks at each character so often that V8 starts to optimize it.
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
