/** Logins kept by the real keychain programs and requested through the protocol's own client library. */
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { ENTRY, environmentWith, type RealKeychain, startPass, startSecretService } from './world/keychain.ts';
import type { Machine, MachineRunOptions } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

const ADMIN = 'contoso';
const PASSWORDS = ['Admin+pass/word=1%', 'Admin+pass/word=2%'] as const;
const HUB = 'https://index.docker.io/v1/';
const NOT_FOUND = { exitCode: 3, stdout: 'not found\n', stderr: '' };
const DONE = { exitCode: 0, stdout: '', stderr: '' };

const cloud = await openCloud();
registryOf(cloud.emulator.state, LOGIN_SERVER).adminUser = { username: ADMIN, passwords: PASSWORDS };
const dockerHost = openDockerEngine(cloud);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});

type Environment = MachineRunOptions['environment'];

/** Calls the program under test through the protocol's own client library. */
async function reference(verb: string, input: string, environment: Environment = {}) {
  const program = join(machine.folder, 'bin', 'docker-credential-acr');
  const options = { input, environment, printsSecret: verb === 'get' };
  const result = await machine.run(partOf('reference-client'), [program, verb], options);
  return result.exitCode === 0 && result.stdout !== '' ? { ...result, stdout: JSON.parse(result.stdout) } : result;
}

function credential(serverUrl: string, username: string, secret: string): string {
  return JSON.stringify({ ServerURL: serverUrl, Username: username, Secret: secret });
}

function answer(serverUrl: string, username: string, secret: string) {
  return { exitCode: 0, stdout: { ServerURL: serverUrl, Username: username, Secret: secret }, stderr: '' };
}

/** The text of the program's own index of logins. */
function readIndex(): string {
  return readFileSync(
    join(machine.folder, 'home', '.local', 'share', 'docker-credential-acr', 'credentials.json'),
    'utf8',
  );
}

