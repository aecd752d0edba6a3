/** A token that processes share: when it comes from the cache, when it is renewed, and what is kept. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CachedToken, type CacheKey, keyFileName, readCache, writeCache } from '../../../src/cache/cache.ts';
import { LockAttempt } from '../../../src/cache/lock.ts';
import { readMarker, writeMarker } from '../../../src/cache/markers.ts';
import { FAILED, renewalMarker } from '../../../src/cache/renewal.ts';
import { shareFailure } from '../../../src/cache/shared-failure.ts';
import { type ExpiringToken, obtainShared, type TokenFlight } from '../../../src/cache/shared-token.ts';
import { CredentialError } from '../../../src/errors.ts';
import type { LogStep } from '../../../src/log.ts';
import type { NotSetUp } from '../../../src/not-set-up.ts';
import { readClockMs } from '../../../src/system/clock.ts';
import { makeOwnFolder } from '../../../src/system/folders.ts';
import { cacheIn } from '../cache-in.ts';
import { catchAnything, catchFailure } from '../failure.ts';
import { makeRuntime, NOW_MS, NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };
const NEW: ExpiringToken = { token: 'new', expiresAtSeconds: NOW_SECONDS + 3600 };
const FAILURE = new CredentialError('NETWORK_FAILED', 'Cannot reach it');
const theCache = () => cacheIn(folder.path());

interface Setting extends Partial<TokenFlight<NotSetUp>> {
  readonly cache?: undefined;
  readonly log?: (step: LogStep) => void;
  readonly nowMs?: number;
  readonly readSecret?: () => string;
}

/** Obtains a token that is usable in no case and is renewed to `NEW`, unless the setting says otherwise. */
function obtain(setting: Setting = {}) {
  const { log, nowMs = NOW_MS, readSecret, ...flight } = setting;
  return obtainShared<NotSetUp>(
    {
      runtime: makeRuntime({}, { now: () => nowMs }),
      cache: 'cache' in setting ? undefined : theCache(),
      deadlineMs: readClockMs() + 20_000,
      log,
      readSecret,
    },
    KEY,
    { isUsable: () => false, get: async () => NEW, ...flight },
  );
}

/** Caches a token with this many seconds left. */
function keep(leftSeconds: number, token = 'old'): CachedToken {
  const cached = { token, expiresAtSeconds: NOW_SECONDS + leftSeconds, savedAtSeconds: NOW_SECONDS - 60 };
  writeCache(theCache(), KEY, cached);
  return cached;
}

const kept = () => readCache(theCache(), KEY, NOW_SECONDS)?.token;
const fail = () => Promise.reject(FAILURE);
const doNotGet = () => Promise.reject(new Error('it was asked for'));

describe('obtainShared returns the cached token', () => {
  test('when it is usable, without getting another one', async () => {
    const cached = keep(600);
    const asked: CachedToken[] = [];
    const isUsable = (one: CachedToken) => asked.push(one) > 0;
    expect(await obtain({ isUsable, get: doNotGet })).toBe('old');
    expect(asked).toEqual([cached]);
  });

  test('when the renewal fails, as long as it has not expired', async () => {
    keep(1);
    const steps: LogStep[] = [];
    expect(await obtain({ get: fail, log: (step) => steps.push(step) })).toBe('old');
    expect(steps).toContainEqual({ step: 'sign-in', outcome: 'old-token', reason: 'NETWORK_FAILED: Cannot reach it' });
    expect(kept()).toBe('old');
  });

  test('within a minute of a failed renewal without another attempt, if it has more than two minutes left', async () => {
    keep(121);
    await obtain({ get: fail });
    expect(readMarker(theCache(), renewalMarker(KEY), NOW_SECONDS)).toBe(FAILED);
    expect(await obtain({ get: doNotGet })).toBe('old');
  });
});

