/** The real Azure CLI with an account that no longer works: what `get` reports, and what it still answers. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { addApplication, type ClientSecret } from '../emulator/state.ts';
import { expectAnswer, expectFailure, expectNotFound } from './world/answer.ts';
import { type AzureCli, installAzureCli } from './world/azure-cli.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { needParts } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';
import { addSecondTenant, OTHER_SERVER, type Party } from './world/two-tenants.ts';

const cloud = await openCloud();
const { contoso, fabrikam } = await addSecondTenant(cloud);
const { secrets } = contoso.application;

let machine: Machine;
let cli: AzureCli;

beforeEach(async (context: TestContext) => {
  machine = cloud.addMachine({ identity: 'nobody' });
  Object.assign(contoso.application, { secrets, enabled: true });
  needParts(context, 'az');
  cli = installAzureCli(machine);
  await cli.signIn(contoso.account);
  forget();
});

function forget(): void {
  cloud.forget();
  cli.forgetCalls();
}
const get = (serverUrl = LOGIN_SERVER, environment = {}) =>
  machine.helper('get', serverUrl, { environment: { ...cli.environment, ...environment } });

/** Removes the CLI's cached Entra tokens, so that it has to ask Entra again. */
function forgetEntraTokens(): void {
  rmSync(join(machine.folder, 'home', '.azure', 'msal_token_cache.json'));
}

function formatSignInHint({ account }: Party): string {
  return `hint: az login --service-principal --username ${account.clientId} --tenant ${account.tenantId} (`;
}

it('get answers not found with a hint and starts no az when the CLI is signed out of every account', async () => {
  expectAnswer(await get());
  await cli.run(['logout']);
  forget();
  const { hint, sources } = expectNotFound(await get());
  expect(hint).toBe(
    `no Azure identity is set up for ${LOGIN_SERVER}; run: docker-credential-acr login ${LOGIN_SERVER}, or az login`,
  );
  expect(sources).toContainEqual(['azure-cli', 'the Azure CLI is not signed in']);
  expect(cli.calls()).toEqual([]);
  expect(cloud.emulator.connects).toEqual([]);
});

it('get uses no account after the default one was signed out, until another one is selected', async () => {
  const { secret } = expectAnswer(await get());
  await cli.signIn(fabrikam.account);
  await cli.run(['logout', '--username', fabrikam.account.clientId]);
  forget();
  const reason = 'the Azure CLI has no default subscription: az account set --subscription NAME';
  expect(expectNotFound(await get()).sources).toContainEqual(['azure-cli', reason]);
  expect(cli.calls()).toEqual([]);

  await cli.run(['account', 'set', '--subscription', contoso.subscriptionId]);
  forget();
  expect(expectAnswer(await get()).secret).toBe(secret);
  expect(cloud.emulator.connects).toEqual([]);
});

it('get answers not found after az account clear', async () => {
  expectAnswer(await get());
  await cli.run(['account', 'clear']);
  forget();
  expect(expectNotFound(await get()).sources).toContainEqual(['azure-cli', 'the Azure CLI is not signed in']);
  expect(cli.calls()).toEqual([]);
});

