/** What `doctor` writes when secrets, tokens, names and ids are everywhere: nothing of it gets into the report. */

import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CLIENT_ID, CLIENT_SECRET, OBJECT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { registryOf } from '../emulator/state.ts';
import { DoctorMachine, type Seen } from './diagnosis.ts';
import { CLIENT_SECRET_VARIABLES, NULL_GUID, openWorld, REGISTRY } from './world.ts';

const PERSON = 'alice.example@contoso.example';
const LOGIN = 'alice-admin';
const SECRET = 'Tr0ub4dor&3-and-more';
const ADDRESS = '203.0.113.77';
const REPOSITORY = 'secret-project/app';
/** What must not stand in a report, in any case. */
const PRIVATE = [
  ...[PERSON, 'alice', 'contoso', LOGIN, SECRET, ADDRESS, REPOSITORY, 'secret-project', 'myregistry', 'secondregistry'],
  ...[CLIENT_ID, OBJECT_ID, TENANT_ID, CLIENT_SECRET, 'hidden-password', 'eyJ', 'fabrikam'],
];

const world = await openWorld();
const machine = new DoctorMachine(world);
beforeEach(() => {
  machine.reset();
  world.emulator.state.registries.delete(REGISTRY);
});

/** The ids of others are gone too: nothing looks like a GUID, an address or a token. */
function expectPublic({ report, text }: Seen): void {
  for (const name of PRIVATE) expect(report.toLowerCase(), text).not.toContain(name.toLowerCase());
  expect(report).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}/i);
  expect(report).not.toMatch(/[\w.-]+@[\w-]+\.\w/);
  expect(report).not.toContain(machine.home);
  expect(report).not.toContain('\u001b');
  // One block, which nothing ends early.
  expect(report.match(/`+/g)).toEqual(['```', '```']);
}

/** Names and secrets in every place from which a line is made. */
function fillMachine(): void {
  machine.write(machine.dockerFile, {
    credHelpers: { [REGISTRY]: 'acr', 'https://secondregistry.azurecr.io': 'acr', 'fabrikam.example:5000': 'acr' },
    auths: { [REGISTRY]: { auth: Buffer.from(`${LOGIN}:${SECRET}`).toString('base64') } },
  });
  machine.write(join(machine.home, '.azure', 'azureProfile.json'), {
    subscriptions: [
      {
        ...{ id: TENANT_ID, name: 'fabrikam production', tenantId: TENANT_ID, isDefault: true },
        user: { name: PERSON, type: 'user' },
      },
    ],
  });
  const words = `${PERSON} of tenant ${TENANT_ID} at fabrikam: ${SECRET} \`\`\` \u001b[31m`;
  machine.install('az', `echo "ERROR: AADSTS50076: ${words.replaceAll('`', '')}" >&2; exit 1`);
  machine.install('docker-credential-pass', `echo 'gpg: alice <${PERSON}> ${SECRET}'; exit 1`);
}

const TARGET = `${REGISTRY}/${REPOSITORY}`;
const VARIABLES = { USER: 'alice', HOSTNAME: 'fabrikam-laptop' };

describe('a report tells nothing private', () => {
  test('of a machine that works', async () => {
    fillMachine();
    const seen = await machine.diagnose({ target: TARGET, variables: VARIABLES });
    expect(seen.text).toContain(CLIENT_ID);
    expectPublic(seen);
    expect(seen.report).toContain('client-secret signed in as ');
    expect(seen.report).toContain(`${CLIENT_ID.slice(0, 8)}…`);
    expect(seen.report).toContain('~/.docker/config.json');
    expect(seen.report).toContain('REGISTRY.azurecr.io');
  });

  test('of a failed sign-in with the Azure CLI', async () => {
    fillMachine();
    const seen = await machine.diagnose({
      target: TARGET,
      variables: { ...VARIABLES, AZURE_CLIENT_SECRET: undefined },
    });
    expect(seen.text).toContain('AADSTS50076');
    expect(seen.text).toContain(PERSON);
    expectPublic(seen);
    expect(seen.report).toContain('AADSTS50076');
  });

  test('of an identity without a role, and of a firewall', async () => {
    fillMachine();
    registryOf(world.emulator.state, REGISTRY).roles.set(OBJECT_ID, { actions: [] });
    expectPublic(await machine.diagnose({ target: TARGET, variables: VARIABLES }));
    registryOf(world.emulator.state, REGISTRY).firewall = ADDRESS;
    const blocked = await machine.diagnose({ target: TARGET, variables: VARIABLES });
    expect(blocked.text).toContain(ADDRESS);
    expectPublic(blocked);
  });

  test('of a stored login', async () => {
    fillMachine();
    const payload = { ServerURL: REGISTRY, Username: LOGIN, Secret: SECRET };
    await world.run('store', JSON.stringify(payload), { PATH: '/nowhere' });
    const seen = await machine.diagnose({ target: TARGET, variables: VARIABLES });
    expect(seen.text).toContain(`the stored login of ${LOGIN}`);
    for (const written of [seen.text, seen.json]) expect(written).not.toContain(SECRET);
    expectPublic(seen);
  });

  test('of a tenant, a proxy and a configuration with names', async () => {
    fillMachine();
    world.configure({ [REGISTRY]: { tenantId: 'fabrikam.onmicrosoft.com' }, 'secondregistry.azurecr.io': {} });
    const proxy = `http://alice:hidden-password@${new URL(world.emulator.proxyUrl).host}`;
    const variables = { ...VARIABLES, HTTPS_PROXY: proxy, https_proxy: proxy, AZURE_TENANT_ID: 'contoso.example' };
    for (const target of [TARGET, '']) {
      const seen = await machine.diagnose({ target, variables });
      for (const written of [seen.text, seen.json]) expect(written).not.toContain('hidden-password');
      expectPublic(seen);
    }
  });

  test('of a service that repeats what was sent to it', async () => {
    fillMachine();
    for (const host of ['login.microsoftonline.com', REGISTRY]) {
      const stop = world.emulator.inject({ host, echo: true, status: 401 });
      const seen = await machine.diagnose({ target: TARGET, variables: VARIABLES });
      stop();
      for (const written of [seen.text, seen.json]) expect(written).not.toContain(CLIENT_SECRET);
      expectPublic(seen);
    }
  });
});

test('JSON and lines have no token, whatever the registry is asked for', async () => {
  const { Secret } = await world.get(REGISTRY, CLIENT_SECRET_VARIABLES);
  await world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: NULL_GUID, Secret }), { PATH: '/nowhere' });
  const { text, json } = await machine.diagnose({ target: TARGET });
  for (const written of [text, json]) {
    expect(written).not.toContain('eyJ');
    expect(written).not.toContain(Secret.slice(0, 20));
  }
});
