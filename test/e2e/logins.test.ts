/** The logins and logouts of each client with a user name and a password, kept in a keychain and in the file. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { readTextFile } from '../../scripts/parts/command.ts';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { EDGE_PASSWORD, EDGE_USER, startConnectedRegistry } from './world/connected-registry.ts';
import { type RealKeychain, startPass } from './world/keychain.ts';
import { type Machine, writeDockerConfig } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { prepareContainerStorage } from './world/podman.ts';
import { openCloud } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;
const ADMIN = 'contoso';
const PASSWORD = 'Admin+pass/word=1%';
const TOKEN = 'reader';
const TOKEN_PASSWORD = 'tokenpw~1.abcdefgh';

const cloud = await openCloud();
const registry = registryOf(cloud.emulator.state, LOGIN_SERVER);
registry.adminUser = { username: ADMIN, passwords: [PASSWORD] };
registry.repositoryTokens.set(TOKEN, { passwords: [TOKEN_PASSWORD], scopeMap: { 'team/app': ['pull'] } });
let machine: Machine;
let keychain: RealKeychain | undefined;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});

describe.each(['pass', 'the file'])('with logins kept in %s', (backend) => {
  /** Prepares the backend for logins: the file in the program's own folder, or the real password store. */
  async function setUp(context: TestContext, ...parts: readonly string[]): Promise<Readonly<Record<string, string>>> {
    needParts(context, 'docker-registry', ...parts);
    await cloud.seed('team/app', '1');
    keychain = backend === 'pass' ? await startPass(machine, context) : undefined;
    return keychain?.environment ?? {};
  }

  async function expectNothingKept(environment: Readonly<Record<string, string>>): Promise<void> {
    const { stdout } = await machine.helper('list', '', { environment });
    expect(Object.values(JSON.parse(stdout))).not.toContain(ADMIN);
    if (keychain !== undefined) expect(JSON.parse(await keychain.ask('list'))).toEqual({});
    expect(readIndex()).toContain('"credentials": {}');
  }

  it('podman logs in, pulls and logs out of all registries', async (context) => {
    const environment = { ...(await setUp(context, 'podman')), ...prepareContainerStorage(machine) };
    needRoot(context);
    const podman = (args: readonly string[], input = '') => machine.run(partOf('podman'), args, { environment, input });
    const login = await podman(['login', LOGIN_SERVER, '-u', ADMIN, '--password-stdin'], PASSWORD);
    expect(login).toMatchObject({ exitCode: 0, stdout: 'Login Succeeded!\n' });
    // Podman first asks whether somebody is logged in already, which prints the hint of `get`.
    expect(/^docker-credential-acr: warning: /m.test(login.stderr)).toBe(backend === 'the file');
    expect(readIndex().includes(PASSWORD)).toBe(backend === 'the file');
    expect(await podman(['login', '--get-login', LOGIN_SERVER])).toMatchObject({ exitCode: 0, stdout: `${ADMIN}\n` });
    expect(await podman(['pull', IMAGE])).toMatchObject({ exitCode: 0 });
    expect(cloud.signIns()).toEqual([]);
    // It also removes every entry from credHelpers, so list names nothing any more.
    expect(await podman(['logout', '--all'])).toMatchObject({ exitCode: 0, stderr: '' });
    await expectNothingKept(environment);
  });

  it('podman logs in, pulls and logs out through registries.conf too', async (context) => {
    const environment = { ...(await setUp(context, 'podman')), ...prepareContainerStorage(machine) };
    needRoot(context);
    writeFileSync(machine.dockerConfigFile, '{}');
    const registries = join(machine.folder, 'registries.conf');
    writeFileSync(registries, 'credential-helpers = ["acr"]\n');
    const options = {
      environment: { ...environment, CONTAINERS_REGISTRIES_CONF: registries, DOCKER_CONFIG: undefined },
    };
    const podman = (args: readonly string[], input = '') => machine.run(partOf('podman'), args, { ...options, input });
    const login = await podman(['login', LOGIN_SERVER, '-u', TOKEN, '--password-stdin'], TOKEN_PASSWORD);
    expect(login).toMatchObject({ exitCode: 0, stdout: 'Login Succeeded!\n' });
    expect(await podman(['pull', IMAGE])).toMatchObject({ exitCode: 0 });
    expect(await podman(['logout', LOGIN_SERVER])).toMatchObject({ exitCode: 0 });
    expect(JSON.parse((await machine.helper('list', '', options)).stdout)).toEqual({});
  });

  it('helm logs in, pushes and logs out', async (context) => {
    const keeping = await setUp(context, 'helm');
    const helmConfig = join(machine.folder, 'helm.json');
    writeFileSync(helmConfig, writeDockerConfig([LOGIN_SERVER]));
    const options = { environment: { ...keeping, HELM_REGISTRY_CONFIG: helmConfig }, folder: machine.folder };
    const helm = (args: readonly string[], input = '') => machine.run(partOf('helm'), args, { ...options, input });
    const login = await helm(['registry', 'login', LOGIN_SERVER, '-u', ADMIN, '--password-stdin'], PASSWORD);
    expect(login).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Login Succeeded') });
    expect(readFileSync(helmConfig, 'utf8')).not.toContain('"auth"');
    const chart = join(machine.folder, 'hello');
    mkdirSync(join(chart, 'templates'), { recursive: true });
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: hello\nversion: 0.1.0\ndescription: A chart\n');
    expect(await helm(['package', chart])).toMatchObject({ exitCode: 0 });
    expect(await helm(['push', 'hello-0.1.0.tgz', `oci://${LOGIN_SERVER}/charts`])).toMatchObject({ exitCode: 0 });
    expect(cloud.signIns()).toEqual([]);
    expect(await helm(['registry', 'logout', LOGIN_SERVER])).toMatchObject({ exitCode: 0 });
    await expectNothingKept(keeping);
  });

  it('podman pushes to and pulls from a connected registry without a request to Azure', async (context) => {
    const environment = { ...(await setUp(context, 'podman', 'skopeo')), ...prepareContainerStorage(machine) };
    needRoot(context);
    const edge = await startConnectedRegistry(machine);
    writeFileSync(machine.dockerConfigFile, writeDockerConfig([edge]));
    const podman = (args: readonly string[], input = '') => machine.run(partOf('podman'), args, { environment, input });
    const image = `${edge}/team/app:1`;
    const source = join(machine.folder, 'image.tar');
    registry.anonymousPull = true;
    try {
      const copy = await machine.run(partOf('skopeo'), ['copy', `docker://${IMAGE}`, `oci-archive:${source}`], {
        environment,
      });
      expect(copy).toMatchObject({ exitCode: 0 });
    } finally {
      registry.anonymousPull = false;
    }
    cloud.forget();
    const login = await podman(
      ['login', '--tls-verify=false', edge, '-u', EDGE_USER, '--password-stdin'],
      EDGE_PASSWORD,
    );
    expect(login).toMatchObject({ exitCode: 0, stdout: 'Login Succeeded!\n' });
    expect(await podman(['pull', `oci-archive:${source}`])).toMatchObject({ exitCode: 0 });
    const { stdout: id } = await podman(['images', '--quiet']);
    expect(await podman(['push', '--tls-verify=false', id.trim(), image])).toMatchObject({ exitCode: 0 });
    await podman(['rmi', '--all']);
    expect(await podman(['pull', '--tls-verify=false', image])).toMatchObject({ exitCode: 0 });
    expect(await podman(['logout', edge])).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await podman(['pull', '--tls-verify=false', image])).exitCode).not.toBe(0);
    expect(cloud.emulator.connects).toEqual([]);
    expect(machine.log()).not.toContain(EDGE_PASSWORD);
  });

  it('docker keeps the logins of every registry when the program is its credsStore', async (context) => {
    const keeping = await setUp(context, 'docker');
    const edge = await startConnectedRegistry(machine);
    writeFileSync(machine.dockerConfigFile, JSON.stringify({ credsStore: 'acr' }));
    // Without an engine the client logs in to the registries itself.
    const environment = { ...keeping, DOCKER_HOST: `unix://${machine.folder}/no.sock` };
    const docker = (args: readonly string[], input = '') => machine.run(partOf('docker'), args, { environment, input });
    for (const [server, user, password] of [
      [LOGIN_SERVER, ADMIN, PASSWORD],
      [edge, EDGE_USER, EDGE_PASSWORD],
    ] as const) {
      const login = await docker(['login', server, '-u', user, '--password-stdin'], password);
      expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
    }
    const list = async () => JSON.parse((await machine.helper('list', 'unused', { environment })).stdout);
    expect(await list()).toEqual({ [LOGIN_SERVER]: ADMIN, [edge]: EDGE_USER });
    expect(readFileSync(machine.dockerConfigFile, 'utf8')).not.toContain('"auth":');
    for (const server of [LOGIN_SERVER, edge]) expect(await docker(['logout', server])).toMatchObject({ exitCode: 0 });
    expect(await list()).toEqual({});
  });
});

function readIndex(): string {
  const folder = join(machine.folder, 'home', '.local', 'share', 'docker-credential-acr');
  expect(existsSync(folder)).toBe(true);
  return readTextFile(join(folder, 'credentials.json')) ?? '';
}
