/** The credential-helper protocol of the built program, used as clients use it. */
import { afterAll, describe, expect, it } from 'vitest';
import { NULL_GUID } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { createMachine } from './world/machine.ts';
import type { RunResult } from './world/process.ts';
import { openCloud } from './world/test-cloud.ts';

const NOT_FOUND: RunResult = { exitCode: 1, stdout: 'credentials not found in native keychain\n', stderr: '' };
const DONE: RunResult = { exitCode: 0, stdout: '', stderr: '' };

const cloud = await openCloud();

/** Parses the output of a `get` that succeeded without a message. */
function parseAnswer({ exitCode, stdout, stderr }: RunResult): { readonly ServerURL: string; readonly Secret: string } {
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^\{.*\}\n$/);
  const answer: unknown = JSON.parse(stdout);
  expect(answer).toEqual({
    ServerURL: expect.any(String),
    Username: NULL_GUID,
    Secret: expect.stringMatching(/^ey[\w-]+\.[\w-]+\.[\w-]+$/),
  });
  const text = (name: string) => String(Reflect.get(Object(answer), name));
  return { ServerURL: text('ServerURL'), Secret: text('Secret') };
}

describe('get with every form of the server URL that clients send', () => {
  const machine = createMachine(cloud);
  afterAll(() => machine.close());
  it.each([
    LOGIN_SERVER,
    `${LOGIN_SERVER}\n`,
    `${LOGIN_SERVER}\r\n`,
    `${LOGIN_SERVER} \r\n`,
    `\uFEFF${LOGIN_SERVER}\n`,
    `${LOGIN_SERVER}:443`,
    `https://${LOGIN_SERVER}`,
    `https://${LOGIN_SERVER}/`,
    `https://${LOGIN_SERVER}:443`,
    `http://${LOGIN_SERVER}`,
    `http://${LOGIN_SERVER}:443`,
    `${LOGIN_SERVER}/team/app`,
    `https://${LOGIN_SERVER}/v2/`,
    'CONTOSO.AzureCR.io',
    `${LOGIN_SERVER}.`,
  ])('answers for %j', async (input) => {
    const answer = parseAnswer(await machine.helper('get', input));
    expect(answer.ServerURL).toBe(input.replace('\uFEFF', '').trim());
    expect([[], ['entra 200', 'exchange 200']]).toContainEqual(cloud.signIns());
  });
});

describe('get in every cloud', () => {
  it.each([
    ['contoso.azurecr.io', 'login.microsoftonline.com'],
    ['contoso.eastus.geo.azurecr.io', 'login.microsoftonline.com'],
    ['contoso-d3fzb2a0h4hxfag6.azurecr.io', 'login.microsoftonline.com'],
    ['contoso.azurecr.us', 'login.microsoftonline.us'],
    ['contoso.azurecr.cn', 'login.partner.microsoftonline.cn'],
  ])('connects for %s only to %s and the registry', async (host, authority) => {
    parseAnswer(await cloud.addMachine().helper('get', host));
    expect(new Set(cloud.emulator.connects)).toEqual(new Set([`${authority}:443`, `${host}:443`]));
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });
});

describe('get for a host that is not a login server', () => {
  it.each([
    'docker.io',
    'https://index.docker.io/v1/',
    'https://index.docker.io/v1/access-token',
    'https://not.a.real.registry/url',
    'ghcr.io',
    'mcr.microsoft.com',
    'localhost:5000',
    'azurecr.io',
    'notazurecr.io',
    'contosoazurecr.io',
    'contoso.azurecr.io.attacker.example',
    'attacker.example/contoso.azurecr.io',
    'https://attacker.example/?contoso.azurecr.io',
    'https://attacker.example#.azurecr.io',
    'https://contoso.azurecr.io@attacker.example',
    'attacker.example\\.azurecr.io',
    'contoso.azurecr.io\nattacker.example',
    'contoso.azurecr.io:8443',
    'contoso.eastus.data.azurecr.io',
    'contoso.azurecr.io..',
    'contoso.аzurecr.io',
    '-contoso.azurecr.io',
    '127.0.0.1',
  ])('answers %j with not found, without a message or a connection', async (input) => {
    expect(await cloud.addMachine().helper('get', input)).toEqual(NOT_FOUND);
    expect(cloud.emulator.connects).toEqual([]);
  });
});

