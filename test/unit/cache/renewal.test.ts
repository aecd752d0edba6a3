/** When a cached token is renewed ahead of its end, and that it is asked for once. */
import { readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CachedToken, type CacheKey, isFresh, isNearRenewal } from '../../../src/cache/cache.ts';
import { isRenewalDue, renewalMarker, startRenewal } from '../../../src/cache/renewal.ts';
import type { LogStep } from '../../../src/log.ts';
import type { Runtime } from '../../../src/system/runtime.ts';
import { cacheIn } from '../cache-in.ts';
import { makeRuntime, NOW_MS, NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const MINUTE = 60;
const folder = useTemporaryFolder();
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };

/** A token with so many minutes of life, of which so many are left. */
function tokenOf(lifeMinutes: number, leftMinutes: number, token = 'a.b.c'): CachedToken {
  const expiresAtSeconds = NOW_SECONDS + leftMinutes * MINUTE;
  return { token, expiresAtSeconds, savedAtSeconds: expiresAtSeconds - lifeMinutes * MINUTE };
}

describe('a token is near its renewal', () => {
  const rows: readonly (readonly [life: number, left: number, minimum: number, isNear: boolean])[] = [
    [180, 180, 0, false],
    [180, 61, 0, false],
    [180, 60, 0, false],
    [180, 59, 0, true],
    [180, 5, 0, true],
    [180, -5, 0, true],
    [75, 26, 0, false],
    [75, 24, 0, true],
    [15, 5, 0, false],
    [15, 4, 0, true],
    [6, 5.4, 0, false], // the last five minutes come first
    [6, 5.3, 0, true],
    [180, 59, 30, true], // a minimum that the last third is larger than
    [180, 61, 30, false],
    [180, 121, 90, false],
    [180, 119, 90, true],
    [180, 161, 150, false],
    [180, 159, 150, true],
    [75, 67, 150, false], // five sixths of what it has
    [75, 66, 150, true],
    [0, 0, 0, true],
    [Number.NaN, 0, 0, false],
  ];
  for (const [life, left, minimum, isNear] of rows) {
    test(`with ${left} of ${life} minutes left and a minimum of ${minimum}: ${isNear}`, () => {
      expect(isNearRenewal(tokenOf(life, left), NOW_SECONDS, minimum * MINUTE)).toBe(isNear);
    });
  }
});

describe('a token is good enough for a client that asks for a minimum', () => {
  const rows: readonly (readonly [life: number, left: number, minimum: number, isUsable: boolean])[] = [
    [180, 6, 0, true],
    [180, 5, 0, false],
    [180, 6, 5, true],
    [180, 5, 5, false],
    [180, 121, 120, true],
    [180, 120, 120, false],
    [180, 151, 150, true],
    [180, 150, 150, false],
    [75, 75, 150, true], // a new one always is
    [75, 63, 150, true],
    [75, 62, 150, false],
    [4, 4, 150, false],
  ];
  for (const [life, left, minimum, isUsable] of rows) {
    test(`with ${left} of ${life} minutes left and a minimum of ${minimum}: ${isUsable}`, () => {
      expect(isFresh(tokenOf(life, left), NOW_SECONDS, minimum * MINUTE)).toBe(isUsable);
    });
  }
});

describe('the moment of renewal', () => {
  const tokens = Array.from({ length: 1000 }, (_, index) => `a.b.${index}`);
  const countDue = (life: number, left: number, minimum = 0) =>
    tokens.filter((token) => isRenewalDue(tokenOf(life, left, token), NOW_SECONDS, minimum * MINUTE)).length;

  test('comes for no token before the last third, and for every one well before the last minutes', () => {
    expect(countDue(180, 60)).toBe(0);
    expect(countDue(180, 32)).toBe(1000);
  });

  test('is spread evenly in between', () => {
    const waves = [60, 53, 46, 39, 32].map((left) => countDue(180, left));
    const steps = waves.slice(1).map((count, index) => count - (waves[index] ?? 0));
    for (const step of steps) expect(step).toBeGreaterThan(180);
  });

  test('is spread above the minimum that a client asks for', () => {
    expect(countDue(180, 160, 150)).toBe(0);
    expect(countDue(180, 154, 150)).toBe(1000);
    expect(countDue(75, 66, 150)).toBeGreaterThan(0);
  });

  test('is the same for every process', () => {
    const token = tokenOf(180, 45, 'x.y.z');
    expect(new Set(Array.from({ length: 10 }, () => isRenewalDue(token, NOW_SECONDS))).size).toBe(1);
  });
});

describe('the start of a renewal', () => {
  const DUE = tokenOf(180, 20);

  /** Asks for it as `get` does. */
  function ask(runtime: Runtime, changes: { cached?: CachedToken; path?: string; log?: (step: LogStep) => void } = {}) {
    const { cached = DUE, path = folder.path(), log } = changes;
    const cache = cacheIn(path);
    return startRenewal({
      runtime,
      cache,
      key: KEY,
      cached,
      minimumLifeSeconds: 0,
      host: KEY.service,
      log,
    });
  }

  function countingMachine(started: string[], changes: Partial<Runtime> = {}): Runtime {
    return makeRuntime(
      {},
      {
        startRenewal: async (host) => {
          started.push(host);
          return true;
        },
        ...changes,
      },
    );
  }

  test('is asked for with the registry, and leaves no lock', async () => {
    const started: string[] = [];
    await ask(countingMachine(started));
    expect(started).toEqual([KEY.service]);
    expect(readdirSync(folder.path('locks'))).toEqual([]);
  });

  test('is asked for once by many', async () => {
    const started: string[] = [];
    await Promise.all(Array.from({ length: 64 }, () => ask(countingMachine(started))));
    expect(started).toHaveLength(1);
  });

  test.each([
    [59, 1],
    [60, 2],
    [-1, 2], // the clock was turned back
  ])('%s seconds later makes it %s', async (laterSeconds, count) => {
    const started: string[] = [];
    await ask(countingMachine(started));
    await ask(countingMachine(started, { now: () => NOW_MS + laterSeconds * 1000 }));
    expect(started).toHaveLength(count);
  });

  test('does not come for a token that is not due', async () => {
    const started: string[] = [];
    await ask(countingMachine(started), { cached: tokenOf(180, 61) });
    expect(started).toEqual([]);
    expect(readdirSync(folder.path())).toEqual([]);
  });

  test('does not come where nobody could tell that it did', async () => {
    const started: string[] = [];
    writeFileSync(folder.path('notes'), '');
    await ask(countingMachine(started));
    await ask(countingMachine(started), { path: '/dev/null' });
    expect(started).toEqual([]);
  });

  test('does not come where the program does not know its own file, and nothing is noted', async () => {
    await ask(makeRuntime());
    expect(readdirSync(folder.path())).toEqual([]);
  });

  test.each([
    ['cannot be had', async () => false],
    ['fails', () => Promise.reject(new Error('no more processes'))],
  ])('that %s is logged and harms nobody', async (_name, start) => {
    const steps: LogStep[] = [];
    await ask(makeRuntime({}, { startRenewal: start }), { log: (step) => steps.push(step) });
    expect(steps).toMatchObject([{ outcome: 'renewal-not-started' }]);
  });

  test('has a note of its own for each key', () => {
    expect(renewalMarker(KEY)).not.toBe(renewalMarker({ ...KEY, identity: 'someone else' }));
  });
});
