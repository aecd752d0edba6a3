/** One of many gets the token, and the others get its result. */

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Cache, type CacheKey, keyFileName } from '../../../src/cache/cache.ts';
import { LockAttempt } from '../../../src/cache/lock.ts';
import { type Flight, runSingleFlight } from '../../../src/cache/single-flight.ts';
import { CredentialError, type ErrorCode } from '../../../src/errors.ts';
import type { LogStep } from '../../../src/log.ts';
import { readClockMs } from '../../../src/system/clock.ts';
import { cacheIn } from '../cache-in.ts';
import { catchAnything, catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };
const theCache = () => cacheIn(folder.path());

/** A flight that finds nothing and runs to `result`, but for what is changed. */
function flightTo<T>(result: T, changes: Partial<Flight<T>> = {}): Flight<T> {
  return {
    peek: () => undefined,
    run: () => Promise.resolve(result),
    secret: 'secret',
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

/** A look for a result that is not there, after the second of which the lock is free. */
function releaseAfterTwoLooks(lock: ReturnType<typeof holdLock>): () => undefined {
  let looks = 0;
  return () => {
    looks += 1;
    if (looks > 2) lock.release();
    return undefined;
  };
}

describe('who runs', () => {
  test('one that has no cache', async () => {
    expect(await runSingleFlight(undefined, KEY, flightTo('a'))).toBe('a');
  });

  test('one that has the lock, which is released afterwards', async () => {
    expect(await runSingleFlight(theCache(), KEY, flightTo('a'))).toBe('a');
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('nobody, when the result is there', async () => {
    const run = () => Promise.reject(new Error('it ran'));
    expect(await runSingleFlight(theCache(), KEY, flightTo('a', { peek: () => 'found', run }))).toBe('found');
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('one of many, and the others find its result', async () => {
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

  test('one of each key, at the same time', async () => {
    const lock = holdLock();
    expect(await runSingleFlight(theCache(), { ...KEY, identity: 'someone else' }, flightTo('b'))).toBe('b');
    lock.release();
  });

  const places: readonly (readonly [name: string, make: () => Cache])[] = [
    ['below a file', () => cacheIn('/dev/null')],
    [
      'that others can write in',
      () => {
        mkdirSync(theCache().lockFolder, { recursive: true });
        chmodSync(theCache().lockFolder, 0o777);
        return theCache();
      },
    ],
    [
      'that is a file',
      () => {
        writeFileSync(folder.path('locks'), '');
        return theCache();
      },
    ],
  ];
  for (const [name, make] of places) {
    test(`everybody, with a folder for locks ${name}, and the log says why`, async () => {
      const steps: LogStep[] = [];
      expect(await runSingleFlight(make(), KEY, flightTo('a', { log: (step) => steps.push(step) }))).toBe('a');
      expect(steps).toMatchObject([{ step: 'lock', outcome: 'not-locked' }]);
      expect(steps[0]?.reason).toContain('is not a folder that only you can write in');
    });
  }
});

describe('who waits', () => {
  test('takes the result as soon as it is there, though the lock is still held', async () => {
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

  test('looks once more before it runs: the result may have come with the release', async () => {
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

  test('gives up at the deadline', async () => {
    const lock = holdLock();
    const failure = await catchFailure(() => runSingleFlight(theCache(), KEY, flightTo('a', { deadlineMs: 0 })));
    expect(failure.code).toBe('BUSY');
    expect(failure.message).toContain('Cannot sign in for myregistry.azurecr.io');
    expect(failure.hint).toContain('try again');
    lock.release();
  });
});

describe('a failure', () => {
  const failure = new CredentialError('ENTRA_REFUSED', 'Cannot sign in', { causes: ['one', 'two'], hint: 'az login' });
  const failing = (cause: unknown = failure) => flightTo<string>('a', { run: () => Promise.reject(cause) });

  /** Lets a flight wait behind a lock until another one, which has the lock, has failed. */
  async function waitBehind(cause: unknown, waiter: Partial<Flight<string>>): Promise<unknown> {
    const lock = holdLock();
    let looks = 0;
    const peek = () => {
      looks += 1;
      if (looks > 3) lock.release();
      return undefined;
    };
    const waiting = runSingleFlight(theCache(), KEY, flightTo('ran itself', { peek, ...waiter }));
    // As the holder would leave it.
    const cache = { ...theCache(), lockFolder: folder.path('elsewhere') };
    await catchAnything(() => runSingleFlight(cache, KEY, failing(cause)));
    for (const name of readdirSync(cache.lockFolder)) {
      writeFileSync(folder.path('locks', name), readFileSync(folder.path('elsewhere', name)), { mode: 0o600 });
    }
    try {
      return await waiting;
    } catch (caught) {
      return caught;
    } finally {
      lock.release();
    }
  }

  test('is thrown as it is, and the lock is released', async () => {
    expect(await catchAnything(() => runSingleFlight(theCache(), KEY, failing()))).toBe(failure);
    expect(readdirSync(theCache().lockFolder)).toEqual([`${keyFileName(KEY)}.failed`]);
  });

  test('is that of everybody who waited for it with the same secret', async () => {
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

  test('is nobody’s who would have sent another secret', async () => {
    expect(await waitBehind(failure, { secret: 'a new secret' })).toBe('ran itself');
  });

  const codes: readonly (readonly [code: ErrorCode, isShared: boolean])[] = [
    ['IDENTITY_FAILED', true],
    ['ENTRA_REFUSED', true],
    ['REGISTRY_REFUSED', true],
    ['NETWORK_FAILED', true],
    ['ANSWER_INVALID', true],
    ['CONFIG_INVALID', false],
    ['IDENTITY_NOT_SET_UP', false],
    ['IDENTITY_INVALID', false],
    ['BUSY', false],
    ['STORE_REFUSED', false],
  ];
  for (const [code, isShared] of codes) {
    test(`${code} is ${isShared ? 'shared' : 'kept to oneself'}`, async () => {
      await catchAnything(() => runSingleFlight(theCache(), KEY, failing(new CredentialError(code, 'Cannot do it'))));
      expect(readdirSync(theCache().lockFolder)).toHaveLength(isShared ? 1 : 0);
    });
  }

  test('of the program itself is kept to oneself', async () => {
    await catchAnything(() => runSingleFlight(theCache(), KEY, failing(new TypeError('x is not a function'))));
    expect(readdirSync(theCache().lockFolder)).toEqual([]);
  });

  test('that was there before is nobody’s', async () => {
    await catchAnything(() => runSingleFlight(theCache(), KEY, failing()));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const lock = holdLock();
    const peek = releaseAfterTwoLooks(lock);
    expect(await runSingleFlight(theCache(), KEY, flightTo('ran itself', { peek }))).toBe('ran itself');
  });

  test('is left behind without the secret, in a file that only its owner can read', async () => {
    await catchAnything(() => runSingleFlight(theCache(), KEY, { ...failing(), secret: 'hidden-secret' }));
    const file = folder.path('locks', `${keyFileName(KEY)}.failed`);
    expect(readFileSync(file, 'utf8')).not.toContain('hidden');
    await catchAnything(() => runSingleFlight(theCache(), KEY, { ...failing(), secret: 'hidden-secret' }));
  });

  const records: readonly (readonly [name: string, text: string])[] = [
    ['nothing', ''],
    ['no JSON', '{"failedAtMs":'],
    ['a list', '[]'],
    ['no proof', JSON.stringify({ failedAtMs: 1e15, salt: 'x', code: 'ENTRA_REFUSED', message: 'planted' })],
    ['no time', JSON.stringify({ salt: 'x', proof: 'y', code: 'ENTRA_REFUSED', message: 'planted' })],
    ['a size that no failure has', JSON.stringify({ failedAtMs: 1e15, message: 'x'.repeat(20_000) })],
  ];
  for (const [name, text] of records) {
    test(`is not read from a file with ${name}`, async () => {
      const lock = holdLock();
      writeFileSync(folder.path('locks', `${keyFileName(KEY)}.failed`), text, { mode: 0o600 });
      const peek = releaseAfterTwoLooks(lock);
      expect(await runSingleFlight(theCache(), KEY, flightTo('ran itself', { peek }))).toBe('ran itself');
    });
  }
});
