/** One of many processes gets the token, and the others share its result. */

import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Cache, type CacheKey, keyFileName } from '../../../src/cache/cache.ts';
import { LockAttempt } from '../../../src/cache/lock.ts';
import type { Holding } from '../../../src/cache/lock-holder.ts';
import { shareFailure } from '../../../src/cache/shared-failure.ts';
import { type Flight, runSingleFlight } from '../../../src/cache/single-flight.ts';
import { CredentialError } from '../../../src/errors.ts';
import type { LogStep } from '../../../src/log.ts';
import { readClockMs } from '../../../src/system/clock.ts';
import { cacheIn } from '../cache-in.ts';
import { catchAnything, catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
afterEach(() => {
  vi.useRealTimers();
});
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };
const theCache = () => cacheIn(folder.path());

/** A flight that finds no result and whose run returns `result`, unless `changes` says otherwise. */
function flightTo<T>(result: T, changes: Partial<Flight<T>> = {}): Flight<T> {
  return {
    peek: () => undefined,
    run: () => Promise.resolve(result),
    readSecret: () => 'secret',
    runtime: makeRuntime(),
    deadlineMs: readClockMs() + 20_000,
    log: undefined,
    ...changes,
  };
}

function holdLock(key = KEY) {
  mkdirSync(theCache().lockFolder, { recursive: true, mode: 0o700 });
  const lock = new LockAttempt(theCache().lockFolder, keyFileName(key)).try();
  if (lock === undefined) throw new Error('the lock is not free');
  return lock;
}

/** A `peek` that never finds a result, and releases the lock on its third look. */
function releaseAfterTwoLooks(lock: ReturnType<typeof holdLock>): () => undefined {
  let looks = 0;
  return () => {
    looks += 1;
    if (looks > 2) lock.release();
    return undefined;
  };
}

