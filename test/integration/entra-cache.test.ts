/** One sign-in of an identity serves all of its registries, and only a token for registries is ever cached. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asText, parseJsonObject } from '../../src/json.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../emulator/emulator.ts';
import { ACR_AUDIENCE, registryOf } from '../emulator/state.ts';
import { ENTRA, EXCHANGE, openWorld, REGISTRY, readClaims } from './world.ts';

const OTHER = 'other12.azurecr.io';
const OTHER_EXCHANGE = `POST ${OTHER}/oauth2/exchange`;
const ARM_AUDIENCE = 'https://management.azure.com';

const world = await openWorld();

/** The Entra tokens in the cache. */
function cachedTokens(): string[] {
  const folder = join(world.cacheFolder, 'tokens');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith('@entra'))
    .map((name) => asText(parseJsonObject(readFileSync(join(folder, name), 'utf8'))?.['token']) ?? '');
}

/** Writes a program for the `command` identity that prints an Entra token and counts its calls. */
function writeCommand(token: string): { command: string[]; calls: () => number } {
  const file = join(world.folder, 'token-command');
  const calls = join(world.folder, 'token-calls');
  writeFileSync(calls, '');
  writeFileSync(file, `#!/bin/sh\necho x >>'${calls}'\necho '${token}'\n`, { mode: 0o755 });
  return { command: [file], calls: () => readFileSync(calls, 'utf8').length / 2 };
}

describe('a second registry', () => {
  test('needs only an exchange', async () => {
    await world.get();
    await world.get(OTHER);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, OTHER_EXCHANGE]);
    expect(cachedTokens().map((token) => readClaims(token)['aud'])).toEqual([ACR_AUDIENCE]);
  });

  test('needs a sign-in for another identity', async () => {
    await world.get();
    await world.fail(OTHER, { AZURE_CLIENT_ID: '44444444-2222-4333-8444-555555555555' });
    expect(world.seen().slice(2)).toEqual([ENTRA]);
  });

  test('needs a sign-in when the Entra token has less than five minutes left', async () => {
    await world.get();
    const [token = ''] = cachedTokens();
    const { exp, iat } = readClaims(token);
    world.aheadSeconds = Number(exp) - Number(iat) - 299;
    await world.get(OTHER);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, ENTRA, OTHER_EXCHANGE]);
  });

  test('shares one sign-in when twenty registries ask at the same time', async () => {
    const hosts = Array.from({ length: 20 }, (_, index) => `burst${index}.azurecr.io`);
    await Promise.all(hosts.map((host) => world.get(host)));
    const seen = world.seen();
    expect(seen.filter((one) => one === ENTRA)).toHaveLength(1);
    expect(seen.filter((one) => one.endsWith('/oauth2/exchange')).sort()).toEqual(
      hosts.map((host) => `POST ${host}/oauth2/exchange`).sort(),
    );
  });

  test('shares one run of a token program when eight registries ask at the same time', async () => {
    const { command, calls } = writeCommand(world.emulator.entraToken());
    world.configure({ '*': { identity: { type: 'command', command } } });
    await Promise.all(Array.from({ length: 8 }, (_, index) => world.get(`program${index}.azurecr.io`)));
    expect(calls()).toBe(1);
  });

  test('reports a shared failure under its own name when six registries ask at the same time', async () => {
    const hosts = Array.from({ length: 6 }, (_, index) => `failing${index}.azurecr.io`);
    const outcomes = await Promise.all(hosts.map((host) => world.fail(host, { AZURE_CLIENT_SECRET: 'wrong-secret' })));
    expect(outcomes.map(({ stdout }) => /^Cannot sign in for ([^ :]+): /.exec(stdout)?.[1])).toEqual(hosts);
    expect(world.seen().length).toBeLessThan(6);
  });
});

