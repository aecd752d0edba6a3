/** Storing the token that a client has signed in for by itself, and erasing it. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCache, STORED_IDENTITY, writeCache } from '../../../src/cache/cache.ts';
import { eraseCredential, storeCredential } from '../../../src/logins/store.ts';
import { cacheIn } from '../cache-in.ts';
import { catchFailure } from '../failure.ts';
import { makeRuntime, NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { makeToken } from '../token.ts';

const folder = useTemporaryFolder();
const GUID = '00000000-0000-0000-0000-000000000000';
const TOKEN = makeToken({ exp: NOW_SECONDS + 10_800 });
const KEY = { service: 'myregistry.azurecr.io', identity: STORED_IDENTITY, kind: 'refresh-token' };

const theMachine = () =>
  makeRuntime({
    DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder.path(),
    DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data'),
    HOME: folder.path(),
  });
const kept = (service = KEY.service) => readCache(cacheIn(folder.path()), { ...KEY, service }, NOW_SECONDS);
const store = (serverUrl: string, username: string, secret: string) =>
  storeCredential(theMachine(), { serverUrl, username, secret });

describe('storeCredential', () => {
  const rows: readonly (readonly [serverUrl: string, username: string, service: string])[] = [
    ['myregistry.azurecr.io', GUID, 'myregistry.azurecr.io'],
    ['myregistry.azurecr.io', '<token>', 'myregistry.azurecr.io'],
    ['https://MyRegistry.azurecr.io:443/v2/', '<token>', 'myregistry.azurecr.io'],
    ['myregistry.westeurope.geo.azurecr.io', GUID, 'myregistry.azurecr.io'],
  ];
  for (const [serverUrl, username, service] of rows) {
    test(`caches the token of ${username} for ${serverUrl} until it expires`, async () => {
      await store(serverUrl, username, TOKEN);
      expect(kept(service)).toEqual({
        token: TOKEN,
        expiresAtSeconds: NOW_SECONDS + 10_800,
        savedAtSeconds: NOW_SECONDS,
      });
    });
  }

  test('replaces the cached token with the next one', async () => {
    const next = makeToken({ exp: NOW_SECONDS + 60 });
    await store('myregistry.azurecr.io', GUID, TOKEN);
    await store('myregistry.azurecr.io', GUID, next);
    expect(kept()?.token).toBe(next);
  });
});

describe('storeCredential refuses, with a hint,', () => {
  const expired = makeToken({ exp: NOW_SECONDS });
  const rows: readonly (readonly [server: string, user: string, secret: string, message: RegExp, hint: RegExp])[] = [
    ['myregistry.azurecr.io', GUID, '', /the secret is not an ACR token/, /--expose-token/],
    ['myregistry.azurecr.io', GUID, 'hidden', /the secret is not an ACR token/, /--expose-token/],
    ['myregistry.azurecr.io', GUID, 'a.b.c', /the secret is not an ACR token/, /--expose-token/],
    ['myregistry.azurecr.io', GUID, makeToken({ sub: 'x' }), /the secret is not an ACR token/, /--expose-token/],
    ['myregistry.azurecr.io', GUID, expired, /the token has expired/, /get a new one/],
    ['myregistry.azurecr.io', GUID, makeToken({ exp: 0 }), /the token has expired/, /get a new one/],
    ['myregistry.azurecr.io', GUID, makeToken({ exp: null }), /the secret is not an ACR token/, /--expose-token/],
  ];
  for (const [serverUrl, username, secret, message, hint] of rows) {
    test(JSON.stringify([serverUrl, username, secret.slice(0, 80)]), async () => {
      const failure = await catchFailure(() => store(serverUrl, username, secret));
      expect(failure.code).toBe('STORE_REFUSED');
      expect(failure.message).toMatch(/^Cannot store the credential for /);
      expect(failure.message).toMatch(message);
      expect(failure.hint).toMatch(hint);
      expect(`${failure.message}${failure.hint}`).not.toContain('hidden');
      expect(existsSync(folder.path('tokens'))).toBe(false);
    });
  }

  test('a credential that it has no usable folder for', async () => {
    const credential = { serverUrl: 'myregistry.azurecr.io', username: GUID, secret: TOKEN };
    const relative = makeRuntime({
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: 'relative',
      DOCKER_CREDENTIAL_ACR_DATA_DIR: 'relative',
    });
    const none = await catchFailure(() => storeCredential(relative, credential));
    expect(none.message).toContain('there is no folder to store it in');
    writeFileSync(folder.path('tokens'), '');
    const file = await catchFailure(() => store('myregistry.azurecr.io', GUID, TOKEN));
    expect(file.message).toContain('is not a folder that only you can write to');
    expect(file.hint).toContain('DOCKER_CREDENTIAL_ACR_CACHE_DIR');
  });
});

describe('eraseCredential', () => {
  test('removes the stored and the cached tokens of a registry, however its URL is written', async () => {
    for (const serverUrl of [
      'myregistry.azurecr.io',
      'https://MYREGISTRY.azurecr.io:443/',
      'myregistry.eastus.geo.azurecr.io',
    ]) {
      await store('myregistry.azurecr.io', GUID, TOKEN);
      const token = { token: 'x', expiresAtSeconds: NOW_SECONDS + 60, savedAtSeconds: NOW_SECONDS };
      writeCache(cacheIn(folder.path()), { ...KEY, identity: 'someone' }, token);
      await eraseCredential(theMachine(), serverUrl);
      expect(readdirSync(folder.path('tokens'))).toEqual([]);
    }
  });

  test('does not throw for any server URL, and keeps the tokens of other registries', async () => {
    await store('other1.azurecr.io', GUID, TOKEN);
    for (const serverUrl of [
      'myregistry.azurecr.io',
      'docker.io',
      'https://index.docker.io/v1/',
      '\0',
      '../..',
      'x'.repeat(9_999),
    ]) {
      await eraseCredential(theMachine(), serverUrl);
      await eraseCredential(theMachine(), serverUrl);
    }
    const nowhere = { DOCKER_CREDENTIAL_ACR_CACHE_DIR: 'relative', DOCKER_CREDENTIAL_ACR_DATA_DIR: 'relative' };
    await eraseCredential(makeRuntime(nowhere), 'other1.azurecr.io');
    expect(kept('other1.azurecr.io')).toBeDefined();
  });
});
