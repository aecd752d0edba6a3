/** Where the program keeps its files. */
import { chownSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  findCacheFolder,
  findConfigFile,
  findDataFolder,
  findDataFolderNow,
  findHome,
} from '../../../src/system/paths.ts';
import { runNode } from '../child.ts';
import { needRoot } from '../other-user.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

const ROOT = `${import.meta.dirname}/../../..`;
const FOLDERS = `${ROOT}/src/system/paths.ts`;

describe('findHome', () => {
  const rows: readonly (readonly [env: Record<string, string>, platform: NodeJS.Platform, home: string | undefined])[] =
    [
      [{ HOME: '/home/someone' }, 'linux', '/home/someone'],
      [{ HOME: '/home/someone', USERPROFILE: '/users/someone' }, 'linux', '/home/someone'],
      [{ HOME: '/home/someone', USERPROFILE: '/users/someone' }, 'win32', '/users/someone'],
      [{ HOME: 'relative' }, 'linux', undefined],
      [{ HOME: './relative' }, 'linux', undefined],
      [{ HOME: '~' }, 'linux', undefined],
      [{ USERPROFILE: 'relative' }, 'win32', undefined],
    ];
  for (const [env, platform, home] of rows) {
    test(`returns ${home ?? 'nothing'} for ${JSON.stringify(env)} on ${platform}`, () => {
      expect(findHome(makeRuntime(env, { platform }))).toBe(home);
    });
  }
});

