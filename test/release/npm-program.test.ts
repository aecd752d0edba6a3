/** The npm package's program, installed by npm, on every Node that it promises. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { expectAnswer, expectFailure, expectNotFound } from '../e2e/world/answer.ts';
import { LOGIN_SERVER } from '../e2e/world/cloud.ts';
import { formatRequest } from '../e2e/world/kubelet.ts';
import type { Machine, MachineOptions, MachineRunOptions } from '../e2e/world/machine.ts';
import { needParts, needRoot, partOf } from '../e2e/world/parts.ts';
import type { RunResult } from '../e2e/world/process.ts';
import { openCloud } from '../e2e/world/test-cloud.ts';
import { NULL_GUID } from '../emulator/state.ts';
import { createNpmFolder, MISSING_NODES, NODES, PACKAGE } from './world/npm.ts';

const PROGRAM = 'docker-credential-acr';
const NEWEST = join(process.execPath, '..');

const cloud = await openCloud();
const installed = createNpmFolder();
const prefix = join(installed.path, 'prefix');

beforeAll(() => installed.npm('install', '--global', PACKAGE));
afterAll(() => installed.remove());

/** A machine with the package and one Node on PATH, and without the executable. */
interface NpmMachine extends Machine {
  readonly call: (verb: string | readonly string[], input?: string, options?: MachineRunOptions) => Promise<RunResult>;
  readonly variables: Readonly<Record<string, string>>;
  /** The folder of compiled code. */
  readonly code: string;
}

function addMachine(nodeFolder = NEWEST, options: MachineOptions = {}): NpmMachine {
  const machine = cloud.addMachine(options);
  rmSync(join(machine.folder, 'bin', PROGRAM));
  symlinkSync(join(prefix, 'bin', PROGRAM), join(machine.folder, 'bin', PROGRAM));
  symlinkSync(join(nodeFolder, 'node'), join(machine.folder, 'bin', 'node'));
  const call: NpmMachine['call'] = (verb, input = '', given = {}) =>
    machine.run(join(machine.folder, 'bin', PROGRAM), [verb].flat(), { input, printsSecret: verb === 'get', ...given });
  const code = join(machine.folder, 'home', '.cache', PROGRAM, 'code');
  return { ...machine, call, variables: machine.environment, code };
}

it('is tried on every Node that it promises', (context) => {
  if (MISSING_NODES.length > 0) context.skip(`not installed: ${MISSING_NODES.join(', ')}`);
  expect(NODES.map(([version]) => version.split('.')[0])).toEqual(['20', '22', '24', '26', '24']);
  const { engines } = JSON.parse(readFileSync(join(prefix, 'lib/node_modules', PROGRAM, 'package.json'), 'utf8'));
  expect(engines).toEqual({ node: `^${NODES[0]?.[0]} || >=22.3.0` });
});

