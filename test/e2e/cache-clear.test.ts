/** The commands that examine and clear the cache, on the executable: while a crowd signs in, and without a leak. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { parseJsonRecord } from '../emulator/json.ts';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { openCloud } from './world/test-cloud.ts';

const SLOW_MS = 1_500;

const cloud = await openCloud();
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
});

const program = () => join(machine.folder, 'bin', 'docker-credential-acr');
const get = () => machine.helper('get', LOGIN_SERVER);

function names(folder: string): readonly string[] {
  const path = join(machine.folder, 'cache', folder);
  return existsSync(path) ? readdirSync(path) : [];
}

async function waitForRequest(path: string): Promise<void> {
  for (let tries = 0; !cloud.emulator.requests.some((request) => request.path.endsWith(path)); tries += 1) {
    if (tries > 2_000) throw new Error(`${path} was not requested`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('cache clear while eight sign in: all get an answer, nothing comes back, and no lock is taken away', async () => {
  const restore = cloud.emulator.inject({ host: LOGIN_SERVER, path: '/oauth2/exchange', delayMs: SLOW_MS, times: 1 });
  const answers = Array.from({ length: 8 }, get);
  await waitForRequest('/oauth2/exchange');
  const held = names('locks').filter((name) => /\.\d+$/.test(name));
  expect(held.length).toBeGreaterThan(0);
  const { exitCode, stdout } = await machine.run(program(), ['cache', 'clear', '--yes']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^Erased 1 Entra token/);
  expect(names('locks')).toEqual(expect.arrayContaining(held));
  const before = cloud.emulator.requests.length;
  for (const answer of await Promise.all(answers)) expectAnswer(answer);
  // The one that was signing in keeps nothing. Of the others, which began after the erasure, one signs in for all.
  const after = cloud.emulator.requests.slice(before).map(({ path }) => path);
  expect(after.filter((path) => path === '/oauth2/exchange')).toHaveLength(1);
  expect(names('tokens')).toHaveLength(2);
  restore();
});

it('cache clear while one signs in leaves no token', async () => {
  const restore = cloud.emulator.inject({ host: LOGIN_SERVER, path: '/oauth2/exchange', delayMs: SLOW_MS, times: 1 });
  const answer = get();
  await waitForRequest('/oauth2/exchange');
  await machine.run(program(), ['cache', 'clear', '--yes', '--json']);
  expectAnswer(await answer);
  expect(names('tokens')).toEqual([]);
  restore();
});

it('no command prints a token or a secret of the configuration, and all say the same as JSON', async () => {
  expectAnswer(await get());
  const login = { ServerURL: 'ghcr.io', Username: 'ada', Secret: 'the-password-of-ada' };
  const environment = {
    ...machine.configure({
      store: 'file',
      identities: { bad: { type: 'client-secret', clientSecret: 'the-password-of-ada' } },
      registries: { '*': { identity: 'the-password-of-ada' } },
    }),
    DOCKER_CREDENTIAL_ACR_DATA_DIR: join(machine.folder, 'data'),
  };
  await machine.run(program(), ['store'], { input: JSON.stringify(login), environment });
  writeFileSync(join(machine.folder, 'cache', 'tokens', `${LOGIN_SERVER}_0123456789abcd.json`), '{"token":"eyJ');
  const commands = [
    ['status'],
    ['status', LOGIN_SERVER],
    ['status', 'ghcr.io'],
    ['cache', 'list'],
    ['config', 'path'],
    ['config', 'show'],
    ['config', 'show', LOGIN_SERVER],
    ['config', 'validate'],
    ['cache', 'clear', LOGIN_SERVER],
    ['cache', 'clear', '--yes'],
  ];
  for (const args of commands) {
    const [text, json] = await Promise.all([
      machine.run(program(), args, { environment }),
      machine.run(program(), [...args, '--json'], { environment }),
    ]);
    const name = args.join(' ');
    for (const { stdout, stderr } of [text, json]) {
      expect(`${stdout}${stderr}`, name).not.toMatch(/the-password-of-ada|eyJ/);
    }
    expect(json.exitCode, name).toBe(text.exitCode);
    if (json.stdout !== '') expect(parseJsonRecord(json.stdout), name).toBeDefined();
  }
});
