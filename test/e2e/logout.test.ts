/** A logout by any client leaves nothing of a registry, stored or cached, however the registry was named. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { NULL_GUID, registryOf } from '../emulator/state.ts';
import { expectAnswer } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import { type Machine, writeDockerConfig } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const PASSWORD = 'Admin+pass/word=1%';
const REGIONAL = 'contoso.westeurope.geo.azurecr.io';
const OTHER_SERVER = 'fabrikam.azurecr.io';
const OTHER_PASSWORD = 'Another+pass/word=1%';
/** One registry in every form in which a client names it to the program. */
const FORMS = [
  LOGIN_SERVER,
  `${LOGIN_SERVER}:443`,
  `https://${LOGIN_SERVER}`,
  'CONTOSO.azurecr.io',
  REGIONAL,
  `https://${LOGIN_SERVER}/v2/`,
];

const cloud = await openCloud();
registryOf(cloud.emulator.state, LOGIN_SERVER);
cloud.emulator.state.issuedSecrets.add(PASSWORD).add(OTHER_PASSWORD);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ credHelpers: [LOGIN_SERVER, `${LOGIN_SERVER}:443`, REGIONAL, OTHER_SERVER] });
});

/** Every client's way to log out of one name of the registry, or of all registries. */
const LOGOUTS: readonly (readonly [name: string, program: string, args: readonly string[], isOfAll?: true])[] = [
  ['docker logout', 'docker', ['logout', LOGIN_SERVER]],
  ['docker logout of a URL', 'docker', ['logout', `https://${LOGIN_SERVER}`]],
  ['docker logout with a port', 'docker', ['logout', `${LOGIN_SERVER}:443`]],
  ['docker logout of a region', 'docker', ['logout', REGIONAL]],
  ['podman logout', 'podman', ['logout', LOGIN_SERVER]],
  ['podman logout with a port', 'podman', ['logout', `${LOGIN_SERVER}:443`]],
  ['podman logout of a region', 'podman', ['logout', REGIONAL]],
  ['podman logout --all', 'podman', ['logout', '--all'], true],
  ['helm registry logout', 'helm', ['registry', 'logout', LOGIN_SERVER]],
];

describe.each(LOGIN_BACKENDS)('with logins kept in %s', (where) => {
  async function setUp(context: TestContext, program: string) {
    needParts(context, program);
    const kept = await prepareLoginBackend(where, machine, context);
    const helmConfig = join(machine.folder, 'helm.json');
    writeFileSync(helmConfig, writeDockerConfig([LOGIN_SERVER]));
    // There is no engine, and none is needed.
    const variables = { HELM_REGISTRY_CONFIG: helmConfig, DOCKER_HOST: `unix://${machine.folder}/no.sock` };
    const environment = { ...kept.environment, ...variables };
    return { kept, environment, helper: (verb: string, input = '') => machine.helper(verb, input, { environment }) };
  }

  async function store(
    helper: Awaited<ReturnType<typeof setUp>>['helper'],
    ServerURL: string,
    Username: string,
    Secret: string,
  ): Promise<void> {
    const stored = await helper('store', JSON.stringify({ ServerURL, Username, Secret }));
    expect(stored).toMatchObject({ exitCode: 0, stdout: '' });
  }

  it.for(LOGOUTS)('%s removes the stored login and the cached token, and nothing else', async (row, context) => {
    const [, program, args, isOfAll] = row;
    const { kept, environment, helper } = await setUp(context, program);
    const logout = () => machine.run(partOf(program), args, { environment });
    const config = writeDockerConfig([LOGIN_SERVER, `${LOGIN_SERVER}:443`, REGIONAL, OTHER_SERVER]);
    await store(helper, OTHER_SERVER, 'somebody', OTHER_PASSWORD);
    const others = isOfAll ? {} : { [OTHER_SERVER]: 'somebody' };

    // A login with a password.
    await store(helper, LOGIN_SERVER, 'admin', PASSWORD);
    expect(await kept.users()).toEqual({ [OTHER_SERVER]: 'somebody', [LOGIN_SERVER]: 'admin' });
    expect(await logout()).toMatchObject({ exitCode: 0 });
    expect(await kept.users()).toEqual(others);
    expect(cloud.emulator.connects).toEqual([]);

    // A token of our own sign-in, and then one that a client stores. `podman logout --all` removes credHelpers.
    writeFileSync(machine.dockerConfigFile, config);
    const own = expectAnswer(await helper('get', LOGIN_SERVER));
    expect(readTokens()).toHaveLength(1);
    await store(helper, LOGIN_SERVER, NULL_GUID, own.secret);
    expect(readTokens()).toHaveLength(2);
    cloud.forget();
    const ended = await logout();
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(ended.stderr).not.toContain('docker-credential-acr');
    expect(readTokens()).toEqual([]);
    expect(cloud.emulator.connects).toEqual([]);
    expect(expectAnswer(await helper('get', LOGIN_SERVER)).secret).not.toBe(own.secret);
    expect(cloud.signIns()).toContain('exchange 200');
    expect(await logout()).toMatchObject({ exitCode: 0 });
    // Once more, with nothing there.
    writeFileSync(machine.dockerConfigFile, config);
    expect(await logout()).toMatchObject({ exitCode: 0 });
  });

  it('a login stored under one name is returned and erased under every other', async (context) => {
    const { kept, helper } = await setUp(context, 'docker');
    for (const [index, form] of FORMS.entries()) {
      await store(helper, form, 'admin', PASSWORD);
      expect(await kept.users(), form).toEqual({ [LOGIN_SERVER]: 'admin' });
      const { stdout: list } = await helper('list', 'unused');
      expect(JSON.parse(list), form).toMatchObject({ [LOGIN_SERVER]: 'admin' });
      for (const other of FORMS) {
        const answer = JSON.parse((await helper('get', other)).stdout);
        expect(answer, `${form} as ${other}`).toEqual({ ServerURL: other, Username: 'admin', Secret: PASSWORD });
      }
      const next = FORMS[(index + 1) % FORMS.length] ?? '';
      expect(await helper('erase', next)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      expect(await kept.users(), `${form} by ${next}`).toEqual({});
    }
    expect(cloud.emulator.connects).toEqual([]);
  });
});

describe.each(LOGIN_BACKENDS)('with logins kept in %s', (where) => {
  it('docker logout erases a login for http too, which no https name returns', async (context) => {
    needParts(context, 'docker');
    const kept = await prepareLoginBackend(where, machine, context);
    const environment = { ...kept.environment, DOCKER_HOST: `unix://${machine.folder}/no.sock` };
    const helper = (verb: string, input: string) => machine.helper(verb, input, { environment });
    const plain = `http://${LOGIN_SERVER}`;
    for (const [server, username] of [
      [LOGIN_SERVER, 'admin'],
      [plain, 'plain'],
    ] as const) {
      const login = JSON.stringify({ ServerURL: server, Username: username, Secret: PASSWORD });
      expect(await helper('store', login)).toMatchObject({ exitCode: 0 });
    }
    for (const form of FORMS) expect(JSON.parse((await helper('get', form)).stdout)['Username']).toBe('admin');
    expect(JSON.parse((await helper('get', plain)).stdout)['Username']).toBe('plain');
    expect(await machine.run(partOf('docker'), ['logout', LOGIN_SERVER], { environment })).toMatchObject({
      exitCode: 0,
    });
    expect(await kept.users()).toEqual({});
  });
});

function readTokens(): readonly string[] {
  const tokens = readdirSync(join(machine.folder, 'cache', 'tokens'));
  return tokens.filter((name) => name.startsWith(`${LOGIN_SERVER}_`));
}