describe('when the secret of the service principal', () => {
  const rows: readonly (readonly [what: string, secrets: readonly ClientSecret[], meaning: string, code: string])[] = [
    ['was revoked', [{ value: 'another-secret-Q~x' }], 'the client secret is wrong', 'AADSTS7000215'],
    [
      'has expired',
      [{ value: contoso.account.secret ?? '', expiresAtSeconds: 1 }],
      'the client secret has expired',
      'AADSTS7000222',
    ],
  ];
  it.each(rows)('%s, get quotes az and reports how to sign in again', async (_what, now, meaning, code) => {
    contoso.application.secrets = [...now];
    forgetEntraTokens();
    const story = expectFailure(await get());
    const account = `the Azure CLI's account ${contoso.account.clientId}`;
    expect(story).toContain(`Cannot sign in for ${LOGIN_SERVER}: ${meaning} for ${account} (${code})\n`);
    expect(story).toMatch(new RegExp(`^cause: az: ERROR: ${code}: `, 'm'));
    expect(story).toContain(`\n${formatSignInHint(contoso)}`);
    expect(cli.calls()).toHaveLength(1);
    expect(cloud.signIns()).toEqual(['entra 401']);
  });

  it('was revoked, get still answers from the cache, and fails without it', async () => {
    const { secret } = expectAnswer(await get());
    contoso.application.secrets = [{ value: 'another-secret-Q~x' }];
    forgetEntraTokens();
    forget();
    expect(expectAnswer(await get()).secret).toBe(secret);
    expect(cli.calls()).toEqual([]);
    rmSync(join(machine.folder, 'cache'), { recursive: true });
    expect(expectFailure(await get())).toContain('AADSTS7000215');
  });

  it('was replaced, get works after az has signed in with the new one', async () => {
    contoso.application.secrets = [{ value: 'another-secret-Q~x' }];
    await cli.signIn({ ...contoso.account, secret: 'another-secret-Q~x' });
    expect(expectAnswer(await get()).subject).toBe(contoso.objectId);
  });
});

it('get reports that the account has to sign in again when the CLI has lost its secret', async () => {
  forgetEntraTokens();
  rmSync(join(machine.folder, 'home', '.azure', 'service_principal_entries.json'));
  const story = expectFailure(await get());
  expect(story).toContain(`the Azure CLI's account ${contoso.account.clientId} has to sign in again\n`);
  expect(story).toMatch(/^cause: az: ERROR: Could not retrieve credential from local cache/m);
  expect(story).toContain(`\n${formatSignInHint(contoso)}`);
  expect(cloud.signIns()).toEqual([]);
});

it('get reports a disabled application', async () => {
  contoso.application.enabled = false;
  forgetEntraTokens();
  const story = expectFailure(await get());
  expect(story).toContain('the application is disabled');
  expect(story).toContain('AADSTS7000112');
});

describe('a registry of another tenant', () => {
  it('refuses the account, and get names the tenant of the sign-in', async () => {
    const story = expectFailure(await get(OTHER_SERVER));
    expect(story).toContain(`${contoso.account.clientId} has no role on the registry, or belongs to another tenant\n`);
    expect(story).toContain(`\ncause: the identity signed in to tenant ${contoso.tenant.id}\n`);
    expect(story).toMatch(/^cause: correlation id [\da-f-]{36}$/m);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 401']);
  });

  const atFabrikam = () => machine.configure({ registries: { [OTHER_SERVER]: { tenantId: fabrikam.tenant.id } } });

  it('fails with "tenantId" when that tenant does not have the application', async () => {
    const story = expectFailure(await get(OTHER_SERVER, atFabrikam()));
    expect(story).toContain('the application is not in this tenant');
    expect(story).toContain('AADSTS700016');
    expect(story).toContain(fabrikam.tenant.name);
    expect(cli.calls()).toEqual([expect.stringMatching(new RegExp(` --tenant ${fabrikam.tenant.id}$`))]);
  });

  it('works with "tenantId" when that tenant has the application', async () => {
    const { clientId, secret = '' } = contoso.account;
    const guest = addApplication(fabrikam.tenant, { clientId, objectId: randomUUID(), secret });
    try {
      const answer = expectAnswer(await get(OTHER_SERVER, atFabrikam()));
      expect(answer).toMatchObject({ subject: guest.objectId, tenant: fabrikam.tenant.id });
      // The registries of its own tenant still work.
      expect(expectAnswer(await get(LOGIN_SERVER, atFabrikam())).tenant).toBe(contoso.tenant.id);
    } finally {
      fabrikam.tenant.applications.delete(clientId);
    }
  });
});
