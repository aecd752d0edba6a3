/** Connected registries, by address and by name, over plain http and https: login, push and pull without Azure. */
import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import {
  EDGE_PASSWORD,
  EDGE_USER,
  startConnectedRegistry,
  trustConnectedRegistry,
} from './world/connected-registry.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import { type Machine, writeDockerConfig } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { prepareContainerStorage } from './world/podman.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

/** The source of the image to push, which needs no credential. */
const IMAGE = `${LOGIN_SERVER}/team/app:1`;

const cloud = await openCloud();
registryOf(cloud.emulator.state, LOGIN_SERVER).anonymousPull = true;
cloud.emulator.state.issuedSecrets.add(EDGE_PASSWORD);
const dockerHost = openDockerEngine(cloud);
let machine: Machine;

beforeEach(() => {
  // It has an identity, which must not be used.
  machine = cloud.addMachine();
});

const ROWS = (['docker', 'podman'] as const).flatMap((client) =>
  (['http', 'https'] as const).flatMap((scheme) =>
    (['127.0.0.1', 'localhost'] as const).map((name) => [client, scheme, name] as const),
  ),
);

describe.each(LOGIN_BACKENDS)('with logins kept in %s', (where) => {
  async function setUp(context: TestContext, client: 'docker' | 'podman', scheme: 'http' | 'https', name: string) {
    needParts(context, 'docker-registry', ...(client === 'docker' ? ['docker', 'dockerd'] : ['podman']));
    needRoot(context);
    const kept = await prepareLoginBackend(where, machine, context);
    const edge = (await startConnectedRegistry(machine, scheme)).replace('127.0.0.1', name);
    writeFileSync(machine.dockerConfigFile, writeDockerConfig([edge]));
    const environment = {
      ...kept.environment,
      ...(client === 'docker' ? { DOCKER_HOST: dockerHost() } : prepareContainerStorage(machine)),
      ...(scheme === 'https' ? trustConnectedRegistry(machine) : {}),
    };
    // The engine accepts plain http and any certificate from loopback addresses by default.
    const plain = client === 'podman' && scheme === 'http' ? ['--tls-verify=false'] : [];
    const run = (verb: string, args: readonly string[], input = '') =>
      machine.run(partOf(client), [verb, ...args], { environment, input });
    return {
      kept,
      edge,
      get: () => machine.helper('get', edge, { environment }),
      run,
      reach: (verb: string, args: readonly string[], input?: string) => run(verb, [...plain, ...args], input),
    };
  }

  it.for(ROWS)('%s over %s to %s logs in, pushes, pulls and logs out', async ([client, scheme, name], context) => {
    const { kept, edge, get, run, reach } = await setUp(context, client, scheme, name);
    const image = `${edge}/team/app:1`;
    expect(await run('pull', [IMAGE])).toMatchObject({ exitCode: 0 });
    expect(await run('tag', [IMAGE, image])).toMatchObject({ exitCode: 0 });
    expect((await reach('push', [image])).exitCode).not.toBe(0);
    cloud.forget();

    const login = await reach('login', [edge, '-u', EDGE_USER, '--password-stdin'], EDGE_PASSWORD);
    expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
    expect(login.stderr).toEqual(kept.isClear ? expect.stringMatching(/^\S+ warning: [^\n]+\n$/) : '');
    expect(await kept.users()).toEqual({ [edge]: EDGE_USER });
    kept.expectHidden(EDGE_PASSWORD);
    const answer = await get();
    expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(answer.stdout)).toEqual({ ServerURL: edge, Username: EDGE_USER, Secret: EDGE_PASSWORD });

    expect(await reach('login', [edge])).toMatchObject({ exitCode: 0 });
    expect(await reach('push', [image])).toMatchObject({ exitCode: 0 });
    expect(await run('rmi', [image, IMAGE])).toMatchObject({ exitCode: 0 });
    expect(await reach('pull', [image])).toMatchObject({ exitCode: 0 });
    expect(await run('rmi', [image])).toMatchObject({ exitCode: 0 });

    expect(await run('logout', [edge])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await kept.users()).toEqual({});
    expect(await get()).toEqual({ exitCode: 1, stdout: 'credentials not found in native keychain\n', stderr: '' });
    expect((await reach('pull', [image])).exitCode).not.toBe(0);
    expect(cloud.emulator.connects).toEqual([]);
    expect(cloud.emulator.requests).toEqual([]);
  });
});
