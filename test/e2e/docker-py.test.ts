/** Docker's client library for Python, which reads and writes credentials through the program. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const ASK = join(import.meta.dirname, 'docker-py', 'ask.py');
const OTHER_SERVER = 'fabrikam.azurecr.io';
const FOREIGN_SERVER = 'ghcr.io';
const HUB = 'https://index.docker.io/v1/';
const PASSWORDS = ['Admin+pass/word=1%', 'pass\u00e9 "2"\\'] as const;
const NOT_FOUND = { error: 'CredentialsNotFound' };

const cloud = await openCloud();
for (const password of PASSWORDS) cloud.emulator.state.issuedSecrets.add(password);
for (const server of [LOGIN_SERVER, OTHER_SERVER]) registryOf(cloud.emulator.state, server);
let machine: Machine;

/** @returns a function that asks the library and returns its answer and the stderr of the program. */
function setUp(context: TestContext, options: MachineOptions, environment: Readonly<Record<string, string>> = {}) {
  machine = cloud.addMachine(options);
  needParts(context, 'docker-py');
  return async (words: readonly string[], input?: unknown, more: Readonly<Record<string, string>> = {}) => {
    const given = input === undefined ? {} : { input: JSON.stringify(input) };
    const result = await machine.run(partOf('docker-py'), [ASK, ...words], {
      environment: { ...environment, ...more },
      printsSecret: true,
      ...given,
    });
    expect(result.exitCode, result.stderr).toBe(0);
    return { answer: JSON.parse(result.stdout), stderr: result.stderr };
  };
}

/** A credential as the library passes it to the engine. */
function credential(server: string, user: string, secret: unknown) {
  return { ServerAddress: server, Username: user, Password: secret };
}

describe('docker-py', () => {
  it.for(['refresh-token', 'identity-token'] as const)('reads a token with "secret": "%s"', async (secret, context) => {
    const ask = setUp(context, { identity: 'service principal' });
    const settings = machine.configure({ registries: { [LOGIN_SERVER]: { secret } } });
    const { answer, stderr } = await ask(['resolve', LOGIN_SERVER], undefined, settings);
    const token = expect.stringMatching(/^eyJ/);
    const expected =
      secret === 'identity-token'
        ? { ServerAddress: LOGIN_SERVER, IdentityToken: token }
        : credential(LOGIN_SERVER, NULL_GUID, token);
    expect({ answer, stderr }).toEqual({ answer: expected, stderr: '' });
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(await ask(['all'], undefined, settings)).toEqual({ answer: { [LOGIN_SERVER]: expected }, stderr: '' });
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('reads nothing for one registry and for all when nobody is signed in', async (context) => {
    const ask = setUp(context, { identity: 'nobody' });
    const resolved = await ask(['resolve', LOGIN_SERVER]);
    expect(resolved.answer).toBeNull();
    expect(resolved.stderr).toMatch(/^docker-credential-acr: hint: .*; run: docker-credential-acr login /m);
    const all = await ask(['all']);
    expect(all.answer).toEqual({ [LOGIN_SERVER]: null });
    expect((await ask(['get', LOGIN_SERVER])).answer).toEqual(NOT_FOUND);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('reads nothing for a foreign server, without a message', async (context) => {
    const ask = setUp(context, { identity: 'service principal', credHelpers: [FOREIGN_SERVER] });
    expect(await ask(['resolve', FOREIGN_SERVER])).toEqual({ answer: null, stderr: '' });
    expect(await ask(['get', HUB])).toEqual({ answer: NOT_FOUND, stderr: '' });
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('reports an error with a hint when the client secret is wrong', async (context) => {
    const ask = setUp(context, { identity: 'wrong secret' });
    for (const words of [['resolve', LOGIN_SERVER], ['all']]) {
      const { answer, stderr } = await ask(words);
      expect(answer).toMatchObject({ error: 'DockerException', message: expect.stringContaining('AADSTS7000215') });
      expect(answer.message).toMatch(/Cannot sign in for contoso\.azurecr\.io/);
      expect(stderr).toMatch(/^hint: /m);
    }
    const settings = machine.configure({ registries: { [LOGIN_SERVER]: { onError: 'anonymous' } } });
    expect((await ask(['all'], undefined, settings)).answer).toEqual({ [LOGIN_SERVER]: null });
  });
});

describe.each(LOGIN_BACKENDS)('docker-py with logins kept in %s', (where) => {
  it('stores, reads, lists and erases logins', async (context) => {
    let ask = setUp(context, { identity: 'nobody', credHelpers: [] });
    const kept = await prepareLoginBackend(where, machine, context);
    const open = ask;
    ask = (words, input) => open(words, input, kept.environment);
    // https://github.com/docker/docker-py/blob/main/tests/integration/credentials/store_test.py
    for (const ServerURL of [LOGIN_SERVER, FOREIGN_SERVER, HUB]) {
      expect((await ask(['get', ServerURL])).answer).toEqual(NOT_FOUND);
      for (const Secret of PASSWORDS) {
        const stored = await ask(['store'], { ServerURL, Username: 'user', Secret });
        expect(stored.answer).toBe('');
        kept.expectHidden(Secret);
        const expected = { ServerURL, Username: 'user', Secret };
        expect(await ask(['get', ServerURL])).toEqual({ answer: expected, stderr: '' });
      }
    }
    const servers = { [LOGIN_SERVER]: 'user', [FOREIGN_SERVER]: 'user', [HUB]: 'user' };
    expect(await ask(['list'])).toEqual({ answer: servers, stderr: '' });
    writeFileSync(machine.dockerConfigFile, JSON.stringify({ credsStore: 'acr' }));
    const all = Object.keys(servers).map((server) => [server, credential(server, 'user', PASSWORDS[1])]);
    // The library adds the bare name of every URL by itself.
    const bare = { 'index.docker.io': credential(HUB, 'user', PASSWORDS[1]) };
    expect(await ask(['all'])).toEqual({ answer: { ...Object.fromEntries(all), ...bare }, stderr: '' });
    expect((await ask(['resolve', 'docker.io'])).answer).toEqual(credential(HUB, 'user', PASSWORDS[1]));
    for (const server of Object.keys(servers)) {
      expect(await ask(['erase', server])).toEqual({ answer: null, stderr: '' });
      expect(await ask(['erase', server])).toEqual({ answer: null, stderr: '' });
      expect((await ask(['get', server])).answer).toEqual(NOT_FOUND);
    }
    expect(await ask(['list'])).toEqual({ answer: {}, stderr: '' });
    expect(await kept.users()).toEqual({});
    expect(cloud.emulator.connects).toEqual([]);
  });
});
