/** `config edit` in a real terminal, with real editors: what is saved, and what is not. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, type TestContext } from 'vitest';
import { parseJsonRecord } from '../emulator/json.ts';
import type { Machine } from './world/machine.ts';
import { findPart, needParts } from './world/parts.ts';
import { startTerminal, type TestTerminal } from './world/terminal.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const open: TestTerminal[] = [];
let machine: Machine;
let file = '';

beforeEach(() => {
  machine = cloud.addMachine();
  file = join(machine.folder, 'home', '.config', 'docker-credential-acr', 'config.json');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((terminal) => terminal.close()));
});

/** Opens the configuration in an editor. */
async function edit(context: TestContext, editor: string, args: readonly string[] = []): Promise<TestTerminal> {
  needParts(context, 'tmux');
  const command = [join(machine.folder, 'bin', 'docker-credential-acr'), 'config', 'edit', ...args];
  const terminal = await startTerminal({
    command,
    environment: { ...machine.environment, VISUAL: editor },
    columns: 300,
  });
  open.push(terminal);
  return terminal;
}

/** An editor that runs these lines of sh, with the copy as `$1`. */
function writeEditor(...lines: readonly string[]): string {
  const path = join(machine.folder, 'bin', 'my-editor');
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`);
  chmodSync(path, 0o700);
  return 'my-editor';
}

function writeConfig(text: string, mode = 0o600): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

it('creates the file, owner-only, with its schema beside it', async (context) => {
  const terminal = await edit(context, `sed -i 's/"registries": {}/"strict": true/'`);
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen()).toContain('Created ');
  expect(parseJsonRecord(readFileSync(file, 'utf8'))).toEqual({ $schema: './config.schema.json', strict: true });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const schema = parseJsonRecord(readFileSync(join(dirname(file), 'config.schema.json'), 'utf8'));
  expect(schema?.['title']).toBe('docker-credential-acr configuration');
});

it('keeps the mode and a link to another folder, and gives the editor no secret', async (context) => {
  const real = join(machine.folder, 'home', 'dotfiles.json');
  writeFileSync(real, '{"strict": false}\n');
  chmodSync(real, 0o644);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  symlinkSync(real, file);
  const environment = join(machine.folder, 'environment');
  const editor = writeEditor(`env > ${environment}`, 'sed -i s/false/true/ "$1"');
  const terminal = await edit(context, editor);
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen()).toContain('Saved ');
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, 'utf8')).toBe('{"strict": true}\n');
  expect(statSync(real).mode & 0o777).toBe(0o644);
  const variables = readFileSync(environment, 'utf8');
  expect(variables).toContain('HOME=');
  expect(variables).not.toContain('AZURE_CLIENT_SECRET');
});

it('creates the file that a link leads to, and keeps the link', async (context) => {
  const real = join(machine.folder, 'home', 'dotfiles', 'acr.json');
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  symlinkSync('../../dotfiles/acr.json', file);
  const terminal = await edit(context, `sed -i 's/"registries": {}/"strict": true/'`);
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen()).toContain('Created ');
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, 'utf8')).toContain('"strict": true');
  expect(statSync(real).mode & 0o777).toBe(0o600);
});

it.for(['C-c', 'C-d'])('names the copy after %s', async (key, context) => {
  writeConfig('{"strict": false}\n');
  const terminal = await edit(context, 'sed -i s/strict/strictt/');
  await terminal.waitFor(/Edit it again\?/);
  await terminal.press(key);
  expect(await terminal.exitCode()).toBe(130);
  const copy = /^Your changes are in (\S+config\.json)$/m.exec(await terminal.screen())?.[1] ?? '';
  expect(readFileSync(copy, 'utf8')).toBe('{"strictt": false}\n');
  expect(readFileSync(file, 'utf8')).toBe('{"strict": false}\n');
});

it('shows the mistakes and edits again, until there are none', async (context) => {
  writeConfig('{"strict": false}\n');
  const editor = writeEditor(
    'if grep -q strictt "$1"; then sed -i s/strictt/strict/ "$1"',
    'else sed -i s/strict/strictt/ "$1"; fi',
  );
  const terminal = await edit(context, editor);
  const screen = await terminal.waitFor(/Edit it again\?/);
  expect(screen).toMatch(/config\.json:1:2: error: unknown key "strictt"/);
  expect(screen).toContain(' ^~~~~~~~~\n');
  await terminal.press('Enter');
  expect(await terminal.exitCode()).toBe(0);
  expect(await terminal.screen()).toContain('Nothing was changed');
  expect(readFileSync(file, 'utf8')).toBe('{"strict": false}\n');
});

it('refuses what has mistakes, and keeps the copy and names it', async (context) => {
  writeConfig('{"strict": false}\n');
  const terminal = await edit(context, 'sed -i s/strict/strictt/');
  await terminal.waitFor(/Edit it again\?/);
  await terminal.type('n');
  expect(await terminal.exitCode()).toBe(1);
  const screen = await terminal.screen();
  expect(screen).toContain('it has mistakes');
  const copy = /hint: your changes are in (\S+config\.json)/.exec(screen)?.[1] ?? '';
  expect(copy.startsWith(join(machine.folder, 'tmp'))).toBe(true);
  expect(readFileSync(copy, 'utf8')).toBe('{"strictt": false}\n');
  expect(readFileSync(file, 'utf8')).toBe('{"strict": false}\n');
});

it.for([
  ['an editor that fails', 'exit 3', /my-editor failed with exit code 3/],
  ['an editor that removes the copy', 'rm "$1"', /the editor has removed the copy/],
  [
    'a file that somebody else changes',
    'sed -i s/false/true/ "$1"; echo "{}" > "$FILE"',
    /somebody else has changed it/,
  ],
] as const)('%s changes nothing', async ([, line, why], context) => {
  writeConfig('{"strict": false}\n');
  const terminal = await edit(context, writeEditor(`FILE='${file}'`, line));
  expect(await terminal.exitCode()).toBe(1);
  expect(await terminal.screen()).toMatch(why);
  expect(readFileSync(file, 'utf8')).not.toContain('true');
  const copies = readdirSync(join(machine.folder, 'tmp')).filter((name) => name.startsWith('docker-credential-acr-'));
  expect(copies).toHaveLength(line.includes('sed') ? 1 : 0);
});

it('works with vi, in which Ctrl-C is a key like any other', async (context) => {
  const vi = ['vim.tiny', 'vim', 'nvi', 'vi'].find(
    (name) => findPart(name) !== undefined || existsSync(`/usr/bin/${name}`),
  );
  if (vi === undefined) context.skip('there is no vi');
  writeConfig('{\n  "strict": false\n}\n');
  const terminal = await edit(context, 'unused', ['--editor', `${vi} -n`]);
  await terminal.waitFor(/"strict": false/);
  await terminal.press('C-c');
  await terminal.type(':%s/false/true/');
  await terminal.press('Enter');
  await terminal.waitFor(/"strict": true/);
  await terminal.type(':wq');
  await terminal.press('Enter');
  expect(await terminal.exitCode()).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe('{\n  "strict": true\n}\n');
});
