/** `doctor` of the built program, with a real registry behind the emulated Azure. */
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { asJsonObject, parseJsonObject } from '../../src/json.ts';
import { CLIENT_ID } from '../emulator/emulator.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import type { RunResult } from './world/process.ts';
import { startTerminal, type TestTerminal } from './world/terminal.ts';
import { openCloud } from './world/test-cloud.ts';

const TARGET = `${LOGIN_SERVER}/team/app`;
const ESCAPE = '\u001B[';
/** Only the program itself is on PATH: no client and no keychain of this machine. */
const pathOf = (machine: Machine) => join(machine.folder, 'bin');

const cloud = await openCloud();
const open: TestTerminal[] = [];
beforeAll(() => cloud.seed('team/app', '1'));
afterEach(async () => {
  await Promise.all(open.splice(0).map((terminal) => terminal.close()));
});

function diagnose(machine: Machine, ...args: readonly string[]): Promise<RunResult> {
  return machine.run(join(machine.folder, 'bin', 'docker-credential-acr'), ['doctor', ...args], {
    environment: { PATH: pathOf(machine) },
  });
}

/** A machine whose secret is wrong, and whose clients do not know about the registry. */
function addBroken(changes: MachineOptions = {}): Machine {
  return cloud.addMachine({ identity: 'wrong secret', credHelpers: [], ...changes });
}

