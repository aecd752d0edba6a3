/** The real Azure CLI: as the identity that `get` signs in with, and as a client that logs Docker in. */
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { CLIENT_ID, CLIENT_SECRET, findTenant, registryOf, TENANT_ID } from '../emulator/state.ts';
import { type AzureCli, installAzureCli } from './world/azure-cli.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { startDockerEngine } from './world/docker-engine.ts';
import type { Machine } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});

/** Installs `az` on the machine and signs it in. */
async function signIn(context: TestContext): Promise<AzureCli> {
  needParts(context, 'az');
  const cli = installAzureCli(machine);
  await cli.signIn({ clientId: CLIENT_ID, tenantId: TENANT_ID, secret: CLIENT_SECRET });
  cli.forgetCalls();
  cloud.forget();
  return cli;
}

it('get signs in with the account of the Azure CLI, and then answers without starting it', async (context) => {
  const { environment, calls } = await signIn(context);
  const cold = await machine.helper('get', LOGIN_SERVER, { environment });
  expect(cold).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(cold.stdout)).toMatchObject({ ServerURL: LOGIN_SERVER });
  expect(calls()).toHaveLength(1);
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  cloud.forget();
  expect(await machine.helper('get', LOGIN_SERVER, { environment })).toEqual(cold);
  // Without `az` on PATH the answer is still there.
  expect(await machine.helper('get', LOGIN_SERVER)).toEqual(cold);
  expect(calls()).toHaveLength(1);
  expect(cloud.emulator.connects).toEqual([]);
});

it('get answers not found after az logout, with a hint at az login', async (context) => {
  const { environment, run, calls, forgetCalls } = await signIn(context);
  expect((await machine.helper('get', LOGIN_SERVER, { environment })).exitCode).toBe(0);
  await run(['logout']);

  cloud.forget();
  forgetCalls();
  expect(await machine.helper('get', LOGIN_SERVER, { environment })).toEqual({
    exitCode: 1,
    stdout: 'credentials not found in native keychain\n',
    stderr: expect.stringMatching(/^docker-credential-acr: hint: [^\n]*az login\n( {2}[\w-]+: [^\n]+\n)+$/),
  });
  expect(calls()).toEqual([]);
  expect(cloud.emulator.connects).toEqual([]);
});

it('get passes on the error of the Azure CLI when its secret was replaced', async (context) => {
  const { environment } = await signIn(context);
  const application = findTenant(cloud.emulator.state, TENANT_ID)?.applications.get(CLIENT_ID);
  if (application === undefined) throw new Error('The emulator has no application to sign in with');
  const { secrets } = application;
  application.secrets = [{ value: 'another-secret-Q~x' }];
  try {
    const { exitCode, stdout, stderr } = await machine.helper('get', LOGIN_SERVER, { environment });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^Cannot [^\n`]*AADSTS7000215[^\n`]*\n$/);
    expect(stderr).toMatch(/^docker-credential-acr: error: /);
    expect(stderr).toMatch(/^hint: az login/m);
    expect(cloud.signIns()).toEqual(['entra 401']);
  } finally {
    application.secrets = secrets;
  }
});

it('az acr login stores its token in the program, which returns it until docker logout', async (context) => {
  needParts(context, 'docker', 'dockerd', 'docker-registry');
  needRoot(context);
  const { environment } = await signIn(context);
  registryOf(cloud.emulator.state, LOGIN_SERVER);
  symlinkSync(partOf('docker'), join(machine.folder, 'az-bin', 'docker'));
  const withEngine = { ...environment, DOCKER_HOST: await startDockerEngine(machine) };

  const login = await machine.run('az', ['acr', 'login', '-n', 'contoso'], { environment: withEngine });
  expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
  expect(readFileSync(machine.dockerConfigFile, 'utf8')).not.toMatch(/"(auth|identitytoken)"/);

  cloud.forget();
  const kept = await machine.helper('get', LOGIN_SERVER);
  expect(kept).toMatchObject({ exitCode: 0, stderr: '' });
  expect(cloud.emulator.connects).toEqual([]);

  await cloud.seed('team/app', '1');
  const docker = (...args: readonly string[]) =>
    machine.run(partOf('docker'), args, { environment: { DOCKER_HOST: withEngine.DOCKER_HOST } });
  const pull = await docker('pull', `${LOGIN_SERVER}/team/app:1`);
  expect(pull).toEqual({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image'), stderr: '' });
  expect(cloud.signIns()).toEqual([]);

  expect(await docker('logout', LOGIN_SERVER)).toMatchObject({ exitCode: 0, stderr: '' });
  cloud.forget();
  const after = await machine.helper('get', LOGIN_SERVER, { environment });
  expect(after).toMatchObject({ exitCode: 0, stderr: '' });
  expect(after.stdout).not.toBe(kept.stdout);
  // The CLI still has the Entra token that `az acr login` asked for.
  expect(cloud.signIns()).toEqual(['exchange 200']);
});
