/** The token cache: what it returns, what it does not trust, and what it removes. */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type CacheKey,
  dropCache,
  ENTRA_SERVICE,
  eraseCache,
  findCache,
  isFresh,
  keyFileName,
  readCache,
  storedTokenKey,
  tokenKind,
  writeCache,
} from '../../../src/cache/cache.ts';
import { parseJsonObject } from '../../../src/json.ts';
import { cacheIn } from '../cache-in.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { needRoot } from '../other-user.ts';
import { makeRuntime, NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };
const TOKEN = { token: 'a.b.c', expiresAtSeconds: NOW_SECONDS + 3600, savedAtSeconds: NOW_SECONDS };

const umaskBefore = process.umask();
afterEach(() => {
  process.umask(umaskBefore);
});

const theCache = () => cacheIn(folder.path('cache'));
const fileOf = (key: CacheKey) => folder.path('cache', 'tokens', `${keyFileName(key)}.json`);

/** Caches a token and returns the path of its file. */
function keep(key = KEY, token = TOKEN): string {
  writeCache(theCache(), key, token);
  return fileOf(key);
}

const read = (key = KEY) => readCache(theCache(), key, NOW_SECONDS);

describe('the cache', () => {
  test('returns the token that was written', () => {
    keep();
    expect(read()).toEqual(TOKEN);
  });

  test('returns an expired token, since the caller decides whether it can be used', () => {
    keep(KEY, { ...TOKEN, expiresAtSeconds: NOW_SECONDS - 1 });
    expect(read()?.expiresAtSeconds).toBe(NOW_SECONDS - 1);
  });

  test('replaces a token with the next one for the same key', () => {
    keep();
    keep(KEY, { ...TOKEN, token: 'd.e.f' });
    expect(read()?.token).toBe('d.e.f');
    expect(readdirSync(theCache().folder)).toHaveLength(1);
  });

  const otherKeys: readonly (readonly [name: string, key: CacheKey])[] = [
    ['another registry', { ...KEY, service: 'other1.azurecr.io' }],
    ['a registry whose name starts the same', { ...KEY, service: 'myregistry2.azurecr.io' }],
    ['another identity', { ...KEY, identity: 'someone else' }],
    ['another kind', { ...KEY, kind: 'access-token repository:a:pull' }],
  ];
  for (const [name, key] of otherKeys) {
    test(`returns nothing for ${name}, even when the file is renamed to match`, () => {
      const file = keep();
      expect(read(key)).toBeUndefined();
      renameSync(file, fileOf(key));
      expect(read(key)).toBeUndefined();
    });
  }

  for (const umask of [0, 0o22, 0o777]) {
    test(`creates a file and folders that only the owner can open with umask ${umask.toString(8)}`, () => {
      folder.path();
      process.umask(umask);
      const file = keep();
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(theCache().folder).mode & 0o777).toBe(0o700);
      expect(statSync(folder.path('cache')).mode & 0o777).toBe(0o700);
      expect(read()).toEqual(TOKEN);
    });
  }
});

describe('two keys with the same file name', () => {
  const one = { ...KEY, identity: 'a', kind: 'b\nc' };
  const other = { ...KEY, identity: 'a\nb', kind: 'c' };

  test('never get the token of each other, which only its own fields tell', () => {
    expect(keyFileName(one)).toBe(keyFileName(other));
    keep(one);
    expect(read(other)).toBeUndefined();
    keep(other, { ...TOKEN, token: 'd.e.f' });
    expect(read(other)?.token).toBe('d.e.f');
    expect(read(one)).toBeUndefined();
  });

  test('do not drop the token of each other', () => {
    keep(one);
    dropCache(theCache(), other, TOKEN.token);
    expect(read(one)).toEqual(TOKEN);
  });
});

