/** Variables and signals that make Node, OpenSSL or ICU load, write or open something: the executable does not obey. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine, MachineRunOptions } from './world/machine.ts';
import { findPart } from './world/parts.ts';
import type { RunResult } from './world/process.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
let machine: Machine;
/** The working directory of the program: a checkout that someone else wrote. */
let checkout: string;

beforeEach(() => {
  machine = cloud.addMachine();
  checkout = join(machine.folder, 'checkout');
  mkdirSync(join(checkout, 'icudt78l'), { recursive: true });
  const files = ['ca.pem', 'module.so', 'legacy.so', 'icudt78l/zoneinfo64.res', 'zoneinfo64.res', 'node.config.json'];
  for (const name of files) writeFileSync(join(checkout, name), 'not what it should be');
  writeFileSync(join(checkout, 'module.js'), 'require("node:fs").writeFileSync("ran", ""); process.exit(3);');
  writeFileSync(join(checkout, '.env'), 'NODE_OPTIONS=--require=./module.js');
  writeFileSync(join(checkout, 'module.cnf'), loadModule('./module.so'));
  writeFileSync(join(checkout, 'absolute.cnf'), loadModule(join(checkout, 'module.so')));
  writeFileSync(join(checkout, 'broken.cnf'), 'no equals sign');
});

/** An OpenSSL configuration that loads native code. Node reads the section `nodejs_conf`, others `openssl_conf`. */
function loadModule(file: string): string {
  return `nodejs_conf = start
openssl_conf = start
[start]
providers = providers
engines = engines
[providers]
legacy = provider
[provider]
module = ${file}
activate = 1
[engines]
one = engine
[engine]
dynamic_path = ${file}
init = 1
`;
}

const helperPath = () => join(machine.folder, 'bin', 'docker-credential-acr');

/** The calls of a run that name a file of the working directory, where strace is installed. */
async function watch(environment: MachineRunOptions['environment']): Promise<RunResult & { touched: string[] }> {
  const options = { environment: { ...environment }, folder: checkout, input: LOGIN_SERVER, printsSecret: true };
  const strace = findPart('strace');
  if (strace === undefined) return { ...(await machine.run(helperPath(), ['get'], options)), touched: [] };
  const trace = join(machine.folder, 'trace');
  const args = ['-f', '-qq', '-s', '4096', '-o', trace, '-e', 'trace=%file', helperPath(), 'get'];
  const result = await machine.run(strace, args, options);
  const calls = readFileSync(trace, 'utf8').split('\n');
  const touched = calls.filter((call) => {
    const path = /^\d+ +(?!getcwd|execve)\w+\((?:AT_FDCWD, )?"([^"]+)"/.exec(call)?.[1];
    return path !== undefined && (!path.startsWith('/') || path.startsWith(checkout));
  });
  return { ...result, touched };
}

const VARIABLES: readonly (readonly [name: string, value: string])[] = [
  ['OPENSSL_CONF', 'module.cnf'],
  ['OPENSSL_CONF', './broken.cnf'],
  ['OPENSSL_CONF', 'CHECKOUT/absolute.cnf'],
  ['OPENSSL_CONF', 'CHECKOUT/broken.cnf'],
  ['OPENSSL_CONF_INCLUDE', '.'],
  ['OPENSSL_MODULES', '.'],
  ['OPENSSL_MODULES', 'CHECKOUT'],
  ['OPENSSL_ENGINES', '.'],
  ['NODE_OPTIONS', '--require=./module.js'],
  ['NODE_OPTIONS', '--openssl-config=./broken.cnf --openssl-shared-config'],
  ['NODE_OPTIONS', '--env-file=.env --experimental-default-config-file'],
  ['NODE_PATH', '.'],
  ['NODE_REDIRECT_WARNINGS', 'warnings'],
  ['NODE_PENDING_DEPRECATION', '1'],
  ['NODE_DEBUG', 'tls,http'],
  ['NODE_ICU_DATA', '.'],
  ['NODE_ICU_DATA', 'CHECKOUT'],
  ['NODE_REPL_HISTORY', 'history'],
  ['NODE_UNIQUE_ID', '1'],
  ['NODE_USE_SYSTEM_CA', '1'],
  ['NODE_PRESERVE_SYMLINKS', '1'],
  ['NODE_TEST_CONTEXT', 'child-v8'],
  ['SSLKEYLOGFILE', 'keys'],
  ['UV_USE_IO_URING', '1'],
  ['UV_THREADPOOL_SIZE', '1'],
  ['TMPDIR', '.'],
];