describe.each([
  ['pass', startPass],
  ['the secret service', startSecretService],
])('with %s', (_name, start) => {
  async function setUp(context: TestContext): Promise<RealKeychain> {
    needParts(context, 'reference-client');
    return start(machine, context);
  }

  it('stores, returns, replaces, lists and erases a login without writing it in clear text', async (context) => {
    const { environment, ask } = await setUp(context);
    expect(await reference('store', credential(LOGIN_SERVER, ADMIN, PASSWORDS[0]), environment)).toEqual(DONE);
    expect(JSON.parse(await ask('list'))).toEqual({ [ENTRY]: ADMIN });
    expect(await reference('get', LOGIN_SERVER, environment)).toEqual(answer(LOGIN_SERVER, ADMIN, PASSWORDS[0]));
    expect(readIndex()).not.toContain(PASSWORDS[0]);

    expect(await reference('store', credential(LOGIN_SERVER, 'another', PASSWORDS[1]), environment)).toEqual(DONE);
    expect(await reference('get', LOGIN_SERVER, environment)).toEqual(answer(LOGIN_SERVER, 'another', PASSWORDS[1]));
    expect(JSON.parse(await ask('list'))).toEqual({ [ENTRY]: 'another' });
    expect((await reference('list', '', environment)).stdout).toEqual({ [LOGIN_SERVER]: 'another' });

    expect(await reference('erase', `https://${LOGIN_SERVER}`, environment)).toEqual(DONE);
    expect(await reference('erase', LOGIN_SERVER, environment)).toEqual(DONE);
    expect(JSON.parse(await ask('list'))).toEqual({});
    expect(await reference('get', LOGIN_SERVER, environment)).toMatchObject({
      ...NOT_FOUND,
      stderr: expect.any(String),
    });
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('keeps every server that Docker names apart', async (context) => {
    const { environment } = await setUp(context);
    const servers = [HUB, `${HUB}access-token`, 'ghcr.io', '10.0.0.5:5000', '[fd00::5]:5000', 'docker.io'];
    for (const server of servers) {
      expect(await reference('store', credential(server, 'me', `secret of ${server}`), environment)).toEqual(DONE);
    }
    for (const server of servers) {
      expect(await reference('get', server, environment)).toEqual(answer(server, 'me', `secret of ${server}`));
    }
    const listed = (await reference('list', '', environment)).stdout;
    expect(listed).toEqual({
      [LOGIN_SERVER]: NULL_GUID,
      ...Object.fromEntries(servers.map((server) => [server, 'me'])),
    });
    for (const server of servers) {
      expect(await reference('erase', server, environment)).toEqual(DONE);
      expect(await reference('get', server, environment)).toEqual(NOT_FOUND);
    }
  });

  it('loses no login when six processes store at the same time', async (context) => {
    const { environment } = await setUp(context);
    const servers = Array.from({ length: 6 }, (_, index) => `host${index}.example`);
    const store = (server: string) => reference('store', credential(server, server, 'a secret'), environment);
    expect(await Promise.all(servers.map(store))).toEqual(servers.map(() => DONE));
    const listed = (await reference('list', '', environment)).stdout;
    expect(listed).toMatchObject(Object.fromEntries(servers.map((server) => [server, server])));
    for (const server of servers) {
      expect(await reference('get', server, environment)).toEqual(answer(server, server, 'a secret'));
    }
  });

  it('keeps the password of docker login for the next login and pull, until docker logout', async (context) => {
    needParts(context, 'docker', 'dockerd', 'docker-registry');
    needRoot(context);
    const { environment, ask } = await setUp(context);
    const options = { environment: { ...environment, DOCKER_HOST: dockerHost() } };
    const docker = (args: readonly string[], input = '') => machine.run(partOf('docker'), args, { ...options, input });
    for (const password of PASSWORDS) {
      const login = await docker(['login', LOGIN_SERVER, '-u', ADMIN, '--password-stdin'], password);
      expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
      expect(login.stdout + login.stderr).not.toContain('unencrypted');
      expect(JSON.parse(await ask('get', ENTRY))).toMatchObject({ Username: ADMIN, Secret: password });
    }
    const again = await docker(['login', LOGIN_SERVER]);
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
    const pull = await docker(['pull', `${LOGIN_SERVER}/team/app:1`]);
    expect(pull).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image'), stderr: '' });
    await docker(['rmi', `${LOGIN_SERVER}/team/app:1`]);
    expect(cloud.signIns()).toEqual([]);
    expect(readFileSync(machine.dockerConfigFile, 'utf8')).not.toContain(Buffer.from(PASSWORDS[1]).toString('base64'));
    expect(await docker(['logout', LOGIN_SERVER])).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(await ask('list'))).toEqual({});
  });
});

describe('without a working keychain', () => {
  const given = credential(LOGIN_SERVER, ADMIN, PASSWORDS[0]);

  async function expectFile(environment: Environment, reason: RegExp): Promise<void> {
    const first = await reference('store', given, environment);
    expect(first).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringMatching(/^\S+ warning: [^\n]+\n$/) });
    expect(first.stderr).toMatch(reason);
    expect(await reference('store', given, environment)).toEqual(DONE);
    expect(await reference('get', LOGIN_SERVER, environment)).toEqual(answer(LOGIN_SERVER, ADMIN, PASSWORDS[0]));
    expect(readIndex()).toContain(PASSWORDS[0]);
    expect(await reference('erase', LOGIN_SERVER, environment)).toEqual(DONE);
    expect(readIndex()).not.toContain(PASSWORDS[0]);
  }

  it('keeps a login in the file when no keychain program is on PATH', async (context) => {
    needParts(context, 'reference-client');
    await expectFile(
      { PATH: join(machine.folder, 'bin') },
      /neither docker-credential-secretservice nor docker-credential-pass is on PATH\n$/,
    );
  });

  it('keeps a login in the file when pass is not initialized', async (context) => {
    needParts(context, 'reference-client', 'docker-credential-pass', 'pass');
    await expectFile(
      environmentWith(machine, 'docker-credential-pass'),
      /docker-credential-pass: pass not initialized/,
    );
  });

  it('keeps a login in the file when the secret service has no bus', async (context) => {
    needParts(context, 'reference-client', 'docker-credential-secretservice');
    await expectFile(environmentWith(machine, 'docker-credential-secretservice'), /docker-credential-secretservice: /);
  });

  it('keeps a login in the file when pass can encrypt but not decrypt', async (context) => {
    needParts(context, 'reference-client');
    const { environment, ask } = await startPass(machine, context);
    // The password store is encrypted to the key: without its private part it can store but not return a secret.
    const empty = join(machine.folder, 'gnupg', 'private-keys-v1.d');
    renameSync(empty, `${empty}-away`);
    mkdirSync(empty, { mode: 0o700 });
    await expectFile(environment, /docker-credential-pass: /);
    expect(existsSync(join(machine.folder, 'passwords'))).toBe(true);
    expect(JSON.parse(await ask('list'))).toEqual({});
  });
});
