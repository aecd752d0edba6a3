/** Many processes of the built program at the same time, processes that are killed, and machines with few resources. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import { mountDisk } from './world/isolation.ts';
import type { Machine } from './world/machine.ts';
import type { RunResult } from './world/process.ts';
import { openCloud } from './world/test-cloud.ts';

const ENTRA_HOST = 'login.microsoftonline.com';

const cloud = await openCloud();
const undo: (() => void)[] = [];

afterEach(() => {
  for (const restore of undo.splice(0)) restore();
});

function getMany(machine: Machine, count: number, inputs: readonly string[] = [LOGIN_SERVER]): Promise<RunResult[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => machine.helper('get', inputs[index % inputs.length] ?? LOGIN_SERVER)),
  );
}

/** Starts `get`, which the test has to end. */
function startGet(machine: Machine): ChildProcess {
  const child = spawn(join(machine.folder, 'bin', 'docker-credential-acr'), ['get'], {
    env: machine.environment,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin?.end(LOGIN_SERVER);
  return child;
}

async function waitUntil(isReached: () => boolean): Promise<void> {
  for (let tries = 0; !isReached(); tries += 1) {
    if (tries > 2_000) throw new Error('The expected state was not reached');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('64 processes at the same time', () => {
  it('sign in once with an empty cache and return the same answer', async () => {
    const results = await getMany(cloud.addMachine(), 64);
    expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(1);
    for (const { exitCode, stderr } of results) expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('sign in once when Azure is slow and they name the registry differently', async () => {
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 3_500 }));
    const results = await getMany(cloud.addMachine(), 64, [
      LOGIN_SERVER,
      'contoso.eastus.geo.azurecr.io',
      `https://${LOGIN_SERVER}`,
    ]);
    expect(results.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    expect(new Set(results.map(({ stdout }) => /"Secret":"([^"]+)"/.exec(stdout)?.[1])).size).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  });

  it('all report a wrong secret, and most of them without asking Azure', async () => {
    const results = await getMany(cloud.addMachine({ identity: 'wrong secret' }), 64);
    for (const { exitCode, stdout } of results) {
      expect(exitCode).toBe(1);
      expect(stdout).toContain('AADSTS7000215');
    }
    expect(cloud.signIns().length).toBeLessThan(16);
  });

  it('answer from a warm cache without a connection', async () => {
    const machine = cloud.addMachine();
    await machine.helper('get', LOGIN_SERVER);
    cloud.forget();
    expect(new Set((await getMany(machine, 64)).map(({ stdout }) => stdout)).size).toBe(1);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('leave no lock and no temporary file behind', async () => {
    const machine = cloud.addMachine();
    await getMany(machine, 64);
    const files = readdirSync(join(machine.folder, 'cache'), { recursive: true, withFileTypes: true });
    // The registry's token and Entra's.
    const names = files.filter((file) => file.isFile()).map(({ name }) => name);
    expect(names.toSorted()).toEqual([
      expect.stringMatching(/^@entra_[0-9a-f]+\.json$/),
      expect.stringMatching(/^contoso\.azurecr\.io_[0-9a-f]+\.json$/),
    ]);
  });
});

describe('a process that signs in for the others', () => {
  it('is replaced by a single other process when it is killed', async () => {
    const machine = cloud.addMachine();
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 8_000, times: 1 }));
    const holder = startGet(machine);
    await waitUntil(() => cloud.emulator.requests.length > 0);
    const waiters = getMany(machine, 8);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    for (const { exitCode } of await waiters) expect(exitCode).toBe(0);
    // The one that was killed, and one for all the others.
    expect(cloud.emulator.requests.filter(({ host }) => host === ENTRA_HOST)).toHaveLength(2);
    expect(cloud.emulator.requests.filter(({ path }) => path === '/oauth2/exchange')).toHaveLength(1);
  });

  it('does not hold up the others when it is suspended', async () => {
    const machine = cloud.addMachine();
    undo.push(cloud.emulator.inject({ host: ENTRA_HOST, delayMs: 60_000, times: 1 }));
    const holder = startGet(machine);
    await waitUntil(() => cloud.emulator.requests.length > 0);
    holder.kill('SIGSTOP');
    try {
      for (const { exitCode } of await getMany(machine, 4)) expect(exitCode).toBe(0);
    } finally {
      holder.kill('SIGKILL');
    }
  });

  it('leaves a usable cache whenever it is killed', async () => {
    const machine = cloud.addMachine();
    for (let moment = 0; moment < 20; moment += 1) {
      const child = startGet(machine);
      setTimeout(() => child.kill('SIGKILL'), moment * 10);
      await once(child, 'exit');
      const { exitCode, stderr } = await machine.helper('get', LOGIN_SERVER);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      await machine.helper('erase', LOGIN_SERVER);
    }
  });
});

describe('on a machine with few resources', () => {
  const expectAnswer = ({ exitCode, stdout, stderr }: RunResult) => {
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('"Secret":"eyJ');
  };

  it.each([
    [
      'no home and no folders',
      { HOME: undefined, DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined, DOCKER_CREDENTIAL_ACR_LOG: undefined },
    ],
    ['an empty home', { HOME: '', DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined }],
    ['a missing home', { HOME: '/nonexistent/home', DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined }],
    [
      'a home in the working directory',
      { HOME: '.', XDG_CACHE_HOME: 'cache', XDG_CONFIG_HOME: 'config', DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined },
    ],
    ['a cache folder that is a file', { DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/etc/hostname' }],
    ['a cache folder that is not writable', { DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/proc/self' }],
  ])('get answers with %s', async (_name, changes) => {
    const machine = cloud.addMachine();
    const folder = join(machine.folder, 'work');
    mkdirSync(folder);
    // Without HOME the system's user list supplies a home: root's, which the test must leave alone.
    const environment = { XDG_CACHE_HOME: join(machine.folder, 'xdg'), ...changes };
    expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment, folder }));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('get answers with a full disk and leaves no partial file', async (context) => {
    const machine = cloud.addMachine();
    const { folder: disk } = await mountDisk(context, machine, 'size=16k');
    await machine.run('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k']);
    const environment = {
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(disk, 'cache'),
      DOCKER_CREDENTIAL_ACR_LOG: join(disk, 'log'),
    };
    expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment }));
    expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment }));
    const files = readdirSync(disk, { recursive: true, withFileTypes: true });
    expect(files.filter((file) => file.isFile() && /json|tmp/.test(file.name))).toEqual([]);
  });

  it('get answers with a read-only disk', async (context) => {
    const machine = cloud.addMachine();
    const { folder: disk } = await mountDisk(context, machine, 'ro');
    const environment = {
      HOME: disk,
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: undefined,
      DOCKER_CREDENTIAL_ACR_LOG: undefined,
    };
    expectAnswer(await machine.helper('get', LOGIN_SERVER, { environment }));
  });

  it('get does not follow links planted in the cache folder', async () => {
    const machine = cloud.addMachine();
    const elsewhere = join(machine.folder, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(machine.folder, 'cache'));
    for (const name of ['tokens', 'locks', 'notes']) symlinkSync(elsewhere, join(machine.folder, 'cache', name));
    expectAnswer(await machine.helper('get', LOGIN_SERVER));
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('get keeps its files private to the owner under any umask', async () => {
    const machine = cloud.addMachine();
    for (const umask of ['000', '077', '777']) {
      const program = join(machine.folder, 'bin', 'docker-credential-acr');
      const result = await machine.run('sh', ['-c', `umask ${umask}; exec ${program} get`], {
        input: LOGIN_SERVER,
        printsSecret: true,
        environment: { DOCKER_CREDENTIAL_ACR_CACHE_DIR: join(machine.folder, `cache-${umask}`) },
      });
      expectAnswer(result);
      const folder = join(machine.folder, `cache-${umask}`);
      expect(existsSync(folder)).toBe(true);
      for (const name of ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
        const stats = statSync(join(folder, name));
        expect(stats.mode & 0o777, name).toBe(stats.isDirectory() ? 0o700 : 0o600);
      }
    }
  });
});
