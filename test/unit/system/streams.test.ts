/** The standard streams of the program, run as clients run it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { parseJsonObject } from '../../../src/json.ts';
import { runNode } from '../child.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

// Processes and sockets are slow on a machine that is busy with other suites.
vi.setConfig({ testTimeout: 20_000 });

const folder = useTemporaryFolder();
const MAIN = `${import.meta.dirname}/../../../src/main.ts`;
const NOT_FOUND = 'credentials not found in native keychain\n';
const VERSION = /^docker-credential-acr \(docker-credential-acr\) v\d+\.\d+\.\d+, Node \d+\.\d+\.\d+\n$/;

const environment = () => ({ HOME: folder.path(), PATH: '/usr/bin:/bin' });

describe('an input that is longer than a pipe holds', () => {
  // More than a pipe holds, so that writing it waits for a reader.
  const long = `docker.io${' '.repeat(3 * 1024 * 1024)}\n`;
  const rows: readonly (readonly [args: readonly string[], exitCode: number, stdout: RegExp])[] = [
    [['get'], 1, /^credentials not found in native keychain\n$/],
    [['erase'], 0, /^$/],
    [['list'], 0, /^\{\}\n$/],
    [['version'], 0, VERSION],
    [[], 1, /^Usage: /],
    [['unknown'], 1, /unknown action: unknown\n$/],
  ];
  for (const [args, exitCode, stdout] of rows) {
    // On a busy machine, a writer that does not run for a moment looks like one that has nothing more to say.
    test(`is read to its end with the arguments ${JSON.stringify(args)}`, { retry: 3 }, async () => {
      const ended = await runNode([MAIN, ...args], { env: environment(), input: long });
      expect(ended.stderr).toBe('');
      expect(ended.exitCode).toBe(exitCode);
      expect(ended.stdout).toMatch(stdout);
    });
  }
});

test('list and version do not wait for an input that stays open and silent', async () => {
  for (const verb of ['list', 'version']) {
    const ended = await runNode([MAIN, verb], { env: environment(), input: { open: true } });
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  }
});

describe('get reads a server URL that is cut within a letter', () => {
  const SERVER = `${'ÿ'.repeat(40)}.example.com`;

  /** Stores a login for the server, so that `get` echoes the URL. */
  async function storeLogin(): Promise<void> {
    mkdirSync(folder.path('.config', 'docker-credential-acr'), { recursive: true });
    writeFileSync(folder.path('.config', 'docker-credential-acr', 'config.json'), '{"store":"file"}');
    const input = JSON.stringify({ ServerURL: SERVER, Username: 'ünal', Secret: 'pässword' });
    expect(await runNode([MAIN, 'store'], { env: environment(), input })).toMatchObject({ exitCode: 0, stdout: '' });
  }

  /** Starts `get`; `output` is what it has written when it ends. */
  function startGet(input: 'pipe' | number) {
    const child = spawn(process.execPath, [MAIN, 'get'], { env: environment(), stdio: [input, 'pipe', 'inherit'] });
    const texts: string[] = [];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => texts.push(text));
    return { child, output: once(child, 'close').then(() => texts.join('')) };
  }
  const credential = `${JSON.stringify({ ServerURL: SERVER, Username: 'ünal', Secret: 'pässword' })}\n`;

  test('since it arrives byte by byte', async () => {
    await storeLogin();
    const { child, output } = startGet('pipe');
    for (const byte of Buffer.from(`${SERVER}\n`)) {
      await new Promise((resolve) => child.stdin?.write(Buffer.from([byte]), resolve));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.stdin?.end();
    expect(await output).toBe(credential);
  });

  test('since a block of the input ends there', async () => {
    await storeLogin();
    // Spaces before the URL count for nothing.
    writeFileSync(folder.path('input'), `${' '.repeat(64 * 1024 - 1)}${SERVER}\n`);
    const input = openSync(folder.path('input'), 'r');
    expect(await startGet(input).output).toBe(credential);
    closeSync(input);
  });
});

