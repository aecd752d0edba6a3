/** The built program at a terminal: what it says to a person, and in which colours. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { needParts } from './world/parts.ts';
import { startTerminal, type TestTerminal } from './world/terminal.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const open: TestTerminal[] = [];
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((terminal) => terminal.close()));
});

/** Runs the program in a terminal of the machine. */
async function runAt(
  context: TestContext,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<TestTerminal> {
  needParts(context, 'tmux');
  const command = [join(machine.folder, 'bin', 'docker-credential-acr'), ...args];
  const terminal = await startTerminal({ command, environment: { ...machine.environment, ...environment }, rows: 80 });
  open.push(terminal);
  return terminal;
}

const ESCAPE = '\u001B[';

describe('at a terminal', () => {
  it('the program without arguments shows its help', async (context) => {
    const terminal = await runAt(context, []);
    expect(await terminal.exitCode()).toBe(0);
    expect(await terminal.screen()).toContain('Usage: docker-credential-acr <command>');
  });

  it('the help has colours', async (context) => {
    const terminal = await runAt(context, ['--help']);
    expect(await terminal.exitCode()).toBe(0);
    expect(await terminal.styled()).toContain(`${ESCAPE}1mUsage:`);
  });

  it.for([
    ['NO_COLOR', '1'],
    ['TERM', 'dumb'],
  ] as const)('the help has no colours with %s=%s', async ([name, value], context) => {
    const terminal = await runAt(context, ['--help'], { [name]: value });
    expect(await terminal.exitCode()).toBe(0);
    expect(await terminal.styled()).toBe(await terminal.screen());
    expect(await terminal.screen()).toContain('Usage:');
  });

  it('get says what it waits for, reads one line, and tells why there is no credential', async (context) => {
    const terminal = await runAt(context, ['get']);
    await terminal.waitFor(/^Waiting for a registry, such as myregistry\.azurecr\.io, and Enter\./);
    await terminal.type(LOGIN_SERVER);
    await terminal.press('Enter');
    expect(await terminal.exitCode()).toBe(1);
    expect(await terminal.screen()).toContain('credentials not found in native keychain');
  });

  it.for([
    ['hlp', [], 'docker-credential-acr: unknown action: hlp\nhint: did you mean "help"?'],
    [
      'get',
      [LOGIN_SERVER],
      `Usage: docker-credential-acr <store|get|erase|list|version>\nhint: docker-credential-acr token ${LOGIN_SERVER}`,
    ],
  ] as const)('%s with the arguments %j gets a hint below the error', async ([word, rest, screen], context) => {
    const terminal = await runAt(context, [word, ...rest]);
    expect(await terminal.exitCode()).toBe(1);
    expect(await terminal.screen()).toBe(screen);
    expect(await terminal.styled()).toContain(`${ESCAPE}36mhint:`);
  });

  it('get ends at Ctrl-C', async (context) => {
    const terminal = await runAt(context, ['get']);
    await terminal.waitFor(/Waiting for a registry/);
    await terminal.press('C-c');
    expect(await terminal.exitCode()).toBe(130);
  });
});

describe('the terminal of the tests', () => {
  it('gives a program exactly its variables, and TERM', async (context) => {
    needParts(context, 'tmux');
    const environment = { PATH: '/usr/bin:/bin', SHELL: '/bin/none', WITH: 'a;b; "c" $d;' };
    const terminal = await startTerminal({ command: ['/usr/bin/env'], environment });
    open.push(terminal);
    expect(await terminal.exitCode()).toBe(0);
    const lines = (await terminal.screen()).split('\n').toSorted();
    expect(lines).toEqual(['PATH=/usr/bin:/bin', 'SHELL=/bin/none', 'TERM=tmux-256color', 'WITH=a;b; "c" $d;']);
  });

  it('types any text, has the wanted size, and tells how the program ended', async (context) => {
    needParts(context, 'tmux');
    const script = 'stty size; IFS= read -r line; printf "<%s>\\n" "$line" "$1"; exit 7';
    const command = ['/bin/sh', '-c', script, 'sh', 'an argument;'];
    const environment = { PATH: '/usr/bin:/bin' };
    const terminal = await startTerminal({ command, environment, columns: 70, rows: 12 });
    open.push(terminal);
    await terminal.waitFor(/^12 70$/m);
    await terminal.type("-l é \\ 'x' Enter;");
    await terminal.press('Enter');
    expect(await terminal.exitCode()).toBe(7);
    expect(await terminal.screen()).toContain("\n<-l é \\ 'x' Enter;>\n<an argument;>");
  });

  it('shows the screen in its error when what a test waits for does not come', async (context) => {
    needParts(context, 'tmux');
    const environment = { PATH: '/usr/bin:/bin' };
    const terminal = await startTerminal({ command: ['/bin/sh', '-c', 'echo shown; exec sleep 60'], environment });
    open.push(terminal);
    await terminal.waitFor(/shown/);
    await expect(terminal.waitFor(/never/, 100)).rejects.toThrow(/\/never\/ within 100 ms[\s\S]*shown/);
    await expect(terminal.exitCode(100)).rejects.toThrow(/exit code within 100 ms[\s\S]*shown/);
  });
});
