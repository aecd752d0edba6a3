/** podman, local and remote, with the program in `credential-helpers` of registries.conf for every registry. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { EDGE_PASSWORD, EDGE_USER, startConnectedRegistry } from './world/connected-registry.ts';
import { HUB_PASSWORD, HUB_USER, installDockerHub } from './world/docker-hub.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { prepareContainerStorage } from './world/podman.ts';
import { openCloud } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;
const PUBLIC_SERVER = 'public.azurecr.io';
const ADMIN_PASSWORD = 'Admin+pass/word=1%';

const cloud = await openCloud();
installDockerHub(cloud);
cloud.emulator.state.issuedSecrets.add(EDGE_PASSWORD);
registryOf(cloud.emulator.state, LOGIN_SERVER).adminUser = { username: 'admin', passwords: [ADMIN_PASSWORD] };
registryOf(cloud.emulator.state, PUBLIC_SERVER).anonymousPull = true;

beforeEach(async (context) => {
  needParts(context, 'podman', 'docker-registry');
  needRoot(context);
  await cloud.seed('team/app', '1');
});

describe.each(LOGIN_BACKENDS)('with logins kept in %s', (where) => {
  async function setUp(
    context: TestContext,
    identity: 'nobody' | 'wrong secret',
    helpers = ['containers-auth.json', 'acr'],
  ) {
    const machine = cloud.addMachine({ identity, credHelpers: [] });
    const kept = await prepareLoginBackend(where, machine, context);
    writeFileSync(machine.dockerConfigFile, '{}');
    // A remote client reads only this file and ignores the variable that names another.
    const folder = join(machine.folder, 'home', '.config', 'containers');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'registries.conf'), `credential-helpers = ${JSON.stringify(helpers)}\n`);
    const environment = {
      ...kept.environment,
      ...prepareContainerStorage(machine),
      DOCKER_CONFIG: undefined,
    };
    const podman = (args: readonly string[], input = '') => machine.run(partOf('podman'), args, { environment, input });
    const helper = (verb: string, input: string) => machine.helper(verb, input, { environment });
    const store = (ServerURL: string, Username: string, Secret: string) =>
      helper('store', JSON.stringify({ ServerURL, Username, Secret }));
    return { machine, kept, podman, helper, store };
  }

  /** Starts podman's service on a machine that has no credential of its own. */
  async function startService(): Promise<readonly string[]> {
    const server = cloud.addMachine({ identity: 'nobody', credHelpers: [] });
    const socket = join(server.folder, 'podman.sock');
    const environment = prepareContainerStorage(server);
    server.start(partOf('podman'), ['system', 'service', '--time=0', `unix://${socket}`], { environment });
    await expect.poll(() => existsSync(socket), { timeout: 60_000 }).toBe(true);
    return ['--remote', '--url', `unix://${socket}`];
  }

  it('podman pulls locally and remotely with every login, and list names each as a bare host', async (context) => {
    const { machine, kept, podman, helper, store } = await setUp(context, 'nobody');
    const edge = await startConnectedRegistry(machine);
    await store(`https://${LOGIN_SERVER}`, 'admin', ADMIN_PASSWORD);
    await store(edge, EDGE_USER, EDGE_PASSWORD);
    expect(JSON.parse((await helper('list', 'unused')).stdout)).toEqual({ [LOGIN_SERVER]: 'admin', [edge]: EDGE_USER });
    const image = `${edge}/team/app:1`;
    expect(await podman(['pull', IMAGE])).toMatchObject({ exitCode: 0 });
    expect(await podman(['push', '--tls-verify=false', IMAGE, image])).toMatchObject({ exitCode: 0 });
    await podman(['rmi', '--all', '--force']);
    const remote = await startService();
    for (const args of [
      ['pull', IMAGE],
      ['pull', '--tls-verify=false', image],
    ]) {
      for (const start of [[], remote]) {
        const pull = await podman([...start, ...args]);
        expect(pull).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
        expect(pull.stderr).not.toContain('docker-credential-acr');
      }
    }
    expect(cloud.signIns()).toEqual([]);
    expect(await podman(['logout', '--all'])).toMatchObject({ exitCode: 0 });
    expect(await kept.users()).toEqual({});
  });

  it('podman logs in to Docker Hub under its bare name, and remote pulls still work', async (context) => {
    const { kept, podman, helper, store } = await setUp(context, 'nobody', ['acr']);
    await store(LOGIN_SERVER, 'admin', ADMIN_PASSWORD);
    const login = await podman(['login', 'docker.io', '-u', HUB_USER, '--password-stdin'], HUB_PASSWORD);
    expect(login).toMatchObject({ exitCode: 0, stdout: 'Login Succeeded!\n' });
    expect(await kept.users()).toEqual({ [LOGIN_SERVER]: 'admin', 'docker.io': HUB_USER });
    const list = JSON.parse((await helper('list', 'unused')).stdout);
    expect(list).toEqual({ [LOGIN_SERVER]: 'admin', 'docker.io': HUB_USER });
    const pull = await podman([...(await startService()), 'pull', IMAGE]);
    expect(pull).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
    expect(await podman(['logout', 'docker.io'])).toMatchObject({ exitCode: 0 });
    expect(await kept.users()).toEqual({ [LOGIN_SERVER]: 'admin' });
  });

  it('a failed sign-in affects no other registry', async (context) => {
    const { machine, podman, store } = await setUp(context, 'wrong secret');
    const edge = await startConnectedRegistry(machine);
    await store(LOGIN_SERVER, 'admin', ADMIN_PASSWORD);
    await store(edge, EDGE_USER, EDGE_PASSWORD);
    expect(await podman(['pull', IMAGE])).toMatchObject({ exitCode: 0 });
    const image = `${edge}/team/app:1`;
    expect(await podman(['push', '--tls-verify=false', IMAGE, image])).toMatchObject({ exitCode: 0 });
    const remote = await startService();
    for (const start of [[], remote]) {
      expect(await podman([...start, 'pull', '--tls-verify=false', image])).toMatchObject({ exitCode: 0 });
      expect(await podman([...start, 'pull', IMAGE])).toMatchObject({ exitCode: 0 });
    }
    expect(cloud.signIns()).toEqual([]);
    // The error appears only when podman asks for that registry by name.
    const pull = await podman(['pull', `${PUBLIC_SERVER}/team/app:1`]);
    expect(pull.stderr).toMatch(/^docker-credential-acr: error: Cannot sign in for public\.azurecr\.io: /m);
    expect(pull.stderr).toMatch(/^hint: /m);
  });
});
