/** The built program at its edge: unusual arguments, streams and environments. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { openCloud } from './world/test-cloud.ts';

const VERSION_LINE =
  /^docker-credential-acr \(docker-credential-acr\) v\d+\.\d+\.\d+(?:, commit [0-9a-f]{12}(?:-modified)?)?, Node \d+\.\d+\.\d+\n$/;

const cloud = await openCloud();
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
});

const helperPath = () => join(machine.folder, 'bin', 'docker-credential-acr');

describe('wrong usage', () => {
  it.each([
    [[], 'Usage: docker-credential-acr <store|get|erase|list|version>\n'],
    [['get', LOGIN_SERVER], 'Usage: docker-credential-acr <store|get|erase|list|version>\n'],
    [['fetch'], 'docker-credential-acr: unknown action: fetch\n'],
    [['--unknown'], 'docker-credential-acr: unknown action: --unknown\n'],
  ])('prints an error on stdout for the arguments %j', async (args, stdout) => {
    expect(await machine.run(helperPath(), args)).toEqual({ exitCode: 1, stdout, stderr: '' });
  });
});

describe('a standard output that takes nothing', () => {
  it.each([
    ['get', 'docker-credential-acr: error: Cannot write to standard output: ENOSPC\n'],
    ['list', 'docker-credential-acr: error: Cannot write to standard output: ENOSPC\n'],
    ['version', 'docker-credential-acr: error: Cannot write to standard output: ENOSPC\n'],
    ['status', 'error: Cannot write to standard output: ENOSPC\nhint: the disk is full: see df -h\n'],
    [`token ${LOGIN_SERVER}`, 'error: Cannot write to standard output: ENOSPC\nhint: the disk is full: see df -h\n'],
    ['config path', 'error: Cannot write to standard output: ENOSPC\nhint: the disk is full: see df -h\n'],
    ['--help', 'error: Cannot write to standard output: ENOSPC\nhint: the disk is full: see df -h\n'],
  ])('is a failure of %s', async (command, stderr) => {
    const line = `echo ${LOGIN_SERVER} | docker-credential-acr ${command} >/dev/full`;
    expect(await machine.run('/bin/sh', ['-c', line])).toEqual({ exitCode: 1, stdout: '', stderr });
  });

  it('is none when the reader has seen enough', async () => {
    const line = '{ docker-credential-acr --help; echo $? >&2; } | head -n 1';
    expect(await machine.run('/bin/sh', ['-c', line])).toMatchObject({ exitCode: 0, stderr: '0\n' });
  });
});

it.each(['version', '--version', '-v'])('%s prints the name and the version', async (word) => {
  const result = await machine.run(helperPath(), [word]);
  expect(result).toEqual({ exitCode: 0, stdout: expect.stringMatching(VERSION_LINE), stderr: '' });
});

it.each(['--help', '-h', 'help'])('%s prints the usage', async (word) => {
  const result = await machine.run(helperPath(), [word]);
  expect(result).toEqual({ exitCode: 0, stdout: expect.stringContaining('Usage: '), stderr: '' });
  expect(result.stdout).toContain('credHelpers');
});

it('get waits for a server URL that arrives late and in pieces', async () => {
  const child = spawnHelper('get');
  for (const piece of ['contoso', '.azurecr', '.io']) {
    child.stdin.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  child.stdin.end();
  const { exitCode, stdout } = await child.ended;
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ServerURL: LOGIN_SERVER });
});

it('version answers a client that leaves stdin open', async () => {
  const child = spawnHelper('version');
  const { exitCode, stdout, stderr } = await child.ended;
  child.stdin.destroy();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(VERSION_LINE);
});

// On a busy machine, a writer that does not run for a moment looks like one that has nothing more to say.
const PATIENT = { retry: 3 };

it.each(['version', 'list', 'erase', 'get', 'fetch'])(
  '%s reads even a large input to its end',
  PATIENT,
  async (verb) => {
    const child = spawnHelper(verb);
    const errors: Error[] = [];
    child.stdin.on('error', (error) => errors.push(error));
    child.stdin.end('x'.repeat(3_000_000));
    const { exitCode, stderr } = await child.ended;
    expect(errors).toEqual([]);
    expect({ exitCode, stderr }).toEqual({ exitCode: ['get', 'fetch'].includes(verb) ? 1 : 0, stderr: '' });
  },
);

it('get prints no error when nobody reads its answer', async () => {
  const child = spawnHelper('get');
  child.stdout.destroy();
  child.stdin.end(LOGIN_SERVER);
  const { stderr } = await child.ended;
  expect(stderr).toBe('');
});

it('get ignores planted files in the working directory and the variables of Node.js', async () => {
  const folder = join(machine.folder, 'project');
  mkdirSync(folder);
  writeFileSync(join(folder, '.env'), 'AZURE_CLIENT_SECRET=planted\n');
  writeFileSync(join(folder, 'planted.cjs'), 'console.log("planted");');
  writeFileSync(join(folder, 'az'), '#!/bin/sh\necho planted\n', { mode: 0o755 });
  const { exitCode, stdout, stderr } = await machine.helper('get', LOGIN_SERVER, {
    folder,
    environment: { NODE_OPTIONS: '--require ./planted.cjs', NODE_DEBUG: 'http,net,tls,stream', NODE_PATH: folder },
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ ServerURL: LOGIN_SERVER });
});

it.each(['http://someone:hidden-password@[broken', 'hidden-password'])(
  'version ignores the proxy that Node.js would use: %s',
  async (url) => {
    const environment = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: url, http_proxy: url };
    const { exitCode, stdout, stderr } = await machine.run(helperPath(), ['version'], { environment });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(VERSION_LINE);
  },
);

/** Starts the program with streams that the test drives itself. */
function spawnHelper(verb: string) {
  const child = spawn(helperPath(), [verb], { env: machine.environment, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode: Number(exitCode), stdout, stderr }));
  return { stdin: child.stdin, stdout: child.stdout, ended };
}
