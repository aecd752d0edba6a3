/** What is erased does not come back, whenever the erasure comes. */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CacheKey, eraseCache, readCache, writeCache } from '../../../src/cache/cache.ts';
import { readErasure, recordErasure } from '../../../src/cache/erasure.ts';
import { obtainShared } from '../../../src/cache/shared-token.ts';
import { readClockMs } from '../../../src/system/clock.ts';
import { cacheIn } from '../cache-in.ts';
import { makeRuntime, NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const theCache = () => cacheIn(folder.path());
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };
const OTHER: CacheKey = { ...KEY, service: 'other1.azurecr.io' };
const TOKEN = { token: 'new', expiresAtSeconds: NOW_SECONDS + 3600 };

/** As a logout does it. */
function erase(): void {
  recordErasure(theCache());
  eraseCache(theCache(), KEY.service);
}

/** Gets a token, while `during` happens. */
function obtain(during: () => void, erasure?: string, key = KEY): Promise<string | { notSetUp: string }> {
  return obtainShared<{ notSetUp: string }>(
    { runtime: makeRuntime(), cache: theCache(), deadlineMs: readClockMs() + 10_000, log: undefined, erasure },
    key,
    {
      isUsable: () => true,
      get: async () => {
        during();
        return TOKEN;
      },
    },
  );
}

const read = (key = KEY) => readCache(theCache(), key, NOW_SECONDS)?.token;

describe('a sign-in', () => {
  test('during which nothing is erased saves its token', async () => {
    expect(await obtain(() => undefined)).toBe('new');
    expect(read()).toBe('new');
  });

  test('during which its registry is erased answers with its token, and saves nothing', async () => {
    expect(await obtain(erase)).toBe('new');
    expect(existsSync(theCache().folder)).toBe(false);
  });

  test('that began after the erasure saves its token', async () => {
    await obtain(erase);
    expect(await obtain(() => undefined)).toBe('new');
    expect(read()).toBe('new');
  });

  test('for work that began before an erasure saves nothing', async () => {
    const before = readErasure(theCache());
    mkdirSync(theCache().lockFolder, { mode: 0o700 });
    erase();
    expect(await obtain(() => undefined, before)).toBe('new');
    expect(read()).toBeUndefined();
  });

  test('of another registry, during which a registry is erased, saves nothing either, and keeps no old token', async () => {
    writeCache(theCache(), OTHER, { token: 'old', expiresAtSeconds: NOW_SECONDS - 1, savedAtSeconds: NOW_SECONDS - 9 });
    expect(await obtain(erase, undefined, OTHER)).toBe('new');
    expect(read(OTHER)).toBe('old');
  });
});

describe('recordErasure', () => {
  test('changes the erasure each time, in a file that only its owner can open', () => {
    mkdirSync(theCache().lockFolder, { mode: 0o700 });
    const seen = [readErasure(theCache())];
    for (let count = 0; count < 3; count += 1) {
      recordErasure(theCache());
      seen.push(readErasure(theCache()));
    }
    expect(seen[0]).toBe('');
    expect(new Set(seen).size).toBe(4);
    expect(statSync(folder.path('notes', 'erased')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path('notes'))).toEqual(['erased']);
  });

  test('creates nothing where nobody has signed in', () => {
    recordErasure(theCache());
    expect(readdirSync(folder.path())).toEqual([]);
  });

  test('does not throw where it cannot write', () => {
    mkdirSync(theCache().lockFolder, { mode: 0o700 });
    writeFileSync(folder.path('notes'), '');
    expect(() => recordErasure(theCache())).not.toThrow();
    expect(() => recordErasure(cacheIn('/dev/null'))).not.toThrow();
  });

  test('is not believed from a file that others can write', () => {
    mkdirSync(folder.path('notes'), { mode: 0o700 });
    writeFileSync(folder.path('notes', 'erased'), 'planted');
    chmodSync(folder.path('notes', 'erased'), 0o666);
    expect(readErasure(theCache())).toBe('');
  });
});
