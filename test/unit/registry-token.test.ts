/** A registry's token for one identity: which cached token counts, and how a new one is obtained. */
import { describe, expect, test } from 'vitest';
import { type CacheKey, readCache, writeCache } from '../../src/cache/cache.ts';
import { DEFAULT_SETTINGS, type RegistrySettings } from '../../src/config/registry-settings.ts';
import { CredentialError } from '../../src/errors.ts';
import type { Identity } from '../../src/identity/identity.ts';
import type { LogStep } from '../../src/log.ts';
import { obtainToken, readFreshToken, tokenKey } from '../../src/registry-token.ts';
import type { SignInRequest } from '../../src/sign-in/request.ts';
import { readClockMs } from '../../src/system/clock.ts';
import { cacheIn } from './cache-in.ts';
import { catchFailure } from './failure.ts';
import { registryNamed } from './registry-named.ts';
import { makeRuntime, NOW_SECONDS } from './runtime.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const folder = useTemporaryFolder();
const KEY: CacheKey = { service: 'myregistry.azurecr.io', identity: 'someone', kind: 'refresh-token' };
const MINUTE = 60;

interface Setting {
  readonly settings?: Partial<RegistrySettings>;
  readonly identity?: Partial<Identity>;
  readonly serverUrl?: string;
  readonly log?: (step: LogStep) => void;
}

/** A request for an identity that is not set up, unless the setting says otherwise. */
function requestOf({ settings, identity, serverUrl = 'myregistry.azurecr.io', log }: Setting = {}): SignInRequest {
  return {
    runtime: makeRuntime(),
    registry: registryNamed(serverUrl),
    settings: { ...DEFAULT_SETTINGS, ...settings },
    identity: {
      source: 'test',
      description: 'someone',
      // Without origins no connection is opened in advance, so that nothing leaves this machine.
      getToken: async () => ({ notSetUp: 'not on this machine' }),
      ...identity,
    },
    cache: cacheIn(folder.path()),
    deadlineMs: readClockMs() + 20_000,
    log,
  };
}

/** Caches a token of three hours with this many minutes left. */
function keep(leftMinutes: number, key = KEY) {
  const expiresAtSeconds = NOW_SECONDS + leftMinutes * MINUTE;
  const cached = { token: 'a.b.c', expiresAtSeconds, savedAtSeconds: expiresAtSeconds - 180 * MINUTE };
  writeCache(cacheIn(folder.path()), key, cached);
  return cached;
}

describe('tokenKey', () => {
  const rows: readonly (readonly [name: string, setting: Setting, key: CacheKey])[] = [
    ['the registry, the identity and the kind of token', {}, KEY],
    ['the global login server of a regional endpoint', { serverUrl: 'myregistry.eastus.geo.azurecr.io' }, KEY],
    [
      'the description of the identity, not its source',
      { identity: { source: 'x', description: 'another' } },
      { ...KEY, identity: 'another' },
    ],
    ['the same for an identity token, which is a refresh token', { settings: { secret: 'identity-token' } }, KEY],
    [
      'the scopes of an access token, in any order',
      { settings: { secret: 'access-token', scope: ['b', 'a'] } },
      { ...KEY, kind: 'access-token a b' },
    ],
  ];
  for (const [name, setting, key] of rows) {
    test(`names ${name}`, () => {
      expect(tokenKey(requestOf(setting))).toEqual(key);
    });
  }
});

describe('readFreshToken', () => {
  const rows: readonly (readonly [leftMinutes: number, minimumMinutes: number, isFound: boolean])[] = [
    [180, 0, true],
    [6, 0, true],
    [5, 0, false],
    [-1, 0, false],
    [91, 90, true],
    [90, 90, false],
  ];
  for (const [leftMinutes, minimumMinutes, isFound] of rows) {
    const what = `${leftMinutes} minutes left where ${minimumMinutes} are required`;
    test(`returns ${isFound ? 'a token' : 'nothing'} with ${what}, and logs that`, () => {
      const cached = keep(leftMinutes);
      const steps: LogStep[] = [];
      const settings = { minimumLifeSeconds: minimumMinutes * MINUTE };
      const found = readFreshToken(requestOf({ settings, log: (step) => steps.push(step) }));
      expect(found).toEqual(isFound ? cached : undefined);
      const outcome = isFound ? 'hit' : 'miss';
      expect(steps).toEqual([{ step: 'cache', outcome, host: 'myregistry.azurecr.io', source: 'test' }]);
    });
  }

  test('returns nothing for the token of another registry, identity or kind', () => {
    keep(100, { ...KEY, service: 'other1.azurecr.io' });
    keep(100, { ...KEY, identity: 'another' });
    keep(100, { ...KEY, kind: 'access-token a' });
    expect(readFreshToken(requestOf())).toBeUndefined();
  });

  test('returns nothing without a cache', () => {
    keep(100);
    expect(readFreshToken({ ...requestOf(), cache: undefined })).toBeUndefined();
  });
});

describe('obtainToken', () => {
  test('returns a usable token from the cache without asking the identity', async () => {
    keep(100);
    const getToken = () => Promise.reject(new Error('it was asked'));
    expect(await obtainToken(requestOf({ identity: { getToken } }), () => true)).toBe('a.b.c');
  });

  test('asks the identity for the audience of registries when the cached token is not usable', async () => {
    keep(100);
    const audiences: string[] = [];
    const getToken: Identity['getToken'] = async ({ audience }) => {
      audiences.push(audience);
      return { notSetUp: 'not on this machine' };
    };
    expect(await obtainToken(requestOf({ identity: { getToken } }), () => false)).toEqual({
      notSetUp: 'not on this machine',
    });
    expect(audiences).toEqual(['https://containerregistry.azure.net']);
    expect(readCache(cacheIn(folder.path()), KEY, NOW_SECONDS)?.token).toBe('a.b.c');
  });

  test('throws the failure of the identity, or returns the old token while it has not expired', async () => {
    const failure = new CredentialError('IDENTITY_FAILED', 'the account has to sign in again');
    const getToken = () => Promise.reject(failure);
    const failed = await catchFailure(() => obtainToken(requestOf({ identity: { getToken } }), () => false));
    expect(failed).toMatchObject({ code: 'IDENTITY_FAILED', message: 'the account has to sign in again' });
    keep(1);
    expect(await obtainToken(requestOf({ identity: { getToken } }), () => false)).toBe('a.b.c');
  });
});
