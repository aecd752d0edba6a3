/** The tokens that are still good. */
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
  eraseCache,
  findCache,
  isFresh,
  keyFileName,
  readCache,
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

/** Keeps a token and returns the path of its file. */
function keep(key = KEY, token = TOKEN): string {
  writeCache(theCache(), key, token);
  return fileOf(key);
}

const read = (key = KEY) => readCache(theCache(), key, NOW_SECONDS);

describe('a token that was kept', () => {
  test('is found again', () => {
    keep();
    expect(read()).toEqual(TOKEN);
  });

  test('is found again when it has expired: who asks decides what it is good for', () => {
    keep(KEY, { ...TOKEN, expiresAtSeconds: NOW_SECONDS - 1 });
    expect(read()?.expiresAtSeconds).toBe(NOW_SECONDS - 1);
  });

  test('is replaced by the next', () => {
    keep();
    keep(KEY, { ...TOKEN, token: 'd.e.f' });
    expect(read()?.token).toBe('d.e.f');
    expect(readdirSync(theCache().folder)).toHaveLength(1);
  });

  const otherKeys: readonly (readonly [name: string, key: CacheKey])[] = [
    ['another registry', { ...KEY, service: 'other1.azurecr.io' }],
    ['a registry whose name begins alike', { ...KEY, service: 'myregistry2.azurecr.io' }],
    ['another identity', { ...KEY, identity: 'someone else' }],
    ['another kind', { ...KEY, kind: 'access-token repository:a:pull' }],
    ['an identity that runs into the kind', { ...KEY, identity: 'someone\nrefresh-token', kind: '' }],
  ];
  for (const [name, key] of otherKeys) {
    test(`is not found for ${name}, and not even where its file lies under that name`, () => {
      const file = keep();
      expect(read(key)).toBeUndefined();
      renameSync(file, fileOf(key));
      expect(read(key)).toBeUndefined();
    });
  }

  for (const umask of [0, 0o22, 0o777]) {
    test(`lies in an owner-only file and folder with umask ${umask.toString(8)}`, () => {
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

describe('an entry that cannot be trusted is none', () => {
  const entry = { ...KEY, ...TOKEN };
  const contents: readonly (readonly [name: string, text: string])[] = [
    ['nothing in it', ''],
    ['half of it', JSON.stringify(entry).slice(0, 40)],
    ['something behind it', `${JSON.stringify(entry)}{}`],
    ['another text', 'a.b.c'],
    ['null', 'null'],
    ['a list', JSON.stringify([entry])],
    ['a prototype', JSON.stringify({ ['__proto__']: entry }).replace('{}', JSON.stringify(entry))],
    ['no token', JSON.stringify({ ...entry, token: undefined })],
    ['an empty token', JSON.stringify({ ...entry, token: '' })],
    ['a token that is no text', JSON.stringify({ ...entry, token: ['a'] })],
    ['no end', JSON.stringify({ ...entry, expiresAtSeconds: undefined })],
    ['an end that is a text', JSON.stringify({ ...entry, expiresAtSeconds: '9999999999' })],
    ['an end that is null', JSON.stringify({ ...entry, expiresAtSeconds: null })],
    ['no beginning', JSON.stringify({ ...entry, savedAtSeconds: undefined })],
    ['a beginning that is a text', JSON.stringify({ ...entry, savedAtSeconds: '0' })],
    ['another registry', JSON.stringify({ ...entry, service: 'other1.azurecr.io' })],
    ['another identity', JSON.stringify({ ...entry, identity: 'someone else' })],
    ['no identity', JSON.stringify({ ...entry, identity: undefined })],
    ['another kind', JSON.stringify({ ...entry, kind: 'access-token' })],
    ['a size that no token has', JSON.stringify({ ...entry, filler: 'x'.repeat(64 * 1024) })],
  ];
  for (const [name, text] of contents) {
    test(name, () => {
      writeFileSync(keep(), text);
      expect(read()).toBeUndefined();
      keep();
      expect(read()).toEqual(TOKEN);
    });
  }

  test('the same entry without a flaw is one', () => {
    writeFileSync(keep(), JSON.stringify(entry));
    expect(read()).toEqual(TOKEN);
  });

  const modes = [0o640, 0o604, 0o620, 0o666];
  for (const mode of modes) {
    test(`a file of mode ${mode.toString(8)}`, () => {
      chmodSync(keep(), mode);
      expect(read()).toBeUndefined();
    });
  }

  test("another user's file", (context) => {
    needRoot(context);
    chownSync(keep(), 65_534, 65_534);
    expect(read()).toBeUndefined();
  });

  const planted: readonly (readonly [name: string, plant: (file: string) => void])[] = [
    ['a folder', (file) => mkdirSync(file)],
    ['a named pipe', makeNamedPipe],
    ['a link that leads nowhere', (file) => symlinkSync(folder.path('nowhere'), file)],
  ];
  for (const [name, plant] of planted) {
    test(`${name} in place of the file`, () => {
      const file = keep();
      rmSync(file);
      plant(file);
      expect(read()).toBeUndefined();
    });
  }

  test('a link in place of the file, even to a right one, and it is never written through', () => {
    const file = keep();
    renameSync(file, folder.path('target'));
    symlinkSync(folder.path('target'), file);
    expect(read()).toBeUndefined();
    keep(KEY, { ...TOKEN, token: 'd.e.f' });
    expect(readFileSync(folder.path('target'), 'utf8')).toContain('a.b.c');
    expect(read()?.token).toBe('d.e.f');
  });
});

describe('a token that was saved in the future', () => {
  const rows: readonly (readonly [aheadSeconds: number, isFound: boolean])[] = [
    [-86_400, true],
    [0, true],
    [300, true],
    [301, false],
    [86_400, false],
  ];
  for (const [aheadSeconds, isFound] of rows) {
    test(`${aheadSeconds} seconds ahead is ${isFound ? 'found' : 'not trusted'}`, () => {
      keep(KEY, { ...TOKEN, savedAtSeconds: NOW_SECONDS + aheadSeconds });
      expect(read() !== undefined).toBe(isFound);
    });
  }
});

describe('a token with this much life left', () => {
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
    test(`${lifeSeconds} seconds is ${isEnough ? 'given to a client' : 'renewed first'}`, () => {
      expect(isFresh({ ...TOKEN, expiresAtSeconds: NOW_SECONDS + lifeSeconds }, NOW_SECONDS)).toBe(isEnough);
    });
  }
});

describe('a folder that cannot be trusted keeps nothing', () => {
  test('a link', () => {
    mkdirSync(folder.path('elsewhere'), 0o700);
    mkdirSync(folder.path('cache'), 0o700);
    symlinkSync(folder.path('elsewhere'), theCache().folder);
    expect(() => keep()).toThrow('is not a folder that only you can write in');
    expect(readdirSync(folder.path('elsewhere'))).toEqual([]);
  });

  test('a folder that others can write in', () => {
    mkdirSync(theCache().folder, { recursive: true });
    chmodSync(theCache().folder, 0o777);
    expect(() => keep()).toThrow('is not a folder that only you can write in');
    expect(readdirSync(theCache().folder)).toEqual([]);
  });

  test("another user's folder", (context) => {
    needRoot(context);
    mkdirSync(theCache().folder, { recursive: true, mode: 0o700 });
    chownSync(theCache().folder, 65_534, 65_534);
    expect(() => keep()).toThrow('is not a folder that only you can write in');
  });

  test('a file', () => {
    mkdirSync(folder.path('cache'), 0o700);
    writeFileSync(theCache().folder, '');
    expect(() => keep()).toThrow('is not a folder that only you can write in');
    expect(read()).toBeUndefined();
  });

  test('a folder below one that others can write in is fine', () => {
    mkdirSync(folder.path('cache'));
    chmodSync(folder.path('cache'), 0o777);
    keep();
    expect(read()).toEqual(TOKEN);
  });
});

describe('forgetting a registry', () => {
  test('takes every token of it and none of another', () => {
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

  test('foo12.azurecr.io is not foobar.azurecr.io, nor what its name is a part of', () => {
    for (const service of ['foo12.azurecr.io', 'foo12bar.azurecr.io', 'xfoo12.azurecr.io']) keep({ ...KEY, service });
    eraseCache(theCache(), 'foo12.azurecr.io');
    expect(
      readdirSync(theCache().folder)
        .map((name) => name.split('_')[0])
        .sort(),
    ).toEqual(['foo12bar.azurecr.io', 'xfoo12.azurecr.io']);
  });

  test('takes what is broken too', () => {
    const file = keep();
    appendFileSync(file, 'x');
    chmodSync(file, 0o666);
    eraseCache(theCache(), KEY.service);
    expect(existsSync(file)).toBe(false);
  });

  test('never fails', () => {
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

  test('removes a link, not what it leads to', () => {
    keep();
    writeFileSync(folder.path('precious'), 'text');
    symlinkSync(folder.path('precious'), folder.path('cache', 'tokens', `${KEY.service}_x.json`));
    eraseCache(theCache(), KEY.service);
    expect(readdirSync(theCache().folder)).toEqual([]);
    expect(readFileSync(folder.path('precious'), 'utf8')).toBe('text');
  });
});

describe('forgetting one token', () => {
  test('leaves the one that has taken its place, and those of others', () => {
    keep();
    keep({ ...KEY, identity: 'someone else' });
    dropCache(theCache(), KEY, 'd.e.f');
    expect(read()).toEqual(TOKEN);
    dropCache(theCache(), KEY, TOKEN.token);
    expect(read()).toBeUndefined();
    expect(read({ ...KEY, identity: 'someone else' })).toEqual(TOKEN);
  });

  test('never fails', () => {
    dropCache(theCache(), KEY, TOKEN.token);
    dropCache(cacheIn('/dev/null'), KEY, TOKEN.token);
  });
});

describe('names', () => {
  test('a file is named after its registry, and not after who signs in', () => {
    const name = keyFileName({ ...KEY, identity: '../../someone\0', kind: 'access-token ../x' });
    expect(name).toMatch(/^myregistry\.azurecr\.io_[0-9a-f]{14}$/);
  });

  test('a thousand identities have as many names, the same each time', () => {
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
    test(`${secret} ${JSON.stringify(scope)} is kept as ${kind}`, () => {
      expect(tokenKind(secret, scope)).toBe(kind);
    });
  }

  test('the scopes that were given are left in their order', () => {
    const scope = ['b', 'a'];
    tokenKind('access-token', scope);
    expect(scope).toEqual(['b', 'a']);
  });
});

test('an entry names what it is for, so that a person can tell', () => {
  expect(parseJsonObject(readFileSync(keep(), 'utf8'))).toEqual({ ...KEY, ...TOKEN });
});

test('the cache lies below the folder that was named', async () => {
  const cache = await findCache(makeRuntime({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/somewhere' }));
  expect(cache).toMatchObject({ folder: '/somewhere/tokens', lockFolder: '/somewhere/locks' });
});

for (const named of ['relative', './relative', '~/cache', '../cache']) {
  test(`there is no cache in a folder that depends on the working directory: ${named}`, async () => {
    expect(await findCache(makeRuntime({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: named }))).toBeUndefined();
  });
}