describe('readCache', () => {
  const entry = { ...KEY, ...TOKEN };
  const contents: readonly (readonly [name: string, text: string])[] = [
    ['no content', ''],
    ['half an entry', JSON.stringify(entry).slice(0, 40)],
    ['text after the entry', `${JSON.stringify(entry)}{}`],
    ['text that is not JSON', 'a.b.c'],
    ['null', 'null'],
    ['an array', JSON.stringify([entry])],
    ['an entry inside __proto__', JSON.stringify({ ['__proto__']: entry }).replace('{}', JSON.stringify(entry))],
    ['no token', JSON.stringify({ ...entry, token: undefined })],
    ['an empty token', JSON.stringify({ ...entry, token: '' })],
    ['a token that is not a string', JSON.stringify({ ...entry, token: ['a'] })],
    ['no expiry', JSON.stringify({ ...entry, expiresAtSeconds: undefined })],
    ['an expiry that is a string', JSON.stringify({ ...entry, expiresAtSeconds: '9999999999' })],
    ['an expiry that is null', JSON.stringify({ ...entry, expiresAtSeconds: null })],
    ['no save time', JSON.stringify({ ...entry, savedAtSeconds: undefined })],
    ['a save time that is a string', JSON.stringify({ ...entry, savedAtSeconds: '0' })],
    ['another registry', JSON.stringify({ ...entry, service: 'other1.azurecr.io' })],
    ['another identity', JSON.stringify({ ...entry, identity: 'someone else' })],
    ['no identity', JSON.stringify({ ...entry, identity: undefined })],
    ['another kind', JSON.stringify({ ...entry, kind: 'access-token' })],
    ['more than 64 KiB', JSON.stringify({ ...entry, filler: 'x'.repeat(64 * 1024) })],
  ];
  for (const [name, text] of contents) {
    test(`returns nothing for a file with ${name}, which the next write replaces`, () => {
      writeFileSync(keep(), text);
      expect(read()).toBeUndefined();
      keep();
      expect(read()).toEqual(TOKEN);
    });
  }

  test('returns the token of a complete entry', () => {
    writeFileSync(keep(), JSON.stringify(entry));
    expect(read()).toEqual(TOKEN);
  });

  const modes = [0o640, 0o604, 0o620, 0o666];
  for (const mode of modes) {
    test(`returns nothing for a file with mode ${mode.toString(8)}`, () => {
      chmodSync(keep(), mode);
      expect(read()).toBeUndefined();
    });
  }

  test("returns nothing for another user's file", (context) => {
    needRoot(context);
    chownSync(keep(), 65_534, 65_534);
    expect(read()).toBeUndefined();
  });

  const planted: readonly (readonly [name: string, plant: (file: string) => void])[] = [
    ['a folder', (file) => mkdirSync(file)],
    ['a named pipe', makeNamedPipe],
    ['a dangling link', (file) => symlinkSync(folder.path('nowhere'), file)],
  ];
  for (const [name, plant] of planted) {
    test(`returns nothing for ${name} in place of the file`, () => {
      const file = keep();
      rmSync(file);
      plant(file);
      expect(read()).toBeUndefined();
    });
  }

  test('returns nothing for a link to a complete entry, and the next write leaves its target alone', () => {
    const file = keep();
    renameSync(file, folder.path('target'));
    symlinkSync(folder.path('target'), file);
    expect(read()).toBeUndefined();
    keep(KEY, { ...TOKEN, token: 'd.e.f' });
    expect(readFileSync(folder.path('target'), 'utf8')).toContain('a.b.c');
    expect(read()?.token).toBe('d.e.f');
  });
});

describe('readCache with an expiry that no real token has', () => {
  const rows: readonly (readonly [name: string, key: CacheKey, lifeSeconds: number])[] = [
    ['a refresh token', KEY, 3 * 3600],
    ['an access token', { ...KEY, kind: 'access-token repository:a:pull' }, 3 * 3600],
    ['a stored token', storedTokenKey(KEY.service), 3 * 3600],
    ['an Entra token', { ...KEY, service: ENTRA_SERVICE }, 24 * 3600],
  ];
  for (const [name, key, lifeSeconds] of rows) {
    test(`lets ${name} expire ${lifeSeconds / 3600} hours after it was saved`, () => {
      for (const expiresAtSeconds of [NOW_SECONDS + lifeSeconds + 1, 9e12, Number.MAX_VALUE]) {
        writeCache(theCache(), key, { ...TOKEN, expiresAtSeconds });
        expect(readCache(theCache(), key, NOW_SECONDS)?.expiresAtSeconds).toBe(NOW_SECONDS + lifeSeconds);
      }
    });
  }
});