describe.each(NODES)('on Node %s', (name, nodeFolder) => {
  const [version = ''] = name.split(' ');

  it('says which Node runs it', async () => {
    const { stdout, stderr, exitCode } = await addMachine(nodeFolder).call('version');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toMatch(`${PROGRAM} (${PROGRAM}) v${manifest.version}, `);
    expect(stdout).toMatch(`, Node ${version}\n`);
  });

  it('signs in once, then returns the cached token, also for 8 clients at once', async () => {
    const machine = addMachine(nodeFolder);
    const first = expectAnswer(await machine.call('get', LOGIN_SERVER));
    expect(first.username).toBe(NULL_GUID);
    expect(expectAnswer(await machine.call('get', `https://${LOGIN_SERVER}`)).secret).toBe(first.secret);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(
      expectAnswer(await machine.call('erase', LOGIN_SERVER).then(() => machine.call('get', LOGIN_SERVER))),
    ).toEqual({
      ...first,
      secret: expect.not.stringMatching(first.secret),
    });
    rmSync(join(machine.folder, 'cache'), { recursive: true });
    cloud.forget();
    const crowd = await Promise.all(Array.from({ length: 8 }, () => machine.call('get', LOGIN_SERVER)));
    expect(new Set(crowd.map((result) => expectAnswer(result).secret)).size).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('stores, lists and erases a login', async () => {
    const machine = addMachine(nodeFolder, { identity: 'nobody' });
    const payload = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'ci', Secret: 'not-a-real-password' });
    expect(await machine.call('store', payload)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await machine.call('list')).toEqual({ exitCode: 0, stdout: `{"${LOGIN_SERVER}":"ci"}\n`, stderr: '' });
    expect(expectAnswer(await machine.call('get', LOGIN_SERVER))).toMatchObject({ username: 'ci' });
    expect(await machine.call('erase', LOGIN_SERVER)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(expectNotFound(await machine.call('get', LOGIN_SERVER)).hint).toContain(`${PROGRAM} login ${LOGIN_SERVER}`);
  });

  it('says what an identity lacks, and answers a kubelet', async () => {
    const failing = addMachine(nodeFolder, { identity: 'wrong secret' });
    expect(expectFailure(await failing.call('get', LOGIN_SERVER))).toContain('AADSTS7000215');
    const machine = addMachine(nodeFolder);
    const request = formatRequest(`${LOGIN_SERVER}/team/app`);
    const { stdout, exitCode } = await machine.call(['kubelet', '--v=2'], request, { printsSecret: true });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'CredentialProviderResponse', cacheKeyType: 'Registry' });
  });

  it('runs the commands for people', async () => {
    const machine = addMachine(nodeFolder);
    const commands = [
      ['--help', 'Set up:'],
      ['config show', 'cacheTokens'],
      ['completion bash', 'complete'],
      ['man', '.TH'],
      ['status', 'identity: client-secret'],
    ];
    const run = async ([words = '', said]: readonly string[]) => {
      const { exitCode, stdout, stderr } = await machine.call(words.split(' '));
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toContain(said);
    };
    await Promise.all(commands.map(run));
  });

  it('trusts the certificates of SSL_CERT_FILE alone', async () => {
    const environment = { NODE_EXTRA_CA_CERTS: undefined };
    expectAnswer(await addMachine(nodeFolder).call('get', LOGIN_SERVER, { environment }));
  });

  it('keeps compiled code in a folder of its own, where Node can', async () => {
    const machine = addMachine(nodeFolder);
    await machine.call('get', 'ghcr.io');
    const canKeep = !version.startsWith('20.');
    expect(existsSync(machine.code) ? readdirSync(machine.code) : []).toHaveLength(canKeep ? 1 : 0);
    if (canKeep) expect(statSync(machine.code).mode & 0o777).toBe(0o700);
  });
});

