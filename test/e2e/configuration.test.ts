/** The effects of the program's configuration on real clients. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine, MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;

const cloud = await openCloud();
let machine: Machine;

beforeEach(() => {
  registryOf(cloud.emulator.state, LOGIN_SERVER).anonymousPull = false;
});

/** Creates a machine with these settings of the registry, and returns its `crane` and `get`. */
async function configure(context: TestContext, settings: object, options: MachineOptions = {}) {
  machine = cloud.addMachine(options);
  needParts(context, 'crane', 'docker-registry');
  await cloud.seed('team/app', '1');
  const file = join(machine.folder, 'settings.json');
  writeFileSync(file, JSON.stringify({ registries: { [LOGIN_SERVER]: settings } }), { mode: 0o600 });
  const environment = { DOCKER_CREDENTIAL_ACR_CONFIG: file };
  return {
    crane: (...args: readonly string[]) => machine.run(partOf('crane'), args, { environment }),
    get: () => machine.helper('get', LOGIN_SERVER, { environment }),
  };
}

it('"identity-token" makes clients exchange the token themselves', async (context) => {
  const { crane, get } = await configure(context, { secret: 'identity-token' });
  expect(await crane('manifest', IMAGE)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  const tokenRequests = cloud.emulator.requests.filter(({ path }) => path === '/oauth2/token');
  expect(tokenRequests.map(({ method, form }) => [method, form['grant_type']])).toContainEqual([
    'POST',
    'refresh_token',
  ]);
  expect(JSON.parse((await get()).stdout)).toMatchObject({ Username: '<token>' });
});

it('"access-token" returns a token that pulls what its scope names and nothing else', async (context) => {
  const { crane, get } = await configure(context, { secret: 'access-token', scope: ['repository:team/app:pull'] });
  const answer = await get();
  expect(answer).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(answer.stdout)).toMatchObject({ ServerURL: LOGIN_SERVER, Username: NULL_GUID });
  expect(await crane('manifest', IMAGE)).toMatchObject({ exitCode: 0, stderr: '' });
  const copy = await crane('copy', IMAGE, `${LOGIN_SERVER}/team/stolen:1`);
  expect(copy).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/UNAUTHORIZED|DENIED|403|401/) });
  expect(cloud.transfers('PUT')).toEqual([]);
});

it('"anonymous" lets crane pull without a sign-in or a message', async (context) => {
  const { crane } = await configure(context, { anonymous: true });
  registryOf(cloud.emulator.state, LOGIN_SERVER).anonymousPull = true;
  expect(await crane('manifest', IMAGE)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(cloud.signIns()).toEqual([]);
});

it('"onError": "anonymous" lets crane pull from a public registry when the sign-in fails', async (context) => {
  const { crane } = await configure(context, { onError: 'anonymous' }, { identity: 'wrong secret' });
  registryOf(cloud.emulator.state, LOGIN_SERVER).anonymousPull = true;
  expect(await crane('manifest', IMAGE)).toMatchObject({ exitCode: 0 });
  expect(cloud.signIns()).toEqual(['entra 401']);
});

it('get reports a mistake in the configuration with the file and the key', async (context) => {
  const { get } = await configure(context, { secrets: 'access-token' });
  const { exitCode, stdout, stderr } = await get();
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^Cannot [^\n`]*settings\.json[^\n`]*secrets[^\n`]*\n$/);
  expect(stderr).toMatch(/^docker-credential-acr: error: /);
  expect(cloud.emulator.connects).toEqual([]);
});
