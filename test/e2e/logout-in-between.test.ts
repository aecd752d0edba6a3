/** A logout that comes while somebody signs in or renews is final: nothing that it erased comes back. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseJsonRecord } from '../emulator/json.ts';
import { makeToken } from '../unit/token.ts';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { openCloud } from './world/test-cloud.ts';

const ENTRA_HOST = 'login.microsoftonline.com';
const SLOW_MS = 1_500;

const cloud = await openCloud();
let machine: Machine;
const undo: (() => void)[] = [];

beforeEach(() => {
  machine = cloud.addMachine();
});
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

const get = () => machine.helper('get', LOGIN_SERVER);
const logOut = (server = LOGIN_SERVER) => machine.helper('erase', server);

function tokens(): string[] {
  const folder = join(machine.folder, 'cache', 'tokens');
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function waitForRequest(path: string): Promise<void> {
  for (let tries = 0; !cloud.emulator.requests.some((request) => request.path.endsWith(path)); tries += 1) {
    if (tries > 2_000) throw new Error(`${path} was not requested`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it.each([
  ['Entra', ENTRA_HOST, '/oauth2/v2.0/token'],
  ['the exchange', LOGIN_SERVER, '/oauth2/exchange'],
])('a get that waits for %s answers, and keeps neither token', async (_name, host, path) => {
  undo.push(cloud.emulator.inject({ host, path: new RegExp(path), delayMs: SLOW_MS, times: 1 }));
  const answer = get();
  await waitForRequest(path);
  expect(await logOut()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expectAnswer(await answer);
  expect(tokens()).toEqual([]);
});

it('eight gets at once all answer, and keep nothing that was requested before the logout', async () => {
  undo.push(cloud.emulator.inject({ host: LOGIN_SERVER, path: '/oauth2/exchange', delayMs: SLOW_MS, times: 1 }));
  const answers = Array.from({ length: 8 }, get);
  await waitForRequest('/oauth2/exchange');
  await logOut();
  const before = cloud.emulator.requests.length;
  for (const answer of await Promise.all(answers)) expectAnswer(answer);
  // The first gives up its token. Of the others, which began their sign-in after the logout, one signs in for all.
  const after = cloud.emulator.requests.slice(before).map(({ path }) => path);
  expect(after.filter((path) => path === '/oauth2/exchange')).toHaveLength(1);
  expect(tokens()).toHaveLength(2);
});

it('a renewal ends without a token', async () => {
  expectAnswer(await get());
  for (const name of tokens()) {
    const file = join(machine.folder, 'cache', 'tokens', name);
    const { stdout } = await machine.run('/bin/cat', [file], { printsSecret: true });
    const now = Math.floor(Date.now() / 1000);
    const aged = { ...parseJsonRecord(stdout), savedAtSeconds: now - 9000, expiresAtSeconds: now + 1800 };
    writeFileSync(file, JSON.stringify(aged));
  }
  cloud.forget();
  undo.push(cloud.emulator.inject({ host: LOGIN_SERVER, path: '/oauth2/exchange', delayMs: SLOW_MS, times: 1 }));
  const renewal = machine.helper('renew', '', { environment: { DOCKER_CREDENTIAL_RENEW: LOGIN_SERVER } });
  await waitForRequest('/oauth2/exchange');
  await logOut();
  expect(await renewal).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(tokens()).toEqual([]);
});

it('a renewal that begins after the logout does nothing', async () => {
  expectAnswer(await get());
  await logOut();
  cloud.forget();
  await machine.helper('renew', '', { environment: { DOCKER_CREDENTIAL_RENEW: LOGIN_SERVER } });
  expect(cloud.signIns()).toEqual([]);
  expect(tokens()).toEqual([]);
});

it('a logout of a server that is not Azure’s keeps the tokens, also of sign-ins under way', async () => {
  undo.push(cloud.emulator.inject({ host: LOGIN_SERVER, path: '/oauth2/exchange', delayMs: SLOW_MS, times: 1 }));
  const answer = get();
  await waitForRequest('/oauth2/exchange');
  await logOut('ghcr.io');
  expectAnswer(await answer);
  expect(tokens()).toHaveLength(2);
});

it('an absurd expiry does not keep a token longer than three hours', async () => {
  const token = makeToken({ exp: 9e12 });
  const payload = JSON.stringify({
    ServerURL: LOGIN_SERVER,
    Username: '00000000-0000-0000-0000-000000000000',
    Secret: token,
  });
  expect(await machine.helper('store', payload)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(expectAnswer(await get()).secret).toBe(token);
  const [name = ''] = tokens();
  const file = join(machine.folder, 'cache', 'tokens', name);
  const { stdout } = await machine.run('/bin/cat', [file], { printsSecret: true });
  const savedAtSeconds = Math.floor(Date.now() / 1000) - 3 * 3600 - 1;
  writeFileSync(file, JSON.stringify({ ...parseJsonRecord(stdout), savedAtSeconds }));
  expect(expectAnswer(await get()).secret).not.toBe(token);
});

it('store of a token that is too long for the cache fails clearly, and the login before it stays', async () => {
  const payloadOf = (length: number) =>
    JSON.stringify({
      ServerURL: LOGIN_SERVER,
      Username: '00000000-0000-0000-0000-000000000000',
      Secret: makeToken({ exp: Math.floor(Date.now() / 1000) + 3600, pad: 'x'.repeat(length) }),
    });
  expect((await machine.helper('store', payloadOf(10))).exitCode).toBe(0);
  const { exitCode, stdout } = await machine.helper('store', payloadOf(70_000));
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^Cannot store the credential for contoso\.azurecr\.io: the token is too long for the cache/);
  expect(tokens()).toHaveLength(1);
});
