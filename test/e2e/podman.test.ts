/** podman, local and remote, with the program as its credential helper. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { prepareContainerStorage } from './world/podman.ts';
import type { RunResult } from './world/process.ts';
import { openCloud } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;

const cloud = await openCloud();

interface PodmanMachine extends Machine {
  readonly storage: Readonly<Record<string, string>>;
  readonly podman: (...args: readonly string[]) => Promise<RunResult>;
}

async function preparePodman(context: TestContext, options: MachineOptions = {}): Promise<PodmanMachine> {
  needParts(context, 'podman', 'docker-registry');
  needRoot(context);
  await cloud.seed('team/app', '1');
  const machine = cloud.addMachine(options);
  const storage = prepareContainerStorage(machine);
  const podman = (...args: readonly string[]) => machine.run(partOf('podman'), args, { environment: storage });
  return { ...machine, storage, podman };
}

it('podman pulls a private image with one sign-in, and again without one', async (context) => {
  const { podman } = await preparePodman(context);
  const first = await podman('pull', IMAGE);
  expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
  expect(first.stderr).not.toContain('docker-credential-acr');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  await podman('rmi', IMAGE);
  cloud.forget();
  const second = await podman('pull', IMAGE);
  expect(second).toMatchObject({ exitCode: 0, stdout: first.stdout });
  expect(second.stderr).not.toContain('docker-credential-acr');
  expect(cloud.signIns()).toEqual([]);
  expect(cloud.transfers('GET').map(({ path }) => path)).toContain('/v2/team/app/manifests/1');
});

it('podman pushes an image', async (context) => {
  const { podman } = await preparePodman(context);
  await podman('pull', IMAGE);
  const pushed = await podman('push', IMAGE, `${LOGIN_SERVER}/team/podman:2`);
  expect(pushed).toMatchObject({ exitCode: 0, stdout: '' });
  expect(pushed.stderr).not.toContain('docker-credential-acr');
  expect(cloud.transfers('PUT').map(({ path }) => path)).toContain('/v2/team/podman/manifests/2');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('podman logs in without a user name and logs out', async (context) => {
  const { podman, dockerConfigFile } = await preparePodman(context);
  const login = await podman('login', LOGIN_SERVER);
  expect(login).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining(`Already logged in to ${LOGIN_SERVER}`),
    stderr: '',
  });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  expect(readFileSync(dockerConfigFile, 'utf8')).not.toContain('"auth"');

  const logout = await podman('logout', LOGIN_SERVER);
  expect(logout).toEqual({ exitCode: 0, stdout: expect.stringContaining(`Removed login credentials`), stderr: '' });
  cloud.forget();
  expect((await podman('pull', IMAGE)).exitCode).toBe(0);
  // The logout has removed Entra's token too.
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('a podman service without an identity pulls with the credential of its remote client', async (context) => {
  const client = await preparePodman(context);
  const server = await preparePodman(context, { identity: 'nobody', credHelpers: [] });
  const socket = join(server.folder, 'podman.sock');
  server.start(partOf('podman'), ['system', 'service', '--time=0', `unix://${socket}`], {
    environment: server.storage,
  });
  await expect.poll(() => existsSync(socket), { timeout: 30_000 }).toBe(true);

  const pull = await client.podman('--remote', '--url', `unix://${socket}`, 'pull', IMAGE);
  expect(pull).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
  expect(pull.stderr).not.toContain('docker-credential-acr');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  const images = await server.podman('images', '--format', '{{.Repository}}:{{.Tag}}');
  expect(images).toEqual({ exitCode: 0, stdout: `${IMAGE}\n`, stderr: '' });
});

it('podman shows an error with a hint when the client secret is wrong', async (context) => {
  const { podman } = await preparePodman(context, { identity: 'wrong secret' });
  const { exitCode, stdout, stderr } = await podman('pull', IMAGE);
  expect(exitCode).toBe(125);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^docker-credential-acr: error: /m);
  expect(stderr).toMatch(/^hint: /m);
  expect(stderr).toContain('AADSTS7000215');
  expect(cloud.signIns()).toEqual(['entra 401']);
});

it('podman pulls anonymously from a public registry when nobody is signed in', async (context) => {
  const host = 'public.azurecr.io';
  const { podman } = await preparePodman(context, { identity: 'nobody', credHelpers: [host] });
  registryOf(cloud.emulator.state, host).anonymousPull = true;
  const pull = await podman('pull', `${host}/team/app:1`);
  expect(pull).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) });
  expect(pull.stderr).toMatch(/^docker-credential-acr: hint: .*; run: docker-credential-acr login /m);
  expect(cloud.signIns()).toEqual([]);
});

it('podman fails to pull from a private registry when nobody is signed in', async (context) => {
  const { podman } = await preparePodman(context, { identity: 'nobody' });
  const { exitCode, stdout, stderr } = await podman('pull', IMAGE);
  expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
  expect(stderr).toMatch(/unauthorized/i);
  expect(stderr).toMatch(/^docker-credential-acr: hint: .*; run: docker-credential-acr login /m);
  expect(cloud.signIns()).toEqual([]);
});
