/** The real Azure CLI with several accounts: whose token `get` returns, and what it reports when there is none. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { expectAnswer, expectFailure, expectNotFound } from './world/answer.ts';
import { type Account, type AzureCli, installAzureCli } from './world/azure-cli.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { needParts } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';
import { addSecondTenant, OTHER_SERVER, SECOND_SUBSCRIPTION_ID } from './world/two-tenants.ts';

const GET_TOKEN = 'account get-access-token --output json --resource https://containerregistry.azure.net';

const cloud = await openCloud();
const { contoso, fabrikam, pem } = await addSecondTenant(cloud);
const registry = registryOf(cloud.emulator.state, LOGIN_SERVER);

let machine: Machine;
let cli: AzureCli;

beforeEach((context: TestContext) => {
  machine = cloud.addMachine({ identity: 'nobody' });
  registry.homeTenant = contoso.tenant.id;
  needParts(context, 'az');
  cli = installAzureCli(machine);
});

function forget(): void {
  cloud.forget();
  cli.forgetCalls();
}

/** Signs in with these accounts; the last one becomes the default. */
async function signIn(...accounts: readonly Account[]): Promise<void> {
  for (const account of accounts) await cli.signIn(account);
  forget();
}

const get = (serverUrl = LOGIN_SERVER, environment: Readonly<Record<string, string>> = {}) =>
  machine.helper('get', serverUrl, { environment: { ...cli.environment, ...environment } });

/** Expects an answer from the cache: no `az`, no network. */
async function expectCached(secret: string, serverUrl = LOGIN_SERVER, environment = {}): Promise<void> {
  forget();
  expect(expectAnswer(await get(serverUrl, environment)).secret).toBe(secret);
  expect(cli.calls()).toEqual([]);
  expect(cloud.emulator.connects).toEqual([]);
}

describe('a service principal signed in to the Azure CLI', () => {
  it('with a secret lets get sign in once and then answer from the cache', async () => {
    await signIn(contoso.account);
    const answer = expectAnswer(await get());
    expect(answer).toMatchObject({ subject: contoso.objectId, tenant: contoso.tenant.id });
    expect(cli.calls()).toEqual([GET_TOKEN]);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    const [request] = cloud.emulator.requests.filter(({ path }) => path.endsWith('/oauth2/v2.0/token'));
    expect(request?.form).toMatchObject({
      client_id: contoso.account.clientId,
      client_secret: contoso.account.secret,
    });
    for (const _ of [1, 2]) await expectCached(answer.secret);
  });

  it('with a certificate lets get sign in once and then answer from the cache', async () => {
    const certificateFile = join(machine.folder, 'both.pem');
    writeFileSync(certificateFile, pem, { mode: 0o600 });
    await signIn({ clientId: fabrikam.account.clientId, tenantId: fabrikam.account.tenantId, certificateFile });
    const answer = expectAnswer(await get(OTHER_SERVER));
    expect(answer).toMatchObject({ subject: fabrikam.objectId, tenant: fabrikam.tenant.id });
    expect(cli.calls()).toEqual([GET_TOKEN]);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
    const [request] = cloud.emulator.requests.filter(({ path }) => path.endsWith('/oauth2/v2.0/token'));
    expect(Object.keys(request?.form ?? {})).toContain('client_assertion');
    // Neither the key nor the CLI is needed any more.
    rmSync(certificateFile);
    await expectCached(answer.secret, OTHER_SERVER, { PATH: machine.environment['PATH'] ?? '' });
  });
});

describe('az account set', () => {
  it('switches to the token of another account at once, and back without a sign-in', async () => {
    await signIn(contoso.account);
    const first = expectAnswer(await get());
    await signIn(fabrikam.account);
    registry.homeTenant = fabrikam.tenant.id; // so that the second account has access
    const second = expectAnswer(await get());
    expect([first, second].map(({ subject }) => subject)).toEqual([contoso.objectId, fabrikam.objectId]);
    expect(cli.calls()).toEqual([GET_TOKEN]);

    await cli.run(['account', 'set', '--subscription', contoso.subscriptionId]);
    await expectCached(first.secret);
    await cli.run(['account', 'set', '--subscription', 'Fabrikam']);
    await expectCached(second.secret);
  });

  it('keeps the token when it selects another subscription of the same account', async () => {
    await signIn(contoso.account);
    const { secret } = expectAnswer(await get());
    await cli.run(['account', 'set', '--subscription', 'Second one']);
    await expectCached(secret);
  });
});

