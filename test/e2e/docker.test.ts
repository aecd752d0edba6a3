/** Docker clients and a Docker engine, with the program as their credential helper. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { type DockerClient, findBuildKitClient, listDockerClients } from './world/docker-engine.ts';
import type { Machine } from './world/machine.ts';
import { needParts, needRoot } from './world/parts.ts';
import type { RunResult } from './world/process.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;

const clients = await listDockerClients();
const buildKitClient = await findBuildKitClient(clients);
// Without any client, the tests are skipped under one name.
const testedClients = clients.length > 0 ? clients : [{ path: 'docker', version: 'client' }];
const cloud = await openCloud();
const dockerHost = openDockerEngine(cloud);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
});

function need(context: TestContext): void {
  needParts(context, 'docker', 'dockerd', 'docker-registry');
  needRoot(context);
}

function docker(client: DockerClient, args: readonly string[], environment = {}): Promise<RunResult> {
  return machine.run(client.path, args, { environment: { DOCKER_HOST: dockerHost(), ...environment } });
}

describe.each(testedClients)('docker $version', (client) => {
  it('pulls a private image with one sign-in, and again without one', async (context) => {
    need(context);
    const first = await docker(client, ['pull', IMAGE]);
    expect(first).toEqual({ exitCode: 0, stdout: expect.stringContaining(`Downloaded newer image`), stderr: '' });
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    const received = cloud.transfers('GET').map(({ path }) => path);
    expect(received).toContainEqual(expect.stringMatching('^/v2/team/app/manifests/'));

    await docker(client, ['rmi', IMAGE]);
    cloud.forget();
    const second = await docker(client, ['pull', IMAGE]);
    expect(second).toEqual({ exitCode: 0, stdout: expect.stringContaining(`Downloaded newer image`), stderr: '' });
    expect(cloud.signIns()).toEqual([]);
    await docker(client, ['rmi', IMAGE]);
  });

  it('pushes an image', async (context) => {
    need(context);
    const target = `${LOGIN_SERVER}/team/pushed:${client.version}`;
    await docker(client, ['pull', IMAGE]);
    await docker(client, ['tag', IMAGE, target]);
    cloud.forget();
    const pushed = await docker(client, ['push', target]);
    expect(pushed).toEqual({ exitCode: 0, stdout: expect.stringContaining('digest: sha256:'), stderr: '' });
    expect(cloud.transfers('PUT').map(({ path }) => path)).toContain(`/v2/team/pushed/manifests/${client.version}`);
    expect(cloud.signIns()).toEqual([]);
    await docker(client, ['rmi', IMAGE, target]);
  });

  it('logs in without a user name, pulls and logs out', async (context) => {
    need(context);
    const login = await docker(client, ['login', LOGIN_SERVER]);
    expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
    // Newer clients name the user on stderr, older ones on stdout.
    expect(login.stdout + login.stderr).toContain('Authenticating with existing credentials');
    expect(login.stderr).not.toContain('docker-credential-acr');
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    expect(readFileSync(machine.dockerConfigFile, 'utf8')).not.toMatch(/"(auth|identitytoken)"/);

    cloud.forget();
    const pull = await docker(client, ['pull', IMAGE]);
    expect(pull).toEqual({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image'), stderr: '' });
    expect(cloud.signIns()).toEqual([]);
    await docker(client, ['rmi', IMAGE]);

    const logout = await docker(client, ['logout', LOGIN_SERVER]);
    expect(logout).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining('Removing login credentials'),
      stderr: '',
    });
    expect((await docker(client, ['pull', IMAGE])).exitCode).toBe(0);
    // A logout removes the registry's token, and Entra's too.
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    await docker(client, ['rmi', IMAGE]);
  });

  it('builds on a private base image with the classic builder', async (context) => {
    need(context);
    const folder = writeBuildFolder();
    const build = await docker(client, ['build', '--network=host', '--tag', 'classic', folder], {
      DOCKER_BUILDKIT: '0',
    });
    expect(build).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Successfully tagged classic:latest'),
    });
    expect(build.stderr).not.toContain('docker-credential-acr');
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    await docker(client, ['rmi', 'classic', IMAGE]);
  });

  it('shows an error with a hint when the client secret is wrong', async (context) => {
    need(context);
    await machine.close();
    machine = cloud.addMachine({ identity: 'wrong secret' });
    const { exitCode, stdout, stderr } = await docker(client, ['pull', IMAGE]);
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain('Downloaded');
    expect(stderr).toMatch(/^docker-credential-acr: error: /m);
    expect(stderr).toMatch(/^hint: /m);
    expect(stderr).toContain('AADSTS7000215');
    expect(cloud.signIns()).toEqual(['entra 401']);
  });

  it('pulls anonymously from a public registry when nobody is signed in', async (context) => {
    need(context);
    await machine.close();
    machine = cloud.addMachine({ identity: 'nobody', credHelpers: ['public.azurecr.io'] });
    const image = 'public.azurecr.io/team/app:1';
    registryOf(cloud.emulator.state, 'public.azurecr.io').anonymousPull = true;
    const pull = await docker(client, ['pull', image]);
    expect(pull).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image') });
    expect(pull.stderr).toMatch(/^docker-credential-acr: hint: .*; run: docker-credential-acr login /m);
    expect(cloud.signIns()).toEqual([]);
    await docker(client, ['rmi', image]);
  });

  it('fails to pull from a private registry when nobody is signed in', async (context) => {
    need(context);
    await machine.close();
    machine = cloud.addMachine({ identity: 'nobody' });
    const { exitCode, stderr } = await docker(client, ['pull', IMAGE]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/unauthorized/i);
    expect(stderr).toMatch(/^docker-credential-acr: hint: .*; run: docker-credential-acr login /m);
    expect(cloud.signIns()).toEqual([]);
  });
});

it('docker build with BuildKit builds on a private base image with one sign-in', async (context) => {
  need(context);
  if (buildKitClient === undefined) return context.skip('no Docker client here builds with BuildKit');
  const folder = writeBuildFolder();
  const build = await docker(buildKitClient, ['build', '--network=host', '--progress=plain', '--tag', 'kit', folder], {
    DOCKER_BUILDKIT: '1',
  });
  expect(build.stderr).toContain('naming to docker.io/library/kit');
  expect(build.stderr).not.toContain('docker-credential-acr');
  expect(build).toMatchObject({ exitCode: 0, stdout: '' });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

function writeBuildFolder(): string {
  const folder = join(machine.folder, 'build');
  mkdirSync(folder);
  writeFileSync(join(folder, 'note'), 'built by a test\n');
  writeFileSync(join(folder, 'Dockerfile'), `FROM ${IMAGE}\nLABEL made=by-a-test\nCOPY note /note\n`);
  return folder;
}
