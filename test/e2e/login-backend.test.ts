/** The configured backend for logins, as the Docker client sees it: pass, the file, or none. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { ENTRY, startPass } from './world/keychain.ts';
import type { Machine } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const PASSWORD = 'Admin+pass/word=1%';

const cloud = await openCloud();
registryOf(cloud.emulator.state, LOGIN_SERVER).adminUser = { username: 'admin', passwords: [PASSWORD] };
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});

async function setUp(context: TestContext) {
  needParts(context, 'docker');
  const pass = await startPass(machine, context);
  return (settings: object) => {
    const variables = { ...machine.configure(settings), DOCKER_HOST: `unix://${machine.folder}/no.sock` };
    const environment = { ...pass.environment, ...variables };
    return {
      listPass: async () => JSON.parse(await pass.ask('list')),
      login: () =>
        machine.run(partOf('docker'), ['login', LOGIN_SERVER, '-u', 'admin', '--password-stdin'], {
          environment,
          input: PASSWORD,
        }),
      helper: (verb: string, input: string) => machine.helper(verb, input, { environment }),
    };
  };
}

it('get moves a login from pass to the file and back, and never keeps it in both', async (context) => {
  const open = await setUp(context);
  const inPass = open({ store: 'keychain' });
  expect(await inPass.login()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
  const answer = { ServerURL: LOGIN_SERVER, Username: 'admin', Secret: PASSWORD };
  for (const [store, entries] of [
    ['file', {}],
    ['keychain', { [ENTRY]: 'admin' }],
  ] as const) {
    const person = open({ store });
    const { exitCode, stdout, stderr } = await person.helper('get', LOGIN_SERVER);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(answer);
    expect(await person.listPass()).toEqual(entries);
    const index = join(machine.folder, 'home', '.local', 'share', 'docker-credential-acr', 'credentials.json');
    expect(readFileSync(index, 'utf8').includes(PASSWORD)).toBe(store === 'file');
  }
  expect(cloud.signIns()).toEqual([]);
});

it('docker login reports that the configuration forbids the login, and nothing is kept', async (context) => {
  const open = await setUp(context);
  const person = open({ registries: { [LOGIN_SERVER]: { store: false } } });
  const login = await person.login();
  expect(login.exitCode).toBe(1);
  expect(login.stdout).not.toContain('Login Succeeded');
  expect(login.stderr).toMatch(/Cannot store the credential for contoso\.azurecr\.io: [^\n]*forbids it/);
  expect(await person.listPass()).toEqual({});
  expect(await person.helper('get', LOGIN_SERVER)).toMatchObject({
    exitCode: 1,
    stdout: 'credentials not found in native keychain\n',
  });
  const token = { ServerURL: LOGIN_SERVER, Username: NULL_GUID, Secret: 'eyJhbGciOiJub25lIn0.e30.' };
  expect(await person.helper('store', JSON.stringify(token))).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/^Cannot store the credential for [^\n]*forbids it[^\n]*\n$/),
  });
});