/** Configuration folders of the CLI. */
interface Profiles {
  readonly own: string;
  readonly others: string;
}

describe('the choice among accounts', () => {
  /** Prepares two configuration folders of the CLI with an account in each. */
  async function prepare(): Promise<Profiles> {
    const own = join(machine.folder, 'azure-own');
    const others = join(machine.folder, 'azure-others');
    mkdirSync(own);
    await cli.signIn(contoso.account, { AZURE_CONFIG_DIR: own });
    // A copied folder in which another account signs in, as is common for a new project.
    cpSync(own, others, { recursive: true });
    await cli.signIn(fabrikam.account, { AZURE_CONFIG_DIR: others });
    forget();
    return { own, others };
  }

  it('follows AZURE_CONFIG_DIR', async () => {
    const { own, others } = await prepare();
    const mine = expectAnswer(await get(LOGIN_SERVER, { AZURE_CONFIG_DIR: own }));
    const theirs = expectAnswer(await get(OTHER_SERVER, { AZURE_CONFIG_DIR: others }));
    expect([mine.subject, theirs.subject]).toEqual([contoso.objectId, fabrikam.objectId]);
    await expectCached(mine.secret, LOGIN_SERVER, { AZURE_CONFIG_DIR: own });
    await expectCached(theirs.secret, OTHER_SERVER, { AZURE_CONFIG_DIR: others });
    // Nobody is signed in to the default folder.
    expect(expectNotFound(await get()).hint).toContain('az login');
  });

  it('follows the "configDir" of each registry', async () => {
    const { own, others } = await prepare();
    const environment = machine.configure({
      registries: {
        [LOGIN_SERVER]: { identity: { type: 'azure-cli', configDir: own } },
        'fabri*.azurecr.io': { identity: { type: 'azure-cli', configDir: others } },
      },
    });
    const mine = expectAnswer(await get(LOGIN_SERVER, environment));
    const theirs = expectAnswer(await get(OTHER_SERVER, environment));
    expect([mine.subject, theirs.subject]).toEqual([contoso.objectId, fabrikam.objectId]);
    expect(cli.calls()).toEqual([GET_TOKEN, GET_TOKEN]);
  });

  it('follows the "subscription" of each registry, whatever the default is', async () => {
    await signIn(contoso.account, fabrikam.account);
    const environment = machine.configure({
      registries: {
        [LOGIN_SERVER]: { identity: { type: 'azure-cli', subscription: 'second ONE' } },
        [OTHER_SERVER]: { identity: { type: 'azure-cli', subscription: fabrikam.subscriptionId } },
      },
    });
    const mine = expectAnswer(await get(LOGIN_SERVER, environment));
    const theirs = expectAnswer(await get(OTHER_SERVER, environment));
    expect([mine.subject, theirs.subject]).toEqual([contoso.objectId, fabrikam.objectId]);
    expect(cli.calls()).toEqual(
      [SECOND_SUBSCRIPTION_ID, fabrikam.subscriptionId].map((id) => `${GET_TOKEN} --subscription ${id}`),
    );
    await cli.run(['account', 'set', '--subscription', contoso.subscriptionId]);
    await expectCached(theirs.secret, OTHER_SERVER, environment);
  });

  it('fails with a hint at az account list when the subscription is unknown', async () => {
    await signIn(contoso.account);
    const environment = machine.configure({
      registries: { [LOGIN_SERVER]: { identity: { type: 'azure-cli', subscription: 'Fabrikam' } } },
    });
    const story = expectFailure(await get(LOGIN_SERVER, environment));
    expect(story).toContain('no subscription "Fabrikam"');
    expect(story).toContain('hint: az account list --all');
    expect(cli.calls()).toEqual([]);
    expect(cloud.emulator.connects).toEqual([]);
  });
});
