/** What one identity has earned goes, and nothing else. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ENTRA_SERVICE, readCache, writeCache } from '../../../src/cache/cache.ts';
import { eraseIdentity } from '../../../src/cache/erase-identity.ts';
import { readErasure } from '../../../src/cache/erasure.ts';
import { cacheIn } from '../cache-in.ts';
import { NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const theCache = () => cacheIn(folder.path());
const TOKEN = { token: 'the token', expiresAtSeconds: NOW_SECONDS + 3600, savedAtSeconds: NOW_SECONDS };
const KEYS = ['ada', 'bob'].flatMap((identity) =>
  ['one.azurecr.io', 'two.azurecr.io', ENTRA_SERVICE].map((service) => ({ service, identity, kind: 'k' })),
);

const erase = () => eraseIdentity(theCache(), (identity) => identity === 'ada');

describe('eraseIdentity', () => {
  test('removes the tokens of the identity for all registries, and those of nobody else', () => {
    for (const key of KEYS) writeCache(theCache(), key, TOKEN);
    expect(erase()).toBe(0);
    const left = KEYS.filter((key) => readCache(theCache(), key, NOW_SECONDS) !== undefined);
    expect(left.map(({ identity }) => identity)).toEqual(['bob', 'bob', 'bob']);
  });

  test('removes temporary files and shared failures, and records the erasure', () => {
    for (const key of KEYS) writeCache(theCache(), key, TOKEN);
    mkdirSync(theCache().lockFolder, { mode: 0o700 });
    writeFileSync(folder.path('tokens', '.1-abc.tmp'), 'a token');
    writeFileSync(folder.path('locks', 'x.failed'), '{}');
    erase();
    expect(readdirSync(folder.path('tokens'))).toHaveLength(3);
    expect(readdirSync(folder.path('locks'))).toEqual([]);
    expect(readErasure(theCache())).not.toBe('');
  });

  test('leaves what is no token of ours, and does nothing without a cache', () => {
    expect(erase()).toBe(0);
    mkdirSync(folder.path('tokens'));
    writeFileSync(folder.path('tokens', 'notes.txt'), 'ada');
    writeFileSync(folder.path('tokens', 'x.json'), '{"identity":"ada"}', { mode: 0o600 });
    expect(erase()).toBe(0);
    expect(readdirSync(folder.path('tokens'))).toEqual(['notes.txt', 'x.json']);
  });
});