it('get reports a missing server URL', async () => {
  for (const input of ['', '\n', ' \r\n']) {
    const expected = { exitCode: 1, stdout: 'no credentials server URL\n', stderr: '' };
    expect(await cloud.addMachine().helper('get', input)).toEqual(expected);
  }
});

it('get answers from the cache once it has signed in', async () => {
  const machine = cloud.addMachine();
  const first = parseAnswer(await machine.helper('get', LOGIN_SERVER));
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  cloud.forget();
  expect(parseAnswer(await machine.helper('get', LOGIN_SERVER))).toEqual(first);
  expect(cloud.emulator.connects).toEqual([]);
});

it('get reports the error on stdout, and on stderr with a hint, when the client secret is wrong', async () => {
  const { exitCode, stdout, stderr } = await cloud.addMachine({ identity: 'wrong secret' }).helper('get', LOGIN_SERVER);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^Cannot [^\n`]*AADSTS7000215[^\n`]*\n$/);
  expect(stderr).toMatch(/^docker-credential-acr: error: Cannot [^\n]*\n(cause: [^\n]*\n)*hint: [^\n]*\n$/);
  expect(cloud.signIns()).toEqual(['entra 401']);
});

it('get signs in once and returns the same token when twenty processes ask at the same time', async () => {
  const machine = cloud.addMachine();
  const results = await Promise.all(Array.from({ length: 20 }, () => machine.helper('get', LOGIN_SERVER)));
  const secrets = new Set(results.map((result) => parseAnswer(result).Secret));
  expect(secrets.size).toBe(1);
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('store keeps a token of the registry under either user name until erase', async () => {
  const { Secret: token } = parseAnswer(await cloud.addMachine().helper('get', LOGIN_SERVER));
  cloud.forget();
  for (const user of [NULL_GUID, '<token>']) {
    const machine = cloud.addMachine({ identity: 'nobody' });
    const payload = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: user, Secret: token });
    // Go's encoder writes the angle brackets as escapes.
    const input = `${payload.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e')}\n`;
    expect(await machine.helper('store', input)).toEqual(DONE);
    expect(parseAnswer(await machine.helper('get', LOGIN_SERVER)).Secret).toBe(token);
    expect(await machine.helper('erase', LOGIN_SERVER)).toEqual(DONE);
    expect(await machine.helper('erase', LOGIN_SERVER)).toEqual(DONE);
    const after = await machine.helper('get', LOGIN_SERVER);
    expect(after).toEqual({
      ...NOT_FOUND,
      stderr: expect.stringMatching(/^docker-credential-acr: hint: [^\n]+\n( {2}[^\n]+\n)+$/),
    });
  }
  expect(cloud.emulator.connects).toEqual([]);
});

it('erase succeeds for hosts without a credential', async () => {
  for (const host of ['ghcr.io', 'http://contoso.azurecr.io', 'https://contoso.azurecr.io', 'unknown.azurecr.io']) {
    expect(await cloud.addMachine().helper('erase', host)).toEqual(DONE);
  }
});

it('list names the registries that Docker’s configuration assigns to the program, without a connection', async () => {
  const machine = cloud.addMachine({ credHelpers: [LOGIN_SERVER, 'other.azurecr.io'] });
  for (const input of ['unused', '']) {
    const { exitCode, stdout, stderr } = await machine.helper('list', input);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ [LOGIN_SERVER]: NULL_GUID, 'other.azurecr.io': NULL_GUID });
  }
  expect((await cloud.addMachine({ credHelpers: [] }).helper('list')).stdout).toBe('{}\n');
  expect(cloud.emulator.connects).toEqual([]);
});
