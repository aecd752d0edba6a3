/** The program as Docker's `credsStore`, which serves every registry of the machine, Azure's or not. */
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { EDGE_PASSWORD, EDGE_USER, startConnectedRegistry } from './world/connected-registry.ts';
import { HUB, HUB_PASSWORD, HUB_USER, installDockerHub } from './world/docker-hub.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import type { Machine } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

const ADMIN_PASSWORD = 'Admin+pass/word=1%';
const NOT_FOUND = { exitCode: 1, stdout: 'credentials not found in native keychain\n', stderr: '' };

const cloud = await openCloud();
installDockerHub(cloud);
cloud.emulator.state.issuedSecrets.add(EDGE_PASSWORD);
registryOf(cloud.emulator.state, LOGIN_SERVER).adminUser = { username: 'admin', passwords: [ADMIN_PASSWORD] };
const dockerHost = openDockerEngine(cloud);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
  writeFileSync(machine.dockerConfigFile, JSON.stringify({ credsStore: 'acr' }));
});

describe.each(LOGIN_BACKENDS)('with logins kept in %s', (where) => {
  async function setUp(context: TestContext) {
    needParts(context, 'docker', 'dockerd', 'docker-registry');
    needRoot(context);
    const kept = await prepareLoginBackend(where, machine, context);
    const environment = { ...kept.environment, DOCKER_HOST: dockerHost() };
    const helper = (verb: string, input: string) => machine.helper(verb, input, { environment });
    return {
      kept,
      docker: (args: readonly string[], input = '') => machine.run(partOf('docker'), args, { environment, input }),
      get: async (server: string) => JSON.parse((await helper('get', server)).stdout),
      expectNothing: async (server: string) => expect(await helper('get', server), server).toEqual(NOT_FOUND),
      list: async () => JSON.parse((await helper('list', 'unused')).stdout),
    };
  }

  it('docker logs in to, uses and logs out of Docker Hub, a connected registry and ACR', async (context) => {
    const { kept, docker, get, list, expectNothing } = await setUp(context);
    const edge = await startConnectedRegistry(machine);
    const logins = [
      { args: [], server: HUB, user: HUB_USER, password: HUB_PASSWORD },
      { args: [edge], server: edge, user: EDGE_USER, password: EDGE_PASSWORD },
      { args: [LOGIN_SERVER], server: LOGIN_SERVER, user: 'admin', password: ADMIN_PASSWORD },
    ];
    for (const { args, server } of logins) if (args.length > 0 && server !== LOGIN_SERVER) await expectNothing(server);
    await expectNothing(HUB);
    for (const { args, server, user, password } of logins) {
      const login = await docker(['login', ...args, '-u', user, '--password-stdin'], password);
      expect(login, server).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
      kept.expectHidden(password);
      expect(await get(server)).toEqual({ ServerURL: server, Username: user, Secret: password });
      const again = await docker(['login', ...args]);
      expect(again, server).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
    }
    expect(await list()).toEqual(Object.fromEntries(logins.map(({ server, user }) => [server, user])));
    expect(readFileSync(machine.dockerConfigFile, 'utf8')).not.toContain('"auth":');

    const image = `${edge}/team/app:1`;
    await docker(['pull', `${LOGIN_SERVER}/team/app:1`]);
    await docker(['tag', `${LOGIN_SERVER}/team/app:1`, image]);
    expect(await docker(['push', image])).toMatchObject({ exitCode: 0, stderr: '' });
    await docker(['rmi', image, `${LOGIN_SERVER}/team/app:1`]);
    expect(await docker(['pull', image])).toMatchObject({ exitCode: 0, stderr: '' });
    await docker(['rmi', image]);
    expect(cloud.signIns()).toEqual([]);

    for (const { args, server } of logins) {
      expect(await docker(['logout', ...args]), server).toMatchObject({ exitCode: 0, stderr: '' });
      if (server !== LOGIN_SERVER) await expectNothing(server);
    }
    expect(await kept.users()).toEqual({});
    expect(await list()).toEqual({});
  });

  it('docker reports a wrong password of Docker Hub, and the program does not keep it', async (context) => {
    const { kept, docker, expectNothing } = await setUp(context);
    const login = await docker(['login', '-u', HUB_USER, '--password-stdin'], 'not the password');
    expect(login).toMatchObject({ exitCode: 1, stdout: '' });
    expect(login.stderr).toMatch(/401 Unauthorized/);
    expect(await kept.users()).toEqual({});
    await expectNothing(HUB);
  });

  it('docker pulls from ACR without a stored login, and list names ACR only after docker login', async (context) => {
    const { docker, get, list } = await setUp(context);
    const pull = await docker(['pull', `${LOGIN_SERVER}/team/app:1`]);
    expect(pull).toEqual({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image'), stderr: '' });
    await docker(['rmi', `${LOGIN_SERVER}/team/app:1`]);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(await list()).toEqual({});
    const login = await docker(['login', LOGIN_SERVER]);
    expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
    expect(await list()).toEqual({ [LOGIN_SERVER]: NULL_GUID });
    expect(await get(LOGIN_SERVER)).toMatchObject({ Username: NULL_GUID });
    // The classic builder asks for every registry in the list.
    writeFileSync(`${machine.folder}/home/Dockerfile`, `FROM ${LOGIN_SERVER}/team/app:1\nLABEL made=by-a-test\n`);
    const build = await docker(['build', '--network=host', '--tag', 'everything', `${machine.folder}/home`]);
    expect(build).toMatchObject({ exitCode: 0 });
    await docker(['rmi', 'everything', `${LOGIN_SERVER}/team/app:1`]);
    expect(await docker(['logout', LOGIN_SERVER])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await list()).toEqual({});
  });
});