describe('obtainShared gets a new token', () => {
  const rows: readonly (readonly [name: string, leftSeconds: number | undefined])[] = [
    ['when there is none', undefined],
    ['when the old one is not usable', 600],
    ['when the old one has just expired, however usable it is', 0],
  ];
  for (const [name, leftSeconds] of rows) {
    test(`${name}, and caches it until it expires`, async () => {
      if (leftSeconds !== undefined) keep(leftSeconds);
      const steps: LogStep[] = [];
      const isUsable = () => leftSeconds === 0;
      expect(await obtain({ isUsable, nowMs: NOW_MS + 700, log: (step) => steps.push(step) })).toBe('new');
      expect(readCache(theCache(), KEY, NOW_SECONDS)).toEqual({ ...NEW, savedAtSeconds: NOW_SECONDS });
      expect(steps).toEqual([{ step: 'cache', outcome: 'saved', expiresAtSeconds: NEW.expiresAtSeconds }]);
      expect(await obtain({ isUsable: () => true, get: doNotGet })).toBe('new');
    });
  }

  test('for each caller when its expiry is unknown, and caches nothing', async () => {
    const get = async () => ({ token: 'once', expiresAtSeconds: undefined });
    expect(await obtain({ get, isUsable: () => true })).toBe('once');
    expect(existsSync(theCache().folder)).toBe(false);
    expect(await obtain({ isUsable: () => true })).toBe('new');
  });

  test('without a cache', async () => {
    expect(await obtain({ cache: undefined })).toBe('new');
  });

  test('where none can be saved, and logs that', async () => {
    writeFileSync(folder.path('tokens'), '');
    const steps: LogStep[] = [];
    expect(await obtain({ log: (step) => steps.push(step) })).toBe('new');
    expect(steps).toMatchObject([{ step: 'cache', outcome: 'not-saved' }]);
  });

  test('again a minute after a failed renewal, and in the last two minutes at once', async () => {
    keep(600);
    await obtain({ get: fail });
    expect(await obtain({ nowMs: NOW_MS + 60_000 })).toBe('new');
    keep(120);
    writeMarker(theCache(), renewalMarker(KEY), FAILED, NOW_SECONDS, 60);
    expect(await obtain()).toBe('new');
  });

  test('while another renewal has only been started', async () => {
    keep(600);
    writeMarker(theCache(), renewalMarker(KEY), 'started', NOW_SECONDS, 60);
    expect(await obtain()).toBe('new');
  });

  test('once for eight callers', async () => {
    let gets = 0;
    const get = async () => {
      gets += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return NEW;
    };
    const isUsable = ({ token }: CachedToken) => token === 'new';
    const found = await Promise.all(Array.from({ length: 8 }, () => obtain({ get, isUsable })));
    expect(found).toEqual(Array.from({ length: 8 }, () => 'new'));
    expect(gets).toBe(1);
  });
});

describe('a token that the service refused', () => {
  test('is not returned from the cache, however usable it is', async () => {
    keep(600, 'refused');
    expect(await obtain({ isUsable: () => true, refused: 'refused' })).toBe('new');
    expect(kept()).toBe('new');
  });

  test('is not returned when its renewal fails', async () => {
    keep(600, 'refused');
    expect(await catchFailure(() => obtain({ get: fail, refused: 'refused' }))).toBe(FAILURE);
  });

  test('does not stop another one in the cache from being returned', async () => {
    keep(600, 'newer');
    expect(await obtain({ isUsable: () => true, get: doNotGet, refused: 'refused' })).toBe('newer');
  });
});

describe('a failure', () => {
  test.each([
    ['no token', undefined],
    ['an expired token', 0],
  ])('with %s in the cache is thrown, and leaves no marker', async (_name, leftSeconds) => {
    if (leftSeconds !== undefined) keep(leftSeconds);
    expect(await catchAnything(() => obtain({ get: fail }))).toBe(FAILURE);
    expect(readMarker(theCache(), renewalMarker(KEY), NOW_SECONDS)).toBeUndefined();
  });
});

describe('a result that is not a token', () => {
  const notSetUp: NotSetUp = { notSetUp: 'no such identity' };

  test('is returned and not cached', async () => {
    expect(await obtain({ get: async () => notSetUp })).toBe(notSetUp);
    expect(kept()).toBeUndefined();
  });

  test('of another process is returned when no token is in the cache', async () => {
    expect(await obtain({ peek: () => notSetUp, get: doNotGet })).toBe(notSetUp);
    keep(600);
    expect(await obtain({ peek: () => notSetUp, get: doNotGet, isUsable: () => true })).toBe('old');
  });
});

test('obtainShared tells the caller once that another process is getting the token, and returns that', async () => {
  makeOwnFolder(theCache().lockFolder);
  const lock = new LockAttempt(theCache().lockFolder, keyFileName(KEY)).try();
  let waits = 0;
  const onWait = () => {
    waits += 1;
    keep(600);
  };
  expect(await obtain({ onWait, get: doNotGet, isUsable: () => true })).toBe('old');
  expect(waits).toBe(1);
  lock?.release();
  expect(readdirSync(theCache().lockFolder)).toEqual([]);
});

test('obtainShared shares a failure only with a process that has the same secret', async () => {
  makeOwnFolder(theCache().lockFolder);
  const obtainBehind = async (readSecret: () => string) => {
    const lock = new LockAttempt(theCache().lockFolder, keyFileName(KEY)).try();
    if (lock === undefined) throw new Error('the lock is not free');
    let looks = 0;
    const peek = () => {
      looks += 1;
      if (looks > 2) lock.release();
      return undefined;
    };
    const waiting = obtain({ readSecret, peek }).catch((cause: unknown) => cause);
    const file = folder.path('locks', `${keyFileName(KEY)}.failed`);
    shareFailure(file, { runtime: makeRuntime(), readSecret: () => 'the secret', holding: lock }, FAILURE);
    const found = await waiting;
    lock.release();
    return found;
  };
  expect(await obtainBehind(() => 'the secret')).toMatchObject({ code: 'NETWORK_FAILED', message: 'Cannot reach it' });
  expect(await obtainBehind(() => 'another secret')).toBe('new');
});
