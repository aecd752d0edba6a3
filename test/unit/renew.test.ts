/** The renewal in the background: when it asks the identity for a new token, and when it does nothing. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type CacheKey, readCache, STORED_IDENTITY, writeCache } from '../../src/cache/cache.ts';
import { ObjectReader } from '../../src/config/object-reader.ts';
import { COMMAND } from '../../src/identity/command/command.ts';
import type { LogStep } from '../../src/log.ts';
import { storeCredential } from '../../src/logins/store.ts';
import { openBackgroundLog, renewInBackground, renewToken } from '../../src/renew.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import { cacheIn } from './cache-in.ts';
import { catchFailure } from './failure.ts';
import { expectIdentity, finderOf, requestFor } from './identity/request.ts';
import { makeRuntime, NOW_SECONDS } from './runtime.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

// Processes are slow on a machine that is busy with other suites.
vi.setConfig({ testTimeout: 20_000 });

const folder = useTemporaryFolder();
const REGISTRY = 'myregistry.azurecr.io';
const MINUTE = 60;
/** A token of three hours is due with less than 32 minutes left, and not with more than 60. */
const [DUE, NOT_DUE] = [20, 61];

/** A program that notes that it was asked and has no token. With one, the test would need a registry. */
const program = () => folder.path('program');
const countAsked = () => (existsSync(folder.path('asked')) ? readFileSync(folder.path('asked'), 'utf8').length : 0);

beforeEach(() => {
  writeFileSync(program(), `#!/bin/sh\nprintf x >>'${folder.path('asked')}'\nexit 1\n`);
  chmodSync(program(), 0o700);
  configure({});
});

/** Configures the registry to use the program, and what else the test says. */
function configure(changes: object): void {
  const identity = { type: 'command', command: [program()] };
  const registries = { [REGISTRY]: { identity, ...changes } };
  // In a file, so that no keychain of this machine is asked.
  writeFileSync(folder.path('config.json'), JSON.stringify({ registries, store: 'file' }));
}

const theMachine = (env: Runtime['env'] = {}) =>
  makeRuntime({
    HOME: folder.path(),
    PATH: '/usr/bin:/bin',
    DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('config.json'),
    DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder.path('cache'),
    DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data'),
    HTTPS_PROXY: 'http://127.0.0.1:9', // nobody listens there, so nothing leaves this machine
    ...env,
  });

function theKey(): CacheKey {
  const { description } = expectIdentity(finderOf(COMMAND)(requestFor({}, { command: [program()] })));
  return { service: REGISTRY, identity: description, kind: 'refresh-token' };
}

/** Caches a token of three hours with this many minutes left. */
function keep(leftMinutes: number, key = theKey()): void {
  const expiresAtSeconds = NOW_SECONDS + leftMinutes * MINUTE;
  const cached = { token: 'a.b.c', expiresAtSeconds, savedAtSeconds: expiresAtSeconds - 180 * MINUTE };
  writeCache(cacheIn(folder.path('cache')), key, cached);
}

const renew = (serverUrl = REGISTRY, env: Runtime['env'] = {}, log?: (step: LogStep) => void) =>
  renewToken(theMachine(env), serverUrl, 10_000, log);

describe('renewToken asks the identity', () => {
  test.each([REGISTRY, `https://${REGISTRY}/v2/`, 'myregistry.eastus.geo.azurecr.io'])(
    'once for a token of %s that is due, and keeps it when there is no other',
    async (serverUrl) => {
      keep(DUE);
      const steps: LogStep[] = [];
      await renew(serverUrl, {}, (step) => steps.push(step));
      expect(countAsked()).toBe(1);
      expect(steps).toContainEqual(expect.objectContaining({ step: 'sign-in', outcome: 'old-token' }));
      expect(readCache(cacheIn(folder.path('cache')), theKey(), NOW_SECONDS)?.token).toBe('a.b.c');
    },
  );

  test('earlier for a client that needs a token with a long life', async () => {
    configure({ minimumLifeMinutes: 120 });
    keep(125);
    await renew();
    expect(countAsked()).toBe(1);
  });
});

describe('renewToken does nothing', () => {
  test.each([
    ['for a token that is not due', NOT_DUE],
    ['for a token that is too old to be returned, which a `get` replaces', 5],
    ['for a token that has expired', -1],
  ])('%s', async (_name, leftMinutes) => {
    keep(leftMinutes);
    await renew();
    expect(countAsked()).toBe(0);
  });

  test('without a token, since one that was erased must not come back', async () => {
    await renew();
    keep(DUE, { ...theKey(), identity: 'another' });
    await renew();
    expect(countAsked()).toBe(0);
  });

  test('for a registry whose token a client stored, until that expires', async () => {
    keep(DUE);
    keep(1, { ...theKey(), identity: STORED_IDENTITY });
    await renew();
    expect(countAsked()).toBe(0);
    keep(0, { ...theKey(), identity: STORED_IDENTITY });
    await renew();
    expect(countAsked()).toBe(1);
  });

  test('for a registry with a stored login', async () => {
    await storeCredential(theMachine(), { serverUrl: REGISTRY, username: 'ada', secret: 'a-password' });
    keep(DUE);
    await renew();
    expect(countAsked()).toBe(0);
  });

  test('for a registry with a stored login, unless its caller wants an identity of its own', async () => {
    await storeCredential(theMachine(), { serverUrl: REGISTRY, username: 'ada', secret: 'a-password' });
    keep(DUE);
    const source = COMMAND.configure((fields) => new ObjectReader({ command: [program()] }, [], 'x').read(fields));
    await renewToken(theMachine(), REGISTRY, 10_000, undefined, { identity: { ...source, name: 'own' } });
    expect(countAsked()).toBe(1);
  });

  test('for a registry that allows anonymous pulls', async () => {
    configure({ anonymous: true });
    keep(DUE);
    await renew();
    expect(countAsked()).toBe(0);
  });

  test('for a server that is not a registry of Azure, and without a cache', async () => {
    keep(DUE);
    await renew('docker.io');
    await renew(REGISTRY, { DOCKER_CREDENTIAL_ACR_CACHE_DIR: 'relative' });
    expect(countAsked()).toBe(0);
  });
});

test('renewToken throws CONFIG_INVALID for a mistake in the configuration of the registry', async () => {
  configure({ unknown: 1 });
  keep(DUE);
  expect((await catchFailure(() => renew())).code).toBe('CONFIG_INVALID');
  expect(countAsked()).toBe(0);
});

test('renewInBackground says only in the log that it failed', async () => {
  writeFileSync(folder.path('config.json'), '{');
  const steps: LogStep[] = [];
  await renewInBackground(theMachine(), REGISTRY, (step) => steps.push(step));
  expect(steps).toEqual([expect.objectContaining({ step: 'end', outcome: 'not-renewed', code: 'CONFIG_INVALID' })]);
});

test.each(['log.jsonl', 'stderr', ''])('openBackgroundLog opens none for %j', async (log) => {
  expect(await openBackgroundLog(theMachine({ DOCKER_CREDENTIAL_ACR_LOG: log }))).toBeUndefined();
});

test('openBackgroundLog opens the log of an absolute path', async () => {
  const log = await openBackgroundLog(theMachine({ DOCKER_CREDENTIAL_ACR_LOG: folder.path('log.jsonl') }));
  log?.({ step: 'start', outcome: 'ours' });
  expect(readFileSync(folder.path('log.jsonl'), 'utf8')).toContain('"outcome":"ours"');
});
