/** When a cached token is renewed before it expires, and that only one process starts the renewal. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CachedToken, type CacheKey, isFresh, isNearRenewal, keyFileName } from '../../../src/cache/cache.ts';
import { isRenewalDue, renewalMarker, startRenewal } from '../../../src/cache/renewal.ts';
import type { LogStep } from '../../../src/log.ts';
import type { Runtime } from '../../../src/system/runtime.ts';
import { cacheIn } from '../cache-in.ts';
import { makeRuntime, NOW_MS, NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const MINUTE = 60;
const folder = useTemporaryFolder();
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };

/** A token with this many minutes of life, of which this many are left. */
function tokenOf(lifeMinutes: number, leftMinutes: number, token = 'a.b.c'): CachedToken {
  const expiresAtSeconds = NOW_SECONDS + leftMinutes * MINUTE;
  return { token, expiresAtSeconds, savedAtSeconds: expiresAtSeconds - lifeMinutes * MINUTE };
}

describe('isNearRenewal', () => {
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
    [180, 59, 30, true], // the last third is longer than the minimum
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
    test(`returns ${isNear} with ${left} of ${life} minutes left and a minimum of ${minimum}`, () => {
      expect(isNearRenewal(tokenOf(life, left), NOW_SECONDS, minimum * MINUTE)).toBe(isNear);
    });
  }
});

describe('isFresh', () => {
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
    test(`returns ${isUsable} with ${left} of ${life} minutes left and a minimum of ${minimum}`, () => {
      expect(isFresh(tokenOf(life, left), NOW_SECONDS, minimum * MINUTE)).toBe(isUsable);
    });
  }
});

describe('isRenewalDue', () => {
  const tokens = Array.from({ length: 1000 }, (_, index) => `a.b.${index}`);
  const countDue = (life: number, left: number, minimum = 0) =>
    tokens.filter((token) => isRenewalDue(tokenOf(life, left, token), NOW_SECONDS, minimum * MINUTE)).length;

  test('returns false for every token before the last third of its life, and true well before the last minutes', () => {
    expect(countDue(180, 60)).toBe(0);
    expect(countDue(180, 32)).toBe(1000);
  });

  test('spreads tokens evenly in between', () => {
    const waves = [60, 53, 46, 39, 32].map((left) => countDue(180, left));
    const steps = waves.slice(1).map((count, index) => count - (waves[index] ?? 0));
    for (const step of steps) expect(step).toBeGreaterThan(180);
  });

  test('returns true while a token still has the minimum life that a client asks for', () => {
    expect(countDue(180, 160, 150)).toBe(0);
    expect(countDue(180, 154, 150)).toBe(1000);
    expect(countDue(75, 66, 150)).toBeGreaterThan(0);
  });

  test('gives the same answer for the same token each time', () => {
    const token = tokenOf(180, 45, 'x.y.z');
    expect(new Set(Array.from({ length: 10 }, () => isRenewalDue(token, NOW_SECONDS))).size).toBe(1);
  });
});

describe('startRenewal', () => {
  const DUE = tokenOf(180, 20);

  /** Starts the renewal as `get` does. */
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

  test('calls the runtime with the registry, and leaves no lock behind', async () => {
    const started: string[] = [];
    await ask(countingMachine(started));
    expect(started).toEqual([KEY.service]);
    expect(readdirSync(folder.path('locks'))).toEqual([]);
  });

  test('calls the runtime once for 64 callers at the same time', async () => {
    const started: string[] = [];
    await Promise.all(Array.from({ length: 64 }, () => ask(countingMachine(started))));
    expect(started).toHaveLength(1);
  });

  test.each([
    [59, 1],
    [60, 2],
    [-1, 2], // the clock was turned back
  ])('called again %s seconds later has started %s in total', async (laterSeconds, count) => {
    const started: string[] = [];
    await ask(countingMachine(started));
    await ask(countingMachine(started, { now: () => NOW_MS + laterSeconds * 1000 }));
    expect(started).toHaveLength(count);
  });

  test('starts nothing while another process claims this minute, and starts in the next one although it died', async () => {
    const started: string[] = [];
    const minute = Math.floor(NOW_MS / 60_000);
    mkdirSync(folder.path('locks'), { mode: 0o700 });
    writeFileSync(folder.path('locks', `${keyFileName(KEY)}.renewal-${minute}`), '');
    await ask(countingMachine(started));
    expect(started).toEqual([]);
    await ask(countingMachine(started, { now: () => NOW_MS + 60_000 }));
    expect(started).toEqual([KEY.service]);
  });

  test('does not care about the lock that an older version held when it died on another machine', async () => {
    const started: string[] = [];
    mkdirSync(folder.path('locks'), { mode: 0o700 });
    writeFileSync(folder.path('locks', `${keyFileName(KEY)}.renewal.1`), '7 another-machine abc', { mode: 0o600 });
    await ask(countingMachine(started));
    expect(started).toEqual([KEY.service]);
  });

  test('does nothing for a token that is not due', async () => {
    const started: string[] = [];
    await ask(countingMachine(started), { cached: tokenOf(180, 61) });
    expect(started).toEqual([]);
    expect(readdirSync(folder.path())).toEqual([]);
  });

  test('starts nothing where it cannot write a marker', async () => {
    const started: string[] = [];
    writeFileSync(folder.path('notes'), '');
    await ask(countingMachine(started));
    await ask(countingMachine(started), { path: '/dev/null' });
    expect(started).toEqual([]);
  });

  test('writes nothing when the runtime cannot start a renewal', async () => {
    await ask(makeRuntime());
    expect(readdirSync(folder.path())).toEqual([]);
  });

  test.each([
    ['returns false', async () => false],
    ['throws', () => Promise.reject(new Error('no more processes'))],
  ])('logs a start that %s, and does not throw', async (_name, start) => {
    const steps: LogStep[] = [];
    await ask(makeRuntime({}, { startRenewal: start }), { log: (step) => steps.push(step) });
    expect(steps).toMatchObject([{ outcome: 'renewal-not-started' }]);
  });

  test('uses a separate marker for each key', () => {
    expect(renewalMarker(KEY)).not.toBe(renewalMarker({ ...KEY, identity: 'someone else' }));
  });
});