describe('a sign-in succeeds, and opens and writes no file of the working directory, with', () => {
  it.each(VARIABLES)('%s=%s', async (name, value) => {
    const before = readdirSync(checkout);
    const { touched, ...result } = await watch({ [name]: value.replace('CHECKOUT', checkout) });
    expectAnswer(result);
    expect(result.stderr).toBe('');
    expect(touched).toEqual([]);
    expect(readdirSync(checkout)).toEqual(before);
  });
});

describe('a sign-in fails, and opens no file of the working directory, with', () => {
  const none = { AZURE_CLIENT_SECRET: undefined };
  const bound = {
    ...none,
    AZURE_FEDERATED_TOKEN: encodeToken({ aud: 'api://AKSIdentityBinding' }),
    AZURE_KUBERNETES_TOKEN_PROXY: 'https://127.0.0.1:9',
  };
  it.each([
    { NODE_EXTRA_CA_CERTS: './ca.pem' },
    { NODE_EXTRA_CA_CERTS: 'ca.pem' },
    { SSL_CERT_FILE: './ca.pem' },
    { SSL_CERT_DIR: '.' },
    { SSL_CERT_DIR: '/etc/ssl/certs:.' },
    { AZURE_FEDERATED_TOKEN_FILE: 'ca.pem', ...none },
    { ARM_OIDC_TOKEN_FILE_PATH: './ca.pem', ...none },
    { AZURE_CLIENT_CERTIFICATE_PATH: './ca.pem', ...none },
    { AZURE_KUBERNETES_CA_FILE: './ca.pem', ...bound },
  ])('%j', async (environment) => {
    const { touched, exitCode, stdout } = await watch(environment);
    expect({ exitCode, touched }).toEqual({ exitCode: 1, touched: [] });
    expect(stdout).toContain(Object.keys(environment)[0]);
    expect(stdout).toContain('not an absolute path');
  });
});

/** A token whose signature nobody checks. */
function encodeToken(claims: object): string {
  return [{ alg: 'RS256' }, claims, {}]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
}

it.each([
  ['NODE_REPL_EXTERNAL_MODULE', './module.js'],
  ['NODE_CHANNEL_FD', 'x'],
])('Node ends before the program with %s=%s, and runs nothing', async (name, value) => {
  const { touched, ...result } = await watch({ [name]: value });
  expect(result).toMatchObject({ exitCode: expect.any(Number), stdout: '' });
  expect(result.exitCode).not.toBe(0);
  expect(touched).toEqual([]);
});

it('a sign-in accepts no certificate of a stranger with NODE_TLS_REJECT_UNAUTHORIZED=0', async () => {
  const environment = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_EXTRA_CA_CERTS: undefined, SSL_CERT_FILE: undefined };
  const { touched, ...result } = await watch(environment);
  expect(result).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('is not trusted') });
  expect(touched).toEqual([]);
  expect(cloud.emulator.requests).toEqual([]);
});

it('SIGUSR1 opens no debugger and does not end the program', async () => {
  const child = spawn(helperPath(), ['get'], { env: machine.environment, cwd: checkout, stdio: 'pipe' });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  await pause(700); // until it waits for its input
  for (let count = 0; count < 3; count += 1) {
    child.kill('SIGUSR1');
    await pause(100);
  }
  expect(await canConnect(9229)).toBe(false);
  child.stdin.end(LOGIN_SERVER);
  const [exitCode] = await once(child, 'close');
  expectAnswer({ exitCode, ...output });
  expect(output.stderr).toBe('');
});

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