describe('readCache with a clock that may have been turned back', () => {
  const rows: readonly (readonly [aheadSeconds: number, isFound: boolean])[] = [
    [-86_400, true],
    [0, true],
    [300, true],
    [301, false],
    [86_400, false],
  ];
  for (const [aheadSeconds, isFound] of rows) {
    test(`${isFound ? 'returns' : 'rejects'} a token saved ${aheadSeconds} seconds ahead of the clock`, () => {
      keep(KEY, { ...TOKEN, savedAtSeconds: NOW_SECONDS + aheadSeconds });
      expect(read() !== undefined).toBe(isFound);
    });
  }
});

describe('isFresh', () => {
  const rows: readonly (readonly [lifeSeconds: number, isEnough: boolean])[] = [
    [10_800, true],
    [301, true],
    [300, false],
    [1, false],
    [0, false],
    [-1, false],
    [Number.NaN, false],
  ];
  for (const [lifeSeconds, isEnough] of rows) {
    test(`returns ${isEnough} for a token with ${lifeSeconds} seconds left`, () => {
      expect(isFresh({ ...TOKEN, expiresAtSeconds: NOW_SECONDS + lifeSeconds }, NOW_SECONDS)).toBe(isEnough);
    });
  }
});

describe('writeCache', () => {
  test('refuses a link in place of the folder, and writes nothing to its target', () => {
    mkdirSync(folder.path('elsewhere'), 0o700);
    mkdirSync(folder.path('cache'), 0o700);
    symlinkSync(folder.path('elsewhere'), theCache().folder);
    expect(() => keep()).toThrow('is not a folder that only you can write to');
    expect(readdirSync(folder.path('elsewhere'))).toEqual([]);
  });

  test('refuses a folder that others can write in', () => {
    mkdirSync(theCache().folder, { recursive: true });
    chmodSync(theCache().folder, 0o777);
    expect(() => keep()).toThrow('is not a folder that only you can write to');
    expect(readdirSync(theCache().folder)).toEqual([]);
  });

  test("refuses another user's folder", (context) => {
    needRoot(context);
    mkdirSync(theCache().folder, { recursive: true, mode: 0o700 });
    chownSync(theCache().folder, 65_534, 65_534);
    expect(() => keep()).toThrow('is not a folder that only you can write to');
  });

  test('refuses a file in place of the folder', () => {
    mkdirSync(folder.path('cache'), 0o700);
    writeFileSync(theCache().folder, '');
    expect(() => keep()).toThrow('is not a folder that only you can write to');
    expect(read()).toBeUndefined();
  });

  test('accepts a folder whose parent others can write in', () => {
    mkdirSync(folder.path('cache'));
    chmodSync(folder.path('cache'), 0o777);
    keep();
    expect(read()).toEqual(TOKEN);
  });
});

describe('eraseCache', () => {
  test('removes every token of the registry and none of any other', () => {
    const keys = [
      KEY,
      { ...KEY, identity: 'someone else' },
      { ...KEY, kind: 'access-token repository:a:pull' },
      { ...KEY, service: 'other1.azurecr.io' },
      { ...KEY, service: 'myregistry2.azurecr.io' },
      { ...KEY, service: 'myregistry.azurecr.cn' },
      { ...KEY, service: 'notmyregistry.azurecr.io' },
      { ...KEY, service: 'myregistry-abc.azurecr.io' },
    ];
    for (const key of keys) keep(key);
    eraseCache(theCache(), 'myregistry.azurecr.io');
    expect(keys.map((key) => read(key) !== undefined)).toEqual([false, false, false, true, true, true, true, true]);
    expect(readdirSync(theCache().folder)).toHaveLength(5);
  });

  test('removes foo12.azurecr.io but neither foo12bar.azurecr.io nor xfoo12.azurecr.io', () => {
    for (const service of ['foo12.azurecr.io', 'foo12bar.azurecr.io', 'xfoo12.azurecr.io']) keep({ ...KEY, service });
    eraseCache(theCache(), 'foo12.azurecr.io');
    expect(
      readdirSync(theCache().folder)
        .map((name) => name.split('_')[0])
        .sort(),
    ).toEqual(['foo12bar.azurecr.io', 'xfoo12.azurecr.io']);
  });

  test('removes a damaged file that others can write', () => {
    const file = keep();
    appendFileSync(file, 'x');
    chmodSync(file, 0o666);
    eraseCache(theCache(), KEY.service);
    expect(existsSync(file)).toBe(false);
  });

  test('does not throw when there is no folder or a file cannot be removed', () => {
    eraseCache(theCache(), KEY.service);
    keep();
    const file = folder.path('cache', 'tokens', `${KEY.service}_folder.json`);
    mkdirSync(file);
    writeFileSync(`${file}/inside`, '');
    eraseCache(theCache(), KEY.service);
    eraseCache(theCache(), KEY.service);
    expect(read()).toBeUndefined();
    eraseCache(cacheIn('/dev/null'), KEY.service);
  });

  test('removes a link but not its target', () => {
    keep();
    writeFileSync(folder.path('precious'), 'text');
    symlinkSync(folder.path('precious'), folder.path('cache', 'tokens', `${KEY.service}_x.json`));
    eraseCache(theCache(), KEY.service);
    expect(readdirSync(theCache().folder)).toEqual([]);
    expect(readFileSync(folder.path('precious'), 'utf8')).toBe('text');
  });
});

