/** Erasing tokens: of one registry or all, also damaged ones, and never a lock that is held. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CacheKey, ENTRA_SERVICE, storedTokenKey, writeCache } from '../../../src/cache/cache.ts';
import { eraseAllTokens, eraseRegistryTokens } from '../../../src/cache/erase-tokens.ts';
import { readErasure } from '../../../src/cache/erasure.ts';
import { LockAttempt } from '../../../src/cache/lock.ts';
import { writeMarker } from '../../../src/cache/markers.ts';
import { FAILURE_ENDING } from '../../../src/cache/single-flight.ts';
import { cacheIn } from '../cache-in.ts';
import { NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const theCache = () => cacheIn(folder.path());
const TOKEN = { token: 'x', expiresAtSeconds: NOW_SECONDS + 60, savedAtSeconds: NOW_SECONDS };
const KEYS: readonly CacheKey[] = [
  { service: 'one11.azurecr.io', identity: 'a', kind: 'refresh-token' },
  { service: 'one11.azurecr.io', identity: 'b', kind: 'access-token s' },
  storedTokenKey('one11.azurecr.io'),
  { service: 'two22.azurecr.io', identity: 'a', kind: 'refresh-token' },
  { service: ENTRA_SERVICE, identity: 'a', kind: 'entra-token x' },
];
const DAMAGED = 'three.azurecr.io_0123456789abcd.json';

/** Fills the cache, with what a crash leaves behind, and holds a lock. */
function fill() {
  const cache = theCache();
  for (const key of KEYS) writeCache(cache, key, TOKEN);
  mkdirSync(cache.lockFolder, { mode: 0o700 });
  writeMarker(cache, 'imds', 'none', NOW_SECONDS, 3600);
  writeFileSync(join(cache.folder, DAMAGED), '{"tok', { mode: 0o666 });
  writeFileSync(join(cache.folder, '.1-abc.tmp'), 'token', { mode: 0o600 });
  writeFileSync(join(cache.folder, 'somebody-elses.txt'), '');
  writeFileSync(join(cache.lockFolder, `one${FAILURE_ENDING}`), '{}', { mode: 0o600 });
  const lock = new LockAttempt(cache.lockFolder, 'held').try();
  return { cache, lock };
}

describe('eraseAllTokens', () => {
  test('erases all tokens, damaged ones too, with notes, failures and temporary files, and counts them', () => {
    const { cache, lock } = fill();
    const before = readErasure(cache);
    expect(eraseAllTokens(cache, NOW_SECONDS)).toEqual({
      registryTokens: 5,
      entraTokens: 1,
      temporaryFiles: 1,
      failures: 1,
      notes: 1,
      isComplete: true,
    });
    expect(readdirSync(cache.folder)).toEqual(['somebody-elses.txt']);
    expect(readdirSync(cache.lockFolder)).toEqual(['held.1']);
    expect(readErasure(cache)).not.toBe(before);
    expect(readdirSync(cache.markerFolder)).toEqual(['erased']);
    lock?.release();
  });

  test('does nothing where there is nothing, and creates nothing', () => {
    const nothing = { registryTokens: 0, entraTokens: 0, temporaryFiles: 0, failures: 0, notes: 0, isComplete: true };
    expect(eraseAllTokens(theCache(), NOW_SECONDS)).toEqual(nothing);
    expect(eraseAllTokens(cacheIn('/dev/null'), NOW_SECONDS)).toEqual(nothing);
    expect(existsSync(theCache().folder)).toBe(false);
  });

  test('says when something is left, and erases the rest', () => {
    const { cache } = fill();
    mkdirSync(join(cache.folder, 'four4.azurecr.io_0123456789abcd.json'));
    const { isComplete, registryTokens } = eraseAllTokens(cache, NOW_SECONDS);
    expect({ isComplete, registryTokens }).toEqual({ isComplete: false, registryTokens: 5 });
    expect(readdirSync(cache.folder)).toEqual(['four4.azurecr.io_0123456789abcd.json', 'somebody-elses.txt']);
  });
});

describe('eraseRegistryTokens', () => {
  test('erases the tokens of the registry and of Entra, and keeps those of others, notes and locks', () => {
    const { cache, lock } = fill();
    expect(eraseRegistryTokens(cache, 'one11.azurecr.io', NOW_SECONDS)).toMatchObject({
      registryTokens: 3,
      entraTokens: 1,
      notes: 0,
      isComplete: true,
    });
    const left = readdirSync(cache.folder).filter((name) => name.endsWith('.json'));
    expect(left.map((name) => name.split('_')[0])).toContain('two22.azurecr.io');
    expect(left.some((name) => name.startsWith('one11') || name.startsWith('@entra'))).toBe(false);
    expect(readdirSync(cache.markerFolder)).toHaveLength(2);
    expect(readdirSync(cache.lockFolder)).toEqual(['held.1']);
    lock?.release();
  });
});