describe('doctor', () => {
  it('finds no problem on a machine that works, and stores nothing', async () => {
    const machine = cloud.addMachine();
    const { exitCode, stdout, stderr } = await diagnose(machine, `${TARGET}:1`);
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^✓ executable +\S+docker-credential-acr is this program, version /);
    expect(stdout).toContain(`docker asks this program for ${LOGIN_SERVER}`);
    expect(stdout).toContain(`client-secret signed in as ${CLIENT_ID}`);
    expect(stdout).toContain('✓ permissions           pull: team/app may be pulled\n');
    expect(stdout).toMatch(/push: team\/app may be pushed to\n/);
    expect(stdout).toMatch(/\n\nNo problem found\.\n$/);
    expect(stdout).not.toContain('\u001b');
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(existsSync(join(machine.folder, 'cache'))).toBe(false);
  });

  it('says what to mend first on a machine that does not work', async () => {
    const { exitCode, stdout, stderr } = await diagnose(addBroken(), TARGET);
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 1, stderr: '' });
    const end = stdout.slice(stdout.lastIndexOf('\n\n'));
    expect(end).toContain(`2 problems. Fix this first: docker does not ask this program for ${LOGIN_SERVER}`);
    expect(end).toMatch(new RegExp(`\\n {2}docker-credential-acr configure ${LOGIN_SERVER}\\n$`));
    expect(stdout).toContain('client-secret: the client secret is wrong (AADSTS7000215)');
  });

  it('finds the cached token of a registry that has changed its mode', async () => {
    const machine = cloud.addMachine();
    await machine.helper('get', LOGIN_SERVER);
    const registry = cloud.emulator.state.registries.get(LOGIN_SERVER);
    if (registry === undefined) throw new Error('the registry was asked');
    registry.epoch += 1;
    const { exitCode, stdout } = await diagnose(machine, TARGET);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      `✗                       get returns a cached token, but ${LOGIN_SERVER} no longer accepts`,
    );
    expect(stdout).toContain(`fix: docker logout ${LOGIN_SERVER}`);
  });

  it('without a registry, asks nobody', async () => {
    const { exitCode, stdout } = await diagnose(cloud.addMachine());
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toContain(`${LOGIN_SERVER}: docker`);
    expect(stdout).toContain('set up, in this order: client-secret');
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('finds another program under its name', async () => {
    const machine = cloud.addMachine();
    const other = join(machine.folder, 'home', 'docker-credential-acr');
    writeFileSync(other, '#!/bin/sh\necho "docker-credential-acr (github.com/somebody/else) v1.0.0"\n', {
      mode: 0o755,
    });
    const path = `${join(machine.folder, 'home')}:${pathOf(machine)}`;
    const program = join(machine.folder, 'bin', 'docker-credential-acr');
    const { exitCode, stdout } = await machine.run(program, ['doctor'], { environment: { PATH: path } });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`✗ executable            clients start ${other}, which is another program of this name`);
  });

  it('--json writes one object with the results and the codes of az', async () => {
    const [healthy, broken] = await Promise.all([
      diagnose(cloud.addMachine(), TARGET, '--json'),
      diagnose(addBroken(), '--json', TARGET),
    ]);
    expect([healthy.exitCode, broken.exitCode]).toEqual([0, 1]);
    expect(parseJsonObject(healthy.stdout)).toMatchObject({ host: LOGIN_SERVER, repository: 'team/app', ok: true });
    const { ok, mendFirst, results } = parseJsonObject(broken.stdout) ?? {};
    expect(ok).toBe(false);
    expect(asJsonObject(mendFirst)).toMatchObject({ check: 'client-configuration' });
    const list: unknown[] = Array.isArray(results) ? results : [];
    expect(list).toContainEqual(
      expect.objectContaining({ check: 'token', status: 'problem', code: 'CONNECTIVITY_AAD_LOGIN_ERROR' }),
    );
  });

  it('--report writes a text for the public', async () => {
    const { exitCode, stdout } = await diagnose(addBroken(), TARGET, '--report');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^docker-credential-acr doctor, version \S+ \(linux \w+, Node [\d.]+\)\n\n```text\n/);
    for (const name of ['contoso', 'team/app', CLIENT_ID, 'onmicrosoft.com']) expect(stdout).not.toContain(name);
    expect(stdout).toContain('AADSTS7000215');
  });

  it.each([
    [['--json', '--report'], 'error: --json and --report exclude each other\nhint: choose one of them\n'],
    [['two words'], 'error: this is not the name of a registry\nhint: docker-credential-acr doctor myregistry'],
  ])('refuses the arguments %j', async (args, text) => {
    const { exitCode, stdout, stderr } = await diagnose(cloud.addMachine(), ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(text);
  });
});

/** Runs the program in a terminal of the machine, which needs `sleep` to stay open. */
async function startAt(machine: Machine, variables: Readonly<Record<string, string>> = {}): Promise<TestTerminal> {
  symlinkSync(partOf('sleep'), join(pathOf(machine), 'sleep'));
  const terminal = await startTerminal({
    command: [join(machine.folder, 'bin', 'docker-credential-acr'), 'doctor', TARGET],
    environment: { ...machine.environment, PATH: pathOf(machine), ...variables },
    columns: 160,
    rows: 60,
  });
  open.push(terminal);
  return terminal;
}

describe('at a terminal', () => {
  it('has colours, and with NO_COLOR none', async (context) => {
    needParts(context, 'tmux');
    const start = async (machine: Machine, variables: Readonly<Record<string, string>>) => {
      const terminal = await startAt(machine, variables);
      return { exitCode: await terminal.exitCode(), screen: await terminal.screen(), styled: await terminal.styled() };
    };
    const [coloured, plain] = await Promise.all([start(addBroken(), {}), start(cloud.addMachine(), { NO_COLOR: '1' })]);
    expect(coloured.exitCode).toBe(1);
    expect(coloured.styled).toContain(`${ESCAPE}31m✗`);
    expect(coloured.styled).toContain(`${ESCAPE}32m✓`);
    expect(coloured.screen).toContain('Fix this first: docker does not ask');
    expect(plain.exitCode).toBe(0);
    expect(plain.styled).toBe(plain.screen);
    expect(plain.screen).toContain('No problem found.');
  });

  it('shows what is being done when it takes long', async (context) => {
    needParts(context, 'tmux');
    const machine = cloud.addMachine();
    const resume = cloud.emulator.inject({ host: LOGIN_SERVER, path: '/v2/', delayMs: 2_500, times: 1 });
    const terminal = await startAt(machine);
    await terminal.waitFor(/Connecting to the registry$/m);
    expect(await terminal.screen()).toMatch(/✓ executable/);
    expect(await terminal.exitCode()).toBe(0);
    resume();
    expect(await terminal.screen()).not.toContain('Connecting to the registry');
  });
});