describe('dropCache', () => {
  test('removes only the given token, neither a newer one nor that of another identity', () => {
    keep();
    keep({ ...KEY, identity: 'someone else' });
    dropCache(theCache(), KEY, 'd.e.f');
    expect(read()).toEqual(TOKEN);
    dropCache(theCache(), KEY, TOKEN.token);
    expect(read()).toBeUndefined();
    expect(read({ ...KEY, identity: 'someone else' })).toEqual(TOKEN);
  });

  test('does not throw when there is no token or no folder', () => {
    dropCache(theCache(), KEY, TOKEN.token);
    dropCache(cacheIn('/dev/null'), KEY, TOKEN.token);
  });
});

describe('the key of a token', () => {
  test('names the file after the registry and a hash, not after the identity', () => {
    const name = keyFileName({ ...KEY, identity: '../../someone\0', kind: 'access-token ../x' });
    expect(name).toMatch(/^myregistry\.azurecr\.io_[0-9a-f]{14}$/);
  });

  test('gives a thousand identities a thousand file names, the same ones each time', () => {
    const names = Array.from({ length: 1000 }, (_, index) => keyFileName({ ...KEY, identity: `someone ${index}` }));
    expect(new Set(names).size).toBe(1000);
    expect(keyFileName({ ...KEY, identity: 'someone 7' })).toBe(names[7]);
  });

  const kinds: readonly (readonly [secret: string, scope: readonly string[], kind: string])[] = [
    ['refresh-token', [], 'refresh-token'],
    ['identity-token', [], 'refresh-token'],
    ['access-token', ['b', 'a'], 'access-token a b'],
    ['access-token', ['a', 'b'], 'access-token a b'],
    ['access-token', ['repository:a:pull'], 'access-token repository:a:pull'],
  ];
  for (const [secret, scope, kind] of kinds) {
    test(`has the kind "${kind}" for ${secret} with the scopes ${JSON.stringify(scope)}`, () => {
      expect(tokenKind(secret, scope)).toBe(kind);
    });
  }

  test('leaves the order of the given scopes alone', () => {
    const scope = ['b', 'a'];
    tokenKind('access-token', scope);
    expect(scope).toEqual(['b', 'a']);
  });
});

test('writeCache records the registry, the identity and the kind beside the token', () => {
  expect(parseJsonObject(readFileSync(keep(), 'utf8'))).toEqual({ ...KEY, ...TOKEN });
});

test('findCache puts the cache below DOCKER_CREDENTIAL_ACR_CACHE_DIR', async () => {
  const cache = await findCache(makeRuntime({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/somewhere' }));
  expect(cache).toMatchObject({ folder: '/somewhere/tokens', lockFolder: '/somewhere/locks' });
});

for (const named of ['relative', './relative', '~/cache', '../cache']) {
  test(`findCache returns nothing for the relative folder ${named}`, async () => {
    expect(await findCache(makeRuntime({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: named }))).toBeUndefined();
  });
}