it('is a client’s credential helper', async (context) => {
  needParts(context, 'crane', 'docker-registry');
  const machine = addMachine();
  await cloud.seed('team/app', '1');
  const { exitCode, stdout, stderr } = await machine.run(partOf('crane'), ['manifest', `${LOGIN_SERVER}/team/app:1`]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 2 });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('renews a token in a process that nobody waits for', async () => {
  const machine = addMachine();
  const { secret } = expectAnswer(await machine.call('get', LOGIN_SERVER));
  const folder = join(machine.folder, 'cache', 'tokens');
  const [file = ''] = readdirSync(folder).filter((name) => name.startsWith(LOGIN_SERVER));
  const nowSeconds = Math.floor(Date.now() / 1000);
  const entry = { ...JSON.parse(readFileSync(join(folder, file), 'utf8')), savedAtSeconds: nowSeconds - 9_000 };
  writeFileSync(join(folder, file), JSON.stringify({ ...entry, expiresAtSeconds: nowSeconds + 1_800 }));
  cloud.forget();
  expect(expectAnswer(await machine.call('get', LOGIN_SERVER)).secret).toBe(secret);
  const read = (): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8')).token;
  for (let tries = 0; read() === secret && tries < 500; tries += 1) await pause(20);
  expect(read()).not.toBe(secret);
  expect(cloud.signIns()).toEqual(['exchange 200']);
  // It writes its log, and lets go of the lock, until its end.
  for (let tries = 0; readdirSync(join(machine.folder, 'cache', 'locks')).length > 0 && tries < 500; tries += 1)
    await pause(20);
});

describe('doctor', () => {
  it('says that npm has installed it, and on which Node', async () => {
    const machine = addMachine();
    const { stdout } = await machine.call('doctor');
    const file = join(machine.folder, 'bin', PROGRAM);
    const origin = `installed by npm, on Node ${process.versions.node}`;
    expect(stdout).toContain(`${file} is this program, version ${manifest.version}, ${origin}`);
  });

  it('tells how to install it where no client finds it', async () => {
    const machine = addMachine();
    const PATH = join(machine.folder, 'elsewhere');
    const script = join(prefix, 'bin', PROGRAM);
    const { stdout } = await machine.run(process.execPath, [script, 'doctor'], { environment: { PATH } });
    expect(stdout).toMatch(/is not on PATH[\s\S]*npm install --global docker-credential-acr\n/);
  });
});

describe('kubelet install', () => {
  it('refuses: a kubelet needs the executable', async () => {
    const { exitCode, stdout, stderr } = await addMachine().call(['kubelet', 'install']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('The npm package cannot be installed on a node: a kubelet needs the executable');
  });
});

describe('compiled code is not kept', () => {
  const isKept = async (machine: NpmMachine, environment: MachineRunOptions['environment'] = {}) => {
    const { exitCode, stderr } = await machine.call('get', 'ghcr.io', { environment });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    return existsSync(machine.code) && readdirSync(machine.code).length > 0;
  };

  it('where others can write to the folder, or read it', async () => {
    const machine = addMachine();
    expect(await isKept(machine)).toBe(true);
    rmSync(machine.code, { recursive: true });
    for (const mode of [0o777, 0o720, 0o755]) {
      mkdirSync(machine.code, { recursive: true });
      chmodSync(machine.code, mode);
      expect(await isKept(machine), mode.toString(8)).toBe(false);
    }
  });

  it('where others can replace the folder', async () => {
    const machine = addMachine();
    mkdirSync(join(machine.folder, 'home', '.cache'), { recursive: true });
    chmodSync(join(machine.folder, 'home', '.cache'), 0o777);
    expect(await isKept(machine)).toBe(false);
  });

  it('where somebody else has made it', async (context) => {
    needRoot(context);
    const machine = addMachine();
    mkdirSync(machine.code, { recursive: true, mode: 0o700 });
    chownSync(machine.code, 65_534, 65_534);
    expect(await isKept(machine)).toBe(false);
  });

  it('behind a link', async () => {
    const machine = addMachine();
    const other = join(machine.folder, 'other');
    mkdirSync(other, { mode: 0o700 });
    mkdirSync(join(machine.code, '..'), { recursive: true });
    symlinkSync(other, machine.code);
    await isKept(machine);
    expect(readdirSync(other)).toEqual([]);
  });

  it('without a home folder', async () => {
    const machine = addMachine();
    const HOME = join(machine.folder, 'a-file');
    writeFileSync(HOME, '');
    expect(await isKept(machine, { HOME })).toBe(false);
  });
});

it('writes nothing about the environment, and loads nothing from the working directory', async () => {
  const machine = addMachine();
  const folder = join(machine.folder, 'checkout');
  mkdirSync(folder);
  writeFileSync(join(folder, '.env'), 'AZURE_CLIENT_ID=other');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const environment = { NODE_DEBUG: 'tls,http,net', NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_PENDING_DEPRECATION: '1' };
  expectAnswer(await machine.call('get', LOGIN_SERVER, { environment, folder }));
  expect(readdirSync(folder).sort()).toEqual(['.env', 'package.json']);
});

it('says on an older Node that it needs a newer one', async () => {
  const machine = addMachine();
  const old = join(machine.folder, 'old.js');
  writeFileSync(old, 'delete process.getBuiltinModule;');
  const environment = { NODE_OPTIONS: `--require=${old}` };
  const { exitCode, stdout } = await machine.call('get', LOGIN_SERVER, { environment });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 1,
    stdout: `Cannot run on Node ${process.versions.node}: ${PROGRAM} needs Node 20.16, 22.3 or later\n`,
  });
});

it('leaves nothing behind when it is removed', async () => {
  const folder = createNpmFolder();
  try {
    await folder.npm('install', '--global', PACKAGE);
    expect(existsSync(join(folder.path, 'prefix', 'bin', PROGRAM))).toBe(true);
    await folder.npm('uninstall', '--global', PROGRAM);
    expect(readdirSync(join(folder.path, 'prefix'), { recursive: true }).sort()).toEqual([
      'bin',
      'lib',
      'lib/node_modules',
    ]);
  } finally {
    folder.remove();
  }
});

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