describe('the environment', () => {
  test('names the cache folder', async () => {
    expect(await findCacheFolder(makeRuntime({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/somewhere' }))).toBe('/somewhere');
  });

  for (const named of ['.', '..', 'cache', './cache', '~/cache', '$HOME/cache']) {
    test(`cannot name the relative cache folder ${named}`, async () => {
      expect(await findCacheFolder(makeRuntime({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: named }))).toBeUndefined();
    });
  }

  test('names the configuration file, which is then explicit', async () => {
    const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: 'relative.json' });
    expect(await findConfigFile(runtime)).toEqual({ file: 'relative.json', isExplicit: true });
  });
});

describe('the folders of root', () => {
  /** Only root can give a folder away. */
  const OTHER_USER = 65_534;
  const own = userInfo().homedir;
  const find = async (env: Record<string, string>) => [
    await findCacheFolder(makeRuntime(env)),
    await findSameData(env),
  ];
  /** The data folder, which is the same for a caller that cannot wait. */
  const findSameData = async (env: Record<string, string>) => {
    const found = await findDataFolder(makeRuntime(env));
    expect(findDataFolderNow(makeRuntime(env))).toBe(found);
    return found;
  };
  const below = (home: string) => [
    join(home, '.cache', 'docker-credential-acr'),
    join(home, '.local', 'share', 'docker-credential-acr'),
  ];

  test('are in HOME when that is root’s, or will be', async (context) => {
    needRoot(context);
    const home = folder.path('home');
    expect(await find({ HOME: home })).toEqual(below(home));
    mkdirSync(home);
    expect(await find({ HOME: home })).toEqual(below(home));
  });

  test('are in root’s own home when the home in HOME belongs to another user', async (context) => {
    needRoot(context);
    const home = folder.path('home');
    mkdirSync(home);
    chownSync(home, OTHER_USER, OTHER_USER);
    expect(await find({ HOME: home })).toEqual(below(own));
    expect(await find({ HOME: home, XDG_CACHE_HOME: join(home, 'x', 'y') })).toEqual(below(own));
  });

  test('are in root’s own home when they would be in a folder of another user, even if root has made one there', async (context) => {
    needRoot(context);
    const home = folder.path('home');
    mkdirSync(join(home, '.cache', 'docker-credential-acr'), { recursive: true });
    mkdirSync(join(home, '.local', 'share'), { recursive: true });
    chownSync(join(home, '.cache'), OTHER_USER, OTHER_USER);
    expect(await find({ HOME: home })).toEqual([below(own)[0], below(home)[1]]);
  });

  test('are where a variable of ours says, whoever owns it', async (context) => {
    needRoot(context);
    chownSync(folder.path(), OTHER_USER, OTHER_USER);
    const named = folder.path('cache');
    expect((await find({ HOME: folder.path(), DOCKER_CREDENTIAL_ACR_CACHE_DIR: named }))[0]).toBe(named);
  });
});

describe('the platform’s own folders', () => {
  const find = async (env: Record<string, string>) => {
    const script = `
      import { findCacheFolder, findConfigFile } from ${JSON.stringify(FOLDERS)};
      const machine = { env: process.env };
      console.log(JSON.stringify([await findCacheFolder(machine), (await findConfigFile(machine))?.file]));
    `;
    const { stdout } = await runNode(['--no-warnings', '--input-type=module', '--eval', script], { env });
    return stdout.trim();
  };
  const rows: readonly (readonly [env: Record<string, string>, found: readonly (string | null)[]])[] = [
    [
      { HOME: '/home/someone' },
      ['/home/someone/.cache/docker-credential-acr', '/home/someone/.config/docker-credential-acr/config.json'],
    ],
    [
      { HOME: '/home/someone', XDG_CACHE_HOME: '/var/cache', XDG_CONFIG_HOME: '/etc/xdg' },
      ['/var/cache/docker-credential-acr', '/etc/xdg/docker-credential-acr/config.json'],
    ],
    [{ HOME: '/home/someone', XDG_CACHE_HOME: 'relative', XDG_CONFIG_HOME: 'relative' }, [null, null]],
    [{ HOME: 'relative' }, [null, null]],
  ];
  /** The folders that env-paths names for a platform, whichever this one is, and those that we name. */
  const compare = async (platform: string, env: Record<string, string>) => {
    const script = `
      Object.defineProperty(process, 'platform', { value: ${JSON.stringify(platform)} });
      const { default: envPaths } = await import('env-paths');
      const { findCacheFolder, findConfigFile, findDataFolder, findDataFolderNow } = await import(${JSON.stringify(FOLDERS)});
      const { cache, data, config } = envPaths('docker-credential-acr', { suffix: '' });
      const machine = { env: process.env, platform: process.platform };
      const folders = [await findCacheFolder(machine), await findDataFolder(machine), (await findConfigFile(machine))?.file];
      if (findDataFolderNow(machine) !== folders[1]) throw new Error('the data folders differ');
      console.log(JSON.stringify([[cache, data, config + '/config.json'], folders]));
    `;
    const { stdout } = await runNode(['--no-warnings', '--input-type=module', '--eval', script], { env, cwd: ROOT });
    const said: readonly [expected: unknown, found: unknown] = JSON.parse(stdout);
    return said;
  };
  const homes = [{ HOME: '/home/someone' }, { HOME: '/home/someone/' }, { HOME: '/' }];
  const named = {
    linux: { XDG_CACHE_HOME: '/a', XDG_CONFIG_HOME: '/b', XDG_DATA_HOME: '/c' },
    darwin: {},
    win32: { LOCALAPPDATA: '/local', APPDATA: '/roaming' },
  };
  for (const [platform, folders] of Object.entries(named)) {
    for (const env of [...homes, ...homes.map((home) => ({ ...home, ...folders }))]) {
      test.runIf(process.platform !== 'win32')(
        `match env-paths on ${platform} for ${JSON.stringify(env)}`,
        async () => {
          const [expected, found] = await compare(platform, { ...env, USERPROFILE: env.HOME });
          expect(found).toEqual(expected);
        },
      );
    }
  }

  test.runIf(process.platform === 'linux')('match env-paths when the environment names no home', async () => {
    const [expected, found] = await compare('linux', {});
    expect(found).toEqual(expected);
  });

  for (const [env, found] of rows) {
    test.runIf(process.platform === 'linux')(`are ${JSON.stringify(found)} for ${JSON.stringify(env)}`, async () => {
      expect(await find(env)).toBe(JSON.stringify(found));
    });
  }
});
