/** The Azure CLI account of the subscription that the configuration names. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AZURE_CLI } from '../../../../src/identity/developer-tools/azure-cli.ts';
import type { JsonObject } from '../../../../src/json.ts';
import { catchFailure } from '../../failure.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const findAzureCli = finderOf(AZURE_CLI);

const folder = useTemporaryFolder();

const subscription = (id: string, name: string, tenantId: string, user: object, isDefault = false) => ({
  id,
  name,
  isDefault,
  tenantId,
  environmentName: 'AzureCloud',
  user: { type: 'user', ...user },
});

const PROFILE = {
  subscriptions: [
    subscription('1', 'Main', 'tenant-1', { name: 'ada@example.com' }, true),
    subscription('2', 'Guest of another', 'tenant-2', { name: 'ada@example.com' }),
    subscription('3', 'Robots', 'tenant-1', { name: 'robot' }),
    subscription('4', 'Twin', 'tenant-1', { name: 'ada@example.com' }),
    subscription('5', 'twin', 'tenant-2', { name: 'ada@example.com' }),
    subscription('6', 'Shell', 'tenant-1', { name: 'shell@example.com', cloudShellID: true }),
  ],
};

function find(parameters: JsonObject) {
  writeFileSync(folder.path('azureProfile.json'), JSON.stringify(PROFILE));
  return findAzureCli(requestFor({ AZURE_CONFIG_DIR: folder.path() }, parameters));
}
const description = (parameters: JsonObject) => expectIdentity(find(parameters)).description;

describe('the account', () => {
  test.each([
    ['1', 'azure-cli ada@example.com tenant-1 AzureCloud'],
    ['Main', 'azure-cli ada@example.com tenant-1 AzureCloud'],
    ['mAIN', 'azure-cli ada@example.com tenant-1 AzureCloud'],
    ['guest of another', 'azure-cli ada@example.com tenant-2 AzureCloud'],
    ['robots', 'azure-cli robot tenant-1 AzureCloud'],
    ['4', 'azure-cli ada@example.com tenant-1 AzureCloud'],
  ])('of subscription %j is %s', (name, expected) => {
    expect(description({ subscription: name })).toBe(expected);
  });

  test('of two subscriptions is the same when they have the same user and tenant', () => {
    expect(description({ subscription: '4' })).toBe(description({}));
  });

  test('of Cloud Shell keeps its own tenant', () => {
    expect(description({ subscription: '6', tenantId: 'tenant-2' })).toContain('tenant-1');
  });
});

describe('a subscription', () => {
  test.each([
    [{ subscription: 'none' }, 'the Azure CLI has no subscription "none"'],
    [{ subscription: 'twin' }, 'the Azure CLI has more than one subscription "twin"'],
  ])('such as %j is rejected, since it names no account or more than one', async (parameters, what) => {
    const failure = await catchFailure(() => find(parameters));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toBe(`${what}`);
    expect(failure.hint).toBe('az account list --all --output table');
  });

  test('is rejected when it belongs to another tenant than the configuration names', async () => {
    const failure = await catchFailure(() => find({ subscription: 'Main', tenantId: 'tenant-2' }));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toContain('subscription "Main" belongs to tenant tenant-1, not to tenant-2');
    expect(description({ subscription: 'Main', tenantId: 'TENANT-1' })).toContain('tenant-1');
  });

  test('is not set up when the Azure CLI is not signed in', () => {
    const request = requestFor({ AZURE_CONFIG_DIR: folder.path('none') }, { subscription: 'Main' });
    expect(findAzureCli(request)).toEqual({ notSetUp: 'the Azure CLI is not signed in' });
  });
});