describe('runSingleFlight', () => {
  test('runs the flight without a cache', async () => {
    expect(await runSingleFlight(undefined, KEY, flightTo('a'))).toBe('a');
  });

  test('runs the flight when the lock is free, and releases the lock', async () => {
    expect(await runSingleFlight(theCache(), KEY, flightTo('a'))).toBe('a');
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('returns a result that is already there without running the flight', async () => {
    const run = () => Promise.reject(new Error('it ran'));
    expect(await runSingleFlight(theCache(), KEY, flightTo('a', { peek: () => 'found', run }))).toBe('found');
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('runs the flight once for eight callers, who all get its result', async () => {
    let runs = 0;
    let result: string | undefined;
    const flight = flightTo('a', {
      peek: () => result,
      run: async () => {
        runs += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
        result = 'shared';
        return result;
      },
    });
    const results = await Promise.all(Array.from({ length: 8 }, () => runSingleFlight(theCache(), KEY, flight)));
    expect(new Set(results)).toEqual(new Set(['shared']));
    expect(runs).toBe(1);
  });

  test('runs the flight while the lock of another key is held', async () => {
    const lock = holdLock();
    expect(await runSingleFlight(theCache(), { ...KEY, identity: 'someone else' }, flightTo('b'))).toBe('b');
    lock.release();
  });

  const places: readonly (readonly [name: string, make: () => Cache])[] = [
    ['is below a file', () => cacheIn('/dev/null')],
    [
      'others can write in',
      () => {
        mkdirSync(theCache().lockFolder, { recursive: true });
        chmodSync(theCache().lockFolder, 0o777);
        return theCache();
      },
    ],
    [
      'is a file',
      () => {
        writeFileSync(folder.path('locks'), '');
        return theCache();
      },
    ],
  ];
  for (const [name, make] of places) {
    test(`runs the flight without a lock in a lock folder that ${name}, and logs why`, async () => {
      const steps: LogStep[] = [];
      expect(await runSingleFlight(make(), KEY, flightTo('a', { log: (step) => steps.push(step) }))).toBe('a');
      expect(steps).toMatchObject([{ step: 'lock', outcome: 'not-locked' }]);
      expect(steps[0]?.reason).toContain('is not a folder that only you can write to');
    });
  }
});

describe('a flight that waits for the lock', () => {
  test('returns the result as soon as it is there, even while the lock is held', async () => {
    const lock = holdLock();
    let looks = 0;
    const peek = () => {
      looks += 1;
      return looks > 2 ? 'found' : undefined;
    };
    const run = () => Promise.reject(new Error('it ran'));
    expect(await runSingleFlight(theCache(), KEY, flightTo('a', { peek, run }))).toBe('found');
    lock.release();
  });

  test('runs when the lock is released without a result', async () => {
    const lock = holdLock();
    let looks = 0;
    const peek = () => {
      looks += 1;
      if (looks === 2) lock.release();
      return undefined;
    };
    expect(await runSingleFlight(theCache(), KEY, flightTo('a', { peek }))).toBe('a');
  });

  test('looks once more before it runs, since the result may have come with the release', async () => {
    const lock = holdLock();
    let looks = 0;
    const peek = () => {
      looks += 1;
      if (looks === 1) lock.release();
      return looks > 1 ? 'found' : undefined;
    };
    const run = () => Promise.reject(new Error('it ran'));
    expect(await runSingleFlight(theCache(), KEY, flightTo('a', { peek, run }))).toBe('found');
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('fails with BUSY at the deadline', async () => {
    const lock = holdLock();
    const failure = await catchFailure(() => runSingleFlight(theCache(), KEY, flightTo('a', { deadlineMs: 0 })));
    expect(failure.code).toBe('BUSY');
    expect(failure.message).toBe('another process has been signing in for too long');
    expect(failure.hint).toContain('try again');
    lock.release();
  });
});

describe('a failure', () => {
  const failure = new CredentialError('ENTRA_REFUSED', 'Cannot sign in', { causes: ['one', 'two'], hint: 'az login' });
  const failing = (cause: unknown = failure) => flightTo<string>('a', { run: () => Promise.reject(cause) });

  /** Makes a flight wait for a holder of the lock that fails. @returns what the flight returns or throws. */
  async function waitBehind(
    cause: CredentialError,
    waiter: Partial<Flight<string>>,
    holding?: Partial<Holding>,
  ): Promise<unknown> {
    const lock = holdLock();
    let looks = 0;
    const peek = () => {
      looks += 1;
      if (looks === 2) {
        const owner = { runtime: makeRuntime(), readSecret: () => 'secret', holding: { ...lock, ...holding } };
        shareFailure(failureFile(), owner, cause);
        lock.release();
      }
      return undefined;
    };
    try {
      return await runSingleFlight(theCache(), KEY, flightTo('ran itself', { peek, ...waiter }));
    } catch (caught) {
      return caught;
    }
  }

  const failureFile = () => folder.path('locks', `${keyFileName(KEY)}.failed`);

  test('is thrown unchanged after the lock is released, and leaves a record', async () => {
    expect(await catchAnything(() => runSingleFlight(theCache(), KEY, failing()))).toBe(failure);
    expect(readdirSync(theCache().lockFolder)).toEqual([`${keyFileName(KEY)}.failed`]);
  });

  test('is shared with a flight that waited with the same secret', async () => {
    const caught = await waitBehind(failure, {});
    expect(caught).toBeInstanceOf(CredentialError);
    expect(caught).toMatchObject({
      code: 'ENTRA_REFUSED',
      message: 'Cannot sign in',
      causes: ['one', 'two'],
      hint: 'az login',
    });
  });

  test('without causes and hint is shared without them', async () => {
    const caught = await waitBehind(new CredentialError('NETWORK_FAILED', 'Cannot sign in'), {});
    expect(caught).toMatchObject({ code: 'NETWORK_FAILED', causes: [], hint: undefined });
  });

  test('is not shared with a flight that has another secret', async () => {
    expect(await waitBehind(failure, { readSecret: () => 'a new secret' })).toBe('ran itself');
  });

  test('that concerns only this process leaves no record', async () => {
    const own = new CredentialError('IDENTITY_INVALID', 'Cannot do it');
    expect(await catchAnything(() => runSingleFlight(theCache(), KEY, failing(own)))).toBe(own);
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('that is not a CredentialError leaves no record', async () => {
    await catchAnything(() => runSingleFlight(theCache(), KEY, failing(new TypeError('x is not a function'))));
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('of an earlier holder is not shared, whatever the clock said then', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2100, 0, 1) });
    await catchAnything(() => runSingleFlight(theCache(), KEY, failing()));
    vi.useRealTimers();
    const peek = releaseAfterTwoLooks(holdLock());
    expect(await runSingleFlight(theCache(), KEY, flightTo('ran itself', { peek }))).toBe('ran itself');
  });

  test('of another holder than the one that was waited for is not shared', async () => {
    expect(await waitBehind(failure, {}, { id: 'another-id' })).toBe('ran itself');
    expect(await waitBehind(failure, {}, { key: 'another-key' })).toBe('ran itself');
  });

  test('is shared with a flight that finds the lock free after its last look', async () => {
    const lock = holdLock();
    let looks = 0;
    const peek = () => {
      looks += 1;
      // The last look, after which the lock is ours.
      if (looks === 3)
        shareFailure(failureFile(), { runtime: makeRuntime(), readSecret: () => 'secret', holding: lock }, failure);
      if (looks === 2) setTimeout(lock.release, 1);
      return undefined;
    };
    const caught = await catchAnything(() => runSingleFlight(theCache(), KEY, flightTo('ran itself', { peek })));
    expect(caught).toMatchObject({ code: 'ENTRA_REFUSED' });
    expect(readdirSync(theCache().lockFolder)).toEqual([`${keyFileName(KEY)}.failed`]);
  });

  test('is forgotten when the next flight succeeds', async () => {
    await catchAnything(() => runSingleFlight(theCache(), KEY, failing()));
    expect(await runSingleFlight(theCache(), KEY, flightTo('a'))).toBe('a');
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('does not read the secret of a flight that succeeds', async () => {
    const readSecret = () => {
      throw new Error('it was read');
    };
    expect(await runSingleFlight(theCache(), KEY, flightTo('a', { readSecret }))).toBe('a');
  });

  test('leaves a record in a file that only its owner can open', async () => {
    await catchAnything(() => runSingleFlight(theCache(), KEY, failing()));
    expect(statSync(folder.path('locks', `${keyFileName(KEY)}.failed`)).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['16 KiB or less is shared', 15_000, 'ENTRA_REFUSED'],
    ['more than 16 KiB is not', 17_000, undefined],
  ])('with a record of %s', async (_name, length, code) => {
    const long = new CredentialError('ENTRA_REFUSED', 'word '.repeat(length / 5));
    const found = await waitBehind(long, {});
    if (code === undefined) expect(found).toBe('ran itself');
    else expect(found).toMatchObject({ code });
  });

  test('is not read from a file that others can open', async () => {
    const lock = holdLock();
    const peek = releaseAfterTwoLooks(lock);
    const waiting = runSingleFlight(theCache(), KEY, flightTo('ran itself', { peek }));
    shareFailure(failureFile(), { runtime: makeRuntime(), readSecret: () => 'secret', holding: lock }, failure);
    chmodSync(failureFile(), 0o644);
    expect(await waiting).toBe('ran itself');
  });
});
