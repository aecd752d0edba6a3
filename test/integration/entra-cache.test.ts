/** One sign-in of an identity serves all of its registries, and only a token for registries is ever kept. */

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

/** The tokens of Entra that lie in the cache. */
function keptTokens(): string[] {
  const folder = join(world.cacheFolder, 'tokens');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith('@entra'))
    .map((name) => asText(parseJsonObject(readFileSync(join(folder, name), 'utf8'))?.['token']) ?? '');
}

/** A program that prints an Entra token, as the configuration of an identity names one, and counts its calls. */
function writeCommand(token: string): { command: string[]; calls: () => number } {
  const file = join(world.folder, 'token-command');
  const calls = join(world.folder, 'token-calls');
  writeFileSync(calls, '');
  writeFileSync(file, `#!/bin/sh\necho x >>'${calls}'\necho '${token}'\n`, { mode: 0o755 });
  return { command: [file], calls: () => readFileSync(calls, 'utf8').length / 2 };
}

describe('the second registry', () => {
  test('costs one exchange', async () => {
    await world.get();
    await world.get(OTHER);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, OTHER_EXCHANGE]);
    expect(keptTokens().map((token) => readClaims(token)['aud'])).toEqual([ACR_AUDIENCE]);
  });

  test('of another identity costs a sign-in', async () => {
    await world.get();
    await world.fail(OTHER, { AZURE_CLIENT_ID: '44444444-2222-4333-8444-555555555555' });
    expect(world.seen().slice(2)).toEqual([ENTRA]);
  });

  test('costs a sign-in when the token has less than five minutes left', async () => {
    await world.get();
    const [token = ''] = keptTokens();
    const { exp, iat } = readClaims(token);
    world.aheadSeconds = Number(exp) - Number(iat) - 299;
    await world.get(OTHER);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, ENTRA, OTHER_EXCHANGE]);
  });

  test('and eighteen more at once cost one sign-in and an exchange each', async () => {
    const hosts = Array.from({ length: 20 }, (_, index) => `burst${index}.azurecr.io`);
    await Promise.all(hosts.map((host) => world.get(host)));
    const seen = world.seen();
    expect(seen.filter((one) => one === ENTRA)).toHaveLength(1);
    expect(seen.filter((one) => one.endsWith('/oauth2/exchange')).sort()).toEqual(
      hosts.map((host) => `POST ${host}/oauth2/exchange`).sort(),
    );
  });

  test('and others at once start one program, where that is the source', async () => {
    const { command, calls } = writeCommand(world.emulator.entraToken());
    world.configure({ '*': { identity: { type: 'command', command } } });
    await Promise.all(Array.from({ length: 8 }, (_, index) => world.get(`program${index}.azurecr.io`)));
    expect(calls()).toBe(1);
  });

  test('at once tells the failure of the first as its own', async () => {
    const hosts = Array.from({ length: 6 }, (_, index) => `failing${index}.azurecr.io`);
    const outcomes = await Promise.all(hosts.map((host) => world.fail(host, { AZURE_CLIENT_SECRET: 'wrong-secret' })));
    expect(outcomes.map(({ stdout }) => /^Cannot sign in for ([^ :]+): /.exec(stdout)?.[1])).toEqual(hosts);
    expect(world.seen().length).toBeLessThan(6);
  });
});

describe('a kept token that the registry refuses', () => {
  test('is dropped, and a new one is tried', async () => {
    await world.get();
    const [old = ''] = keptTokens();
    const restore = world.emulator.inject({ host: OTHER, status: 401, body: '', times: 1 });
    try {
      await world.get(OTHER);
    } finally {
      restore();
    }
    expect(world.seen().slice(2)).toEqual([OTHER_EXCHANGE, ENTRA, OTHER_EXCHANGE]);
    expect(keptTokens()).toHaveLength(1);
    expect(keptTokens()).not.toContain(old);
  });

  test('is dropped, and the second refusal is told', async () => {
    await world.get();
    const restore = world.emulator.inject({ host: OTHER, status: 401, body: '' });
    try {
      await world.fail(OTHER);
    } finally {
      restore();
    }
    expect(world.seen().slice(2)).toEqual([OTHER_EXCHANGE, ENTRA, OTHER_EXCHANGE]);
  });

  test('does not come back when no new one can be had', async () => {
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
    expect(keptTokens()).toEqual([]);
  });

  test.each([403, 429, 404])('with %i stays, since it is not at fault', async (status) => {
    await world.get();
    const restore = world.emulator.inject({ host: OTHER, status, body: '', headers: { 'retry-after': '60' } });
    try {
      await world.fail(OTHER);
    } finally {
      restore();
    }
    expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(1);
    expect(keptTokens()).toHaveLength(1);
  });

  test('that was not kept but new is not tried twice', async () => {
    const restore = world.emulator.inject({ host: REGISTRY, status: 401, body: '' });
    try {
      await world.fail();
    } finally {
      restore();
    }
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('what is kept', () => {
  test('survives the logout of a registry: it is the identity that it tells of', async () => {
    await world.get();
    await world.run('erase', REGISTRY);
    await world.get();
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, EXCHANGE]);
  });

  test('is nothing with "cacheEntraTokens": false, and what was kept is removed', async () => {
    await world.get();
    world.writeConfig({ cacheEntraTokens: false });
    await world.get(OTHER);
    expect(keptTokens()).toEqual([]);
    await world.get('third12.azurecr.io');
    expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(3);
  });

  test('is not a server that list tells', async () => {
    await world.get();
    expect((await world.run('list', '')).stdout).not.toContain('entra');
  });

  test('is no token of the ARM audience, where the tenant knows no other', async () => {
    const tenant = world.emulator.state.tenants.get(TENANT_ID);
    tenant?.resources.delete(ACR_AUDIENCE);
    for (const host of [REGISTRY, OTHER]) registryOf(world.emulator.state, host).armTokens = true;
    try {
      await world.get();
      await world.get(OTHER);
      expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(3);
      expect(keptTokens()).toEqual([]);
    } finally {
      tenant?.resources.add(ACR_AUDIENCE);
    }
  });

  test('is no token of an audience that the person chose', async () => {
    world.configure({ '*': { identity: { type: 'client-secret', audience: ARM_AUDIENCE } } });
    registryOf(world.emulator.state, REGISTRY).armTokens = true;
    await world.get();
    expect(keptTokens()).toEqual([]);
  });

  test('is a token of the audience that the person chose, when that is the registries own', async () => {
    world.configure({ '*': { identity: { type: 'client-secret', audience: ACR_AUDIENCE } } });
    await world.get();
    expect(keptTokens()).toHaveLength(1);
  });

  test('is no token that a program gives for another audience than it was asked for', async () => {
    const { command, calls } = writeCommand(world.emulator.entraToken({ audience: ARM_AUDIENCE }));
    world.configure({ '*': { identity: { type: 'command', command } } });
    for (const host of [REGISTRY, OTHER]) registryOf(world.emulator.state, host).armTokens = true;
    await world.get();
    await world.get(OTHER);
    expect(calls()).toBe(2);
    expect(keptTokens()).toEqual([]);
  });

  test('is the same for an access token', async () => {
    world.configure({ '*': { secret: 'access-token', scope: 'repository:a:pull' } });
    await world.get();
    await world.get(OTHER);
    expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(1);
  });

  test('is nothing that a changed secret of the same client could not use', async () => {
    await world.get();
    await world.get(OTHER, { AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: `${CLIENT_SECRET}x` });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, OTHER_EXCHANGE]);
  });
});
