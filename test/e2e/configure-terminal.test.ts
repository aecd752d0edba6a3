/** `configure` at a terminal: what it shows, what it asks, and a list to choose from. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, type TestContext } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { needParts } from './world/parts.ts';
import { startTerminal, type TestTerminal } from './world/terminal.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const SECRET = 'eDp5';
const CONFIG = `{\n\t"auths": {\n\t\t"${LOGIN_SERVER}": {\n\t\t\t"auth": "${SECRET}"\n\t\t}\n\t}\n}`;
const open: TestTerminal[] = [];
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
  writeFileSync(machine.dockerConfigFile, CONFIG);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((terminal) => terminal.close()));
});

async function runAt(context: TestContext, ...args: readonly string[]): Promise<TestTerminal> {
  needParts(context, 'tmux');
  const command = [join(machine.folder, 'bin', 'docker-credential-acr'), ...args];
  const terminal = await startTerminal({ command, environment: machine.environment });
  open.push(terminal);
  return terminal;
}

const config = () => readFileSync(machine.dockerConfigFile, 'utf8');

it('shows the difference without secrets, asks, and writes after a yes', async (context) => {
  const terminal = await runAt(context, 'configure', LOGIN_SERVER);
  const screen = await terminal.waitFor(/Write this\?/);
  expect(screen).toContain(
    `+\t\t"${LOGIN_SERVER}": "acr"`.replaceAll('\t', '        ').replace('+        ', '+       '),
  );
  expect(screen).toContain('"auth": "***"');
  expect(screen).not.toContain(SECRET);
  expect(config()).toBe(CONFIG);
  await terminal.press('Enter');
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen()).toContain(`Configured ${LOGIN_SERVER} in ${machine.dockerConfigFile} (docker)`);
  expect(config()).toContain(`"${LOGIN_SERVER}": "acr"`);
});

it.for(['n', 'Enter', 'C-c', 'C-d', 'Escape'])('writes nothing after %s', async (key, context) => {
  const terminal = await runAt(context, 'configure', LOGIN_SERVER, '--clear-auths');
  await terminal.waitFor(new RegExp(`Write this, and remove the password of ${LOGIN_SERVER} for good\\?`));
  await terminal.press(key);
  if (key === 'n') await terminal.press('Enter');
  expect(await terminal.exitCode()).toBe(130);
  expect(await terminal.screen()).toMatch(/^Cancelled\.$/m);
  expect(config()).toBe(CONFIG);
});

it('offers the registries of the account in a list that is searched by typing', async (context) => {
  const hosts = ['alpha1.azurecr.io', 'bravo1.azurecr.io', 'charlie1.azurecr.io', 'bravo2.azurecr.io'];
  for (const host of hosts) registryOf(cloud.emulator.state, host);
  const terminal = await runAt(context, 'configure');
  await terminal.waitFor(/charlie1\.azurecr\.io/);
  await terminal.type('bravo');
  await terminal.waitFor(/bravo2\.azurecr\.io/);
  await expect.poll(() => terminal.screen()).not.toContain('charlie1');
  await terminal.press('Tab');
  await terminal.press('Down');
  await terminal.press('Tab');
  await terminal.press('Enter');
  await terminal.waitFor(/Write this\?/);
  await terminal.press('Enter');
  expect(await terminal.exitCode()).toBe(0);
  const { credHelpers } = JSON.parse(config());
  expect(credHelpers).toEqual({ 'bravo1.azurecr.io': 'acr', 'bravo2.azurecr.io': 'acr' });
});

it('unconfigure offers what is configured', async (context) => {
  writeFileSync(machine.dockerConfigFile, `{"credHelpers":{"${LOGIN_SERVER}":"acr","ghcr.io":"desktop"}}`);
  const terminal = await runAt(context, 'unconfigure');
  expect(await terminal.waitFor(/Which registries\?/)).not.toContain('ghcr.io');
  await terminal.press('Tab');
  await terminal.press('Enter');
  await terminal.waitFor(/Write this\?/);
  await terminal.press('Enter');
  expect(await terminal.exitCode()).toBe(0);
  expect(config()).toBe('{"credHelpers":{"ghcr.io":"desktop"}}');
  expect(existsSync(machine.dockerConfigFile)).toBe(true);
});