describe('when a registry refuses the cached Entra token', () => {
  test('drops the token and tries a new one', async () => {
    await world.get();
    const [old = ''] = cachedTokens();
    const restore = world.emulator.inject({ host: OTHER, status: 401, body: '', times: 1 });
    try {
      await world.get(OTHER);
    } finally {
      restore();
    }
    expect(world.seen().slice(2)).toEqual([OTHER_EXCHANGE, ENTRA, OTHER_EXCHANGE]);
    expect(cachedTokens()).toHaveLength(1);
    expect(cachedTokens()).not.toContain(old);
  });

  test('reports the refusal of the new token too', async () => {
    await world.get();
    const restore = world.emulator.inject({ host: OTHER, status: 401, body: '' });
    try {
      await world.fail(OTHER);
    } finally {
      restore();
    }
    expect(world.seen().slice(2)).toEqual([OTHER_EXCHANGE, ENTRA, OTHER_EXCHANGE]);
  });

  test('leaves the cache empty when it cannot get a new token', async () => {
    await world.get();
    const restore = [
      world.emulator.inject({ host: OTHER, status: 401, body: '' }),
      world.emulator.inject({ host: 'login.microsoftonline.com', status: 400, body: '{"error":"invalid_client"}' }),
    ];
    try {
      await world.fail(OTHER);
    } finally {
      for (const undo of restore) undo();
    }
    expect(cachedTokens()).toEqual([]);
  });

  test.each([403, 429, 404])('keeps the token after %i, which is not the fault of the token', async (status) => {
    await world.get();
    const restore = world.emulator.inject({ host: OTHER, status, body: '', headers: { 'retry-after': '60' } });
    try {
      await world.fail(OTHER);
    } finally {
      restore();
    }
    expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(1);
    expect(cachedTokens()).toHaveLength(1);
  });

  test('does not sign in twice when the refused token is new', async () => {
    const restore = world.emulator.inject({ host: REGISTRY, status: 401, body: '' });
    try {
      await world.fail();
    } finally {
      restore();
    }
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('the Entra token cache', () => {
  test('is empty after the logout of a registry', async () => {
    await world.get();
    await world.run('erase', REGISTRY);
    expect(cachedTokens()).toEqual([]);
    await world.get();
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, ENTRA, EXCHANGE]);
  });

  test('keeps nothing with "cacheEntraTokens": false and removes what it kept before', async () => {
    await world.get();
    world.writeConfig({ cacheEntraTokens: false });
    await world.get(OTHER);
    expect(cachedTokens()).toEqual([]);
    await world.get('third12.azurecr.io');
    expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(3);
  });

  test('does not appear in list', async () => {
    await world.get();
    expect((await world.run('list', '')).stdout).not.toContain('entra');
  });

  test('keeps no token of the ARM audience when the tenant knows no other', async () => {
    const tenant = world.emulator.state.tenants.get(TENANT_ID);
    tenant?.resources.delete(ACR_AUDIENCE);
    for (const host of [REGISTRY, OTHER]) registryOf(world.emulator.state, host).armTokens = true;
    try {
      await world.get();
      await world.get(OTHER);
      expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(3);
      expect(cachedTokens()).toEqual([]);
    } finally {
      tenant?.resources.add(ACR_AUDIENCE);
    }
  });

  test('keeps no token of another configured audience', async () => {
    world.configure({ '*': { identity: { type: 'client-secret', audience: ARM_AUDIENCE } } });
    registryOf(world.emulator.state, REGISTRY).armTokens = true;
    await world.get();
    expect(cachedTokens()).toEqual([]);
  });

  test('keeps a token of a configured audience that is the registry service’s own', async () => {
    world.configure({ '*': { identity: { type: 'client-secret', audience: ACR_AUDIENCE } } });
    await world.get();
    expect(cachedTokens()).toHaveLength(1);
  });

  test('keeps no token that a program returns for another audience than requested', async () => {
    const { command, calls } = writeCommand(world.emulator.entraToken({ audience: ARM_AUDIENCE }));
    world.configure({ '*': { identity: { type: 'command', command } } });
    for (const host of [REGISTRY, OTHER]) registryOf(world.emulator.state, host).armTokens = true;
    await world.get();
    await world.get(OTHER);
    expect(calls()).toBe(2);
    expect(cachedTokens()).toEqual([]);
  });

  test('serves registries that return access tokens', async () => {
    world.configure({ '*': { secret: 'access-token', scope: 'repository:a:pull' } });
    await world.get();
    await world.get(OTHER);
    expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(1);
  });

  test('serves the same client after its secret has changed', async () => {
    await world.get();
    await world.get(OTHER, { AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: `${CLIENT_SECRET}x` });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, OTHER_EXCHANGE]);
  });
});