describe('version', () => {
  const rows: readonly (readonly [name: string, input: () => number | 'ignore'])[] = [
    ['/dev/null', () => 'ignore'],
    ['a file', () => openSync(`${import.meta.dirname}/../temporary-folder.ts`, 'r')],
    ['a folder', () => openSync(import.meta.dirname, 'r')],
  ];
  for (const [name, input] of rows) {
    test(`succeeds with ${name} as its input`, async () => {
      const stdin = input();
      const child = spawn(process.execPath, [MAIN, 'version'], { env: environment(), stdio: [stdin, 'pipe', 'pipe'] });
      const output: string[] = [];
      child.stdout?.setEncoding('utf8').on('data', (text: string) => output.push(text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => output.push(text));
      const exitCode = await new Promise((resolve) => child.once('close', resolve));
      if (typeof stdin === 'number') closeSync(stdin);
      expect(exitCode).toBe(0);
      expect(output.join('')).toMatch(VERSION);
    });
  }
});

test('help succeeds when its reader has closed the output', async () => {
  const child = spawn(process.execPath, [MAIN, 'help'], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stdout.destroy();
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  expect(errors).toEqual([]);
});

describe('a non-blocking pipe, as some clients make them,', () => {
  const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

  /** Runs a verb with that pipe as one of its streams, by a shell, since Node itself would make the pipe blocking. */
  const start = (verb: string, redirection: string, descriptor: number) =>
    spawn('/bin/sh', ['-c', `exec "$0" "$1" ${verb} ${redirection}`, process.execPath, MAIN], {
      env: { ...environment(), DOCKER_CONFIG: folder.path() },
      stdio: ['ignore', 'pipe', 'inherit', descriptor],
    });

  test('is read to its end even when it is empty at first', async () => {
    makeNamedPipe(folder.path('pipe'));
    const reading = openSync(folder.path('pipe'), O_RDONLY | O_NONBLOCK);
    const writing = openSync(folder.path('pipe'), O_WRONLY);
    const child = start('get', '<&3', reading);
    const output: string[] = [];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => output.push(text));
    for (const part of ['docker', '.io', '\n']) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      writeSync(writing, part);
    }
    closeSync(writing);
    await new Promise((resolve) => child.once('close', resolve));
    closeSync(reading);
    expect(output.join('')).toBe(NOT_FOUND);
  });

  test('receives the whole output even when it is full at first', async () => {
    const hosts = Array.from({ length: 3000 }, (_, index) => `registry${index}.azurecr.io`);
    const credHelpers = Object.fromEntries(hosts.map((host) => [host, 'acr']));
    writeFileSync(folder.path('config.json'), JSON.stringify({ credHelpers }));
    makeNamedPipe(folder.path('pipe'));
    const reading = openSync(folder.path('pipe'), O_RDONLY | O_NONBLOCK);
    const writing = openSync(folder.path('pipe'), O_WRONLY | O_NONBLOCK);
    const child = start('list', '>&3', writing);
    const ended = new Promise((resolve) => child.once('close', resolve));
    // Nobody reads yet, so the pipe is full once it takes no more of a character that no output has.
    const probe = '\0';
    while (takes(writing, probe) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(child.exitCode).toBeNull();
    closeSync(writing);
    const output: string[] = [];
    const waiting = openSync(folder.path('pipe'), O_RDONLY);
    const reader = spawn('/bin/cat', [], { stdio: [waiting, 'pipe', 'inherit'] });
    reader.stdout?.setEncoding('utf8').on('data', (text: string) => output.push(text));
    // Either may end first.
    const read = new Promise((resolve) => reader.once('close', resolve));
    expect(await ended).toBe(0);
    await read;
    closeSync(waiting);
    closeSync(reading);
    expect(Object.keys(parseJsonObject(output.join('').replaceAll(probe, '')) ?? {})).toEqual(hosts);
  });
});

/** Whether a non-blocking pipe has room for a text. */
function takes(descriptor: number, text: string): boolean {
  try {
    return writeSync(descriptor, text) > 0;
  } catch {
    return false;
  }
}
