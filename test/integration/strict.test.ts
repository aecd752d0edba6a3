/** `"strict": true`: only what the configuration names, and nothing on the disk unless it says so. */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { makeToken } from '../unit/token.ts';
import { CLIENT_SECRET_VARIABLES, ENTRA, EXCHANGE, NOT_FOUND, NULL_GUID, openWorld, REGISTRY } from './world.ts';

const world = await openWorld();
const IDENTITY = {
  type: 'client-secret',
  clientId: CLIENT_ID,
  tenantId: TENANT_ID,
  clientSecretEnv: 'AZURE_CLIENT_SECRET',
};
const NAMED = { [REGISTRY]: { identity: IDENTITY } };
const OTHER = 'other1.azurecr.io';
const PASSWORD = 'Typed-password-1';

/** The names of the folders and files that the program has made. */
function made(): string[] {
  return readdirSync(world.folder).filter((name) => ['cache', 'data'].includes(name));
}

const runWith = (verb: string, input: string) => world.run(verb, input, CLIENT_SECRET_VARIABLES);
const login = (server: string, username: string, secret: string) =>
  runWith('store', JSON.stringify({ ServerURL: server, Username: username, Secret: secret }));

beforeEach(() => rmSync(world.dataFolder, { recursive: true, force: true }));

describe('with "strict"', () => {
  test('a registry that the configuration names gets a token each time, and nothing is written', async () => {
    world.writeConfig({ strict: true, registries: NAMED });
    expect((await world.get()).Username).toBe(NULL_GUID);
    await world.get();
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, ENTRA, EXCHANGE]);
    expect(existsSync(world.cacheFolder)).toBe(false);
    expect(made()).toEqual([]);
  });

  test('a token is cached when the configuration says so, and Entra’s only when it says that too', async () => {
    world.writeConfig({ strict: true, cacheTokens: true, registries: { ...NAMED, [OTHER]: { identity: IDENTITY } } });
    await world.get();
    await world.get();
    await world.get(OTHER);
    expect(world.seen().filter((one) => one === ENTRA)).toHaveLength(2);
    expect(world.seen().filter((one) => one === EXCHANGE)).toHaveLength(1);
    expect(readdirSync(`${world.cacheFolder}/tokens`).filter((name) => name.startsWith('@'))).toEqual([]);
  });

  test.each([
    ['that it does not name', { strict: true }],
    ['whose identity it does not name', { strict: true, registries: { [REGISTRY]: {} } }],
    ['of which it names another', { strict: true, registries: { [OTHER]: { identity: IDENTITY } } }],
  ])('a registry %s gets nothing, whatever the machine could sign in with, and a hint', async (_name, config) => {
    world.writeConfig(config);
    const { exitCode, stdout, stderr } = await runWith('get', REGISTRY);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: NOT_FOUND });
    expect(stderr).toBe(
      `docker-credential-acr: hint: "strict" forbids a sign-in for ${REGISTRY}: name it in "registries" of the configuration, with its "identity"\n`,
    );
    world.expectNothingSent();
    expect(made()).toEqual([]);
  });

  test('an anonymous registry is pulled anonymously, in silence', async () => {
    world.writeConfig({ strict: true, registries: { [REGISTRY]: { anonymous: true } } });
    expect(await runWith('get', REGISTRY)).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
  });

  test('neither a stored login nor a stored token is used, and both are again without "strict"', async () => {
    world.configure({});
    const token = makeToken({ exp: Math.floor(Date.now() / 1000) + 3600 });
    await login('ghcr.io', 'me', PASSWORD);
    expect((await login(REGISTRY, NULL_GUID, token)).exitCode).toBe(0);
    world.forgetRequests();
    world.writeConfig({ strict: true, cacheTokens: true, registries: NAMED });
    expect((await world.get()).Secret).not.toBe(token);
    expect(await runWith('get', 'ghcr.io')).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
    world.configure({});
    expect((await world.get()).Secret).toBe(token);
    expect((await world.get('ghcr.io')).Secret).toBe(PASSWORD);
    await login(REGISTRY, 'myregistry', PASSWORD);
    world.writeConfig({ strict: true, registries: NAMED });
    expect((await world.get()).Username).toBe(NULL_GUID);
  });

  test.each([
    ['a login', 'me', PASSWORD],
    ['a token', NULL_GUID, 'a.b.c'],
  ])('%s is refused and not written', async (_name, username, secret) => {
    world.writeConfig({ strict: true, registries: NAMED });
    const { exitCode, stdout } = await login(REGISTRY, username, secret);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^Cannot store the credential for myregistry\.azurecr\.io: .*config\.json forbids it; hint: /,
    );
    expect((await login('ghcr.io', username, secret)).exitCode).toBe(1);
    expect(made()).toEqual([]);
  });

  test('a login of a named server is stored and used when the configuration says where', async () => {
    world.writeConfig({ strict: true, store: 'file', registries: { ...NAMED, 'ghcr.io': {} } });
    expect((await login('ghcr.io', 'me', PASSWORD)).exitCode).toBe(0);
    expect((await world.get('ghcr.io')).Secret).toBe(PASSWORD);
    expect((await login('docker.io', 'me', PASSWORD)).exitCode).toBe(1);
    expect((await login(REGISTRY, 'myregistry', PASSWORD)).exitCode).toBe(0);
    expect((await world.get()).Username).toBe('myregistry');
  });

  test('a logout erases all the same', async () => {
    world.configure({});
    await world.get();
    await login('ghcr.io', 'me', PASSWORD);
    world.writeConfig({ strict: true });
    await world.run('erase', REGISTRY);
    await world.run('erase', 'ghcr.io');
    expect(readdirSync(`${world.cacheFolder}/tokens`)).toEqual([]);
    world.configure({});
    expect(await runWith('get', 'ghcr.io')).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
  });
});

test('"cacheTokens": false signs in each time and refuses a token of docker login, but not a login', async () => {
  world.writeConfig({ cacheTokens: false });
  const token = (await world.get()).Secret;
  await world.get();
  expect(world.seen()).toEqual([ENTRA, EXCHANGE, ENTRA, EXCHANGE]);
  expect(existsSync(world.cacheFolder)).toBe(false);
  const { exitCode, stdout } = await login(REGISTRY, NULL_GUID, token);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('"cacheTokens": false in ');
  expect((await login('ghcr.io', 'me', PASSWORD)).exitCode).toBe(0);
});
