/** A user who signed in to the real Azure CLI: the token, and the error when Entra demands another sign-in. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { USER_NAME } from '../emulator/state-sign-in.ts';
import { expectAnswer, expectFailure } from './world/answer.ts';
import { type AzureCli, installAzureCli } from './world/azure-cli.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { needParts } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';
import { addSecondTenant, OTHER_SERVER } from './world/two-tenants.ts';

const cloud = await openCloud();
const { contoso, fabrikam } = await addSecondTenant(cloud);
const { signIn } = cloud.emulator.state;

let machine: Machine;
let cli: AzureCli;

beforeEach(async (context: TestContext) => {
  machine = cloud.addMachine({ identity: 'nobody' });
  signIn.refusal = undefined;
  needParts(context, 'az');
  cli = installAzureCli(machine);
  await logIn([]);
});

/** Signs in with a device code, which the emulated user enters at once. */
async function logIn(args: readonly string[]): Promise<void> {
  const login = ['login', '--use-device-code', '--output', 'none', ...args];
  const { exitCode, stderr } = await machine.run('az', login, { environment: cli.environment });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/^To sign in, [^\n]+\n$/) });
  cli.forgetCalls();
  cloud.forget();
}

const get = (serverUrl = LOGIN_SERVER, environment = {}) =>
  machine.helper('get', serverUrl, { environment: { ...cli.environment, ...environment } });

it('get signs in as the user, and then answers from the cache without az', async () => {
  const answer = expectAnswer(await get());
  expect(answer).toMatchObject({ subject: USER_NAME, tenant: contoso.tenant.id });
  expect(cli.calls()).toHaveLength(1);
  cloud.forget();
  rmSync(join(machine.folder, 'az-bin'), { recursive: true });
  expect(expectAnswer(await get()).secret).toBe(answer.secret);
  expect(cloud.emulator.connects).toEqual([]);
});

it.each([
  ['has expired', undefined, 'the sign-in has expired', 'AADSTS50173'],
  [
    'needs a second factor',
    {
      error: 'interaction_required',
      code: 50_076,
      text: 'Due to a configuration change made by your administrator, you must use multi-factor authentication.',
      suberror: 'basic_action',
    },
    'multi-factor authentication is needed',
    'AADSTS50076',
  ],
])(
  'get reports a command that helps when the sign-in of the user %s, and works after it',
  async (_what, refusal, meaning, code) => {
    signIn.refusal = refusal;
    for (const token of signIn.refreshTokens.values()) token.isRevoked = refusal === undefined;
    const story = expectFailure(await get());
    expect(story).toContain(`: ${meaning} for the Azure CLI's account ${USER_NAME} (${code})\n`);
    expect(story).toMatch(new RegExp(`^cause: az: ERROR: ${code}: `, 'm'));
    const [, command = ''] = /^hint: az login (.+)$/m.exec(story) ?? [];
    expect(command).toBe(`--tenant "${contoso.tenant.id}" --scope "https://containerregistry.azure.net/.default"`);

    signIn.refusal = undefined;
    await logIn(command.replaceAll('"', '').split(' '));
    expect(expectAnswer(await get()).subject).toBe(USER_NAME);
  },
);

it('get serves a guest in another tenant when "tenantId" names that tenant, and fails otherwise', async () => {
  const story = expectFailure(await get(OTHER_SERVER));
  expect(story).toContain(`${USER_NAME} has no role on the registry, or belongs to another tenant\n`);
  expect(story).toContain(`\ncause: the identity signed in to tenant ${contoso.tenant.id}\n`);

  cli.forgetCalls();
  const environment = machine.configure({ registries: { [OTHER_SERVER]: { tenantId: fabrikam.tenant.id } } });
  const answer = expectAnswer(await get(OTHER_SERVER, environment));
  expect(answer).toMatchObject({ subject: USER_NAME, tenant: fabrikam.tenant.id });
  expect(cli.calls()).toEqual([expect.stringMatching(new RegExp(` --tenant ${fabrikam.tenant.id}$`))]);
});
