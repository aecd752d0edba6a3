/** The account that the Azure CLI is signed in with, or that of the subscription that the configuration names. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AZURE_CLI } from '../../../../src/identity/developer-tools/azure-cli.ts';
import type { JsonObject } from '../../../../src/json.ts';
import { catchFailure } from '../../failure.ts';
import { makeNamedPipe } from '../../named-pipe.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const findAzureCli = finderOf(AZURE_CLI);

const folder = useTemporaryFolder();
const NOT_SIGNED_IN = { notSetUp: 'the Azure CLI is not signed in' };

const account = (changes: object = {}) => ({
  id: 'the-subscription',
  isDefault: true,
  tenantId: 'the-tenant',
  environmentName: 'AzureCloud',
  user: { name: 'someone@example.com', type: 'user' },
  ...changes,
});

function find(profile: unknown, parameters = {}) {
  writeFileSync(folder.path('azureProfile.json'), typeof profile === 'string' ? profile : JSON.stringify(profile));
  return findAzureCli(requestFor({ AZURE_CONFIG_DIR: folder.path() }, parameters));
}
const description = (profile: unknown, parameters = {}) => expectIdentity(find(profile, parameters)).description;

describe('findAzureCli', () => {
  test('finds the account of the default subscription', () => {
    const identity = expectIdentity(find({ subscriptions: [account()] }));
    expect(identity.source).toBe('azure-cli');
    expect(identity.description).toBe('azure-cli someone@example.com the-tenant AzureCloud');
  });

  test('reads a profile with a byte-order mark, as az writes it', () => {
    const text = `\uFEFF${JSON.stringify({ installationId: 'x', subscriptions: [account()] })}`;
    expect(description(text)).toContain('someone@example.com');
  });

  test('finds the default among several subscriptions, wherever it is in the list', () => {
    const other = account({ isDefault: false, tenantId: 'other', user: { name: 'other' } });
    expect(description({ subscriptions: [other, account(), other] })).toContain('someone@example.com the-tenant');
    expect(description({ subscriptions: [null, 7, other, account()] })).toContain('someone@example.com the-tenant');
  });

  test('reads a profile through a link', () => {
    mkdirSync(folder.path('linked'));
    writeFileSync(folder.path('target'), JSON.stringify({ subscriptions: [account()] }));
    symlinkSync(folder.path('target'), folder.path('linked', 'azureProfile.json'));
    const request = requestFor({ AZURE_CONFIG_DIR: folder.path('linked') });
    expect(expectIdentity(findAzureCli(request)).source).toBe('azure-cli');
  });

  test('describes accounts differently by name, tenant, cloud and managed identity', () => {
    const managed = (info: string) => account({ user: { name: 'userAssignedIdentity', assignedIdentityInfo: info } });
    const descriptions = [
      account(),
      account({ tenantId: 'another' }),
      account({ environmentName: 'AzureChinaCloud' }),
      account({ user: { name: 'another@example.com' } }),
      account({ user: { name: 'systemAssignedIdentity', assignedIdentityInfo: 'MSI' } }),
      managed('MSIClient-1'),
      managed('MSIClient-2'),
    ].map((entry) => description({ subscriptions: [entry] }));
    expect(new Set(descriptions).size).toBe(descriptions.length);
  });

  test('uses the tenant of the configuration, except for a managed identity, which has only one', () => {
    const parameters = { tenantId: 'another-tenant' };
    expect(description({ subscriptions: [account()] }, parameters)).toContain('another-tenant');
    for (const name of ['systemAssignedIdentity', 'userAssignedIdentity']) {
      const text = description({ subscriptions: [account({ user: { name } })] }, parameters);
      expect(text).toContain('the-tenant');
      expect(text).not.toContain('another-tenant');
    }
  });

  test('rejects an invalid tenant', async () => {
    const failure = await catchFailure(() => find({ subscriptions: [account()] }, { tenantId: 'a b' }));
    expect(failure.code).toBe('CONFIG_INVALID');
  });
});

describe('findAzureCli reports "not signed in" for the profile', () => {
  const rows: readonly unknown[] = [
    '',
    '{',
    'null',
    '[]',
    {},
    { subscriptions: null },
    { subscriptions: {} },
    { subscriptions: [] },
    { subscriptions: [account({ user: null })] },
    { subscriptions: [account({ user: 'someone' })] },
    { subscriptions: [account({ user: {} })] },
    { subscriptions: [account({ user: { name: '' } })] },
    { subscriptions: [account({ user: { name: 7 } })] },
    { subscriptions: [account({ tenantId: undefined })] },
    { subscriptions: [account({ tenantId: 7 })] },
    { subscriptions: [[account()]] },
    '{"__proto__":{"subscriptions":[{"isDefault":true,"tenantId":"t","user":{"name":"planted"}}]}}',
  ];
  for (const profile of rows) {
    test(JSON.stringify(profile).slice(0, 240), () => {
      expect(find(profile)).toEqual(NOT_SIGNED_IN);
    });
  }
});

test.each([false, 'true', 1, undefined])('findAzureCli finds no default when isDefault is %j', (isDefault) => {
  expect(find({ subscriptions: [account({ isDefault })] })).toEqual({
    notSetUp: 'the Azure CLI has no default subscription: az account set --subscription NAME',
  });
});

describe('findAzureCli reports "not set up"', () => {
  test('when there is no profile', () => {
    expect(findAzureCli(requestFor({ AZURE_CONFIG_DIR: folder.path('none') }))).toEqual(NOT_SIGNED_IN);
    expect(findAzureCli(requestFor({ HOME: folder.path('none') }))).toEqual(NOT_SIGNED_IN);
  });

  test('when the profile is a folder, a named pipe, a link to itself or too large', () => {
    const plants: readonly (readonly [name: string, plant: (file: string) => void])[] = [
      ['folder', (file) => mkdirSync(file)],
      ['pipe', makeNamedPipe],
      ['circle', (file) => symlinkSync(file, file)],
      ['huge', (file) => writeFileSync(file, ' '.repeat(8 * 1024 * 1024 + 1))],
    ];
    for (const [name, plant] of plants) {
      mkdirSync(folder.path(name));
      plant(folder.path(name, 'azureProfile.json'));
      const found = findAzureCli(requestFor({ AZURE_CONFIG_DIR: folder.path(name) }));
      expect(found).toMatchObject({ notSetUp: expect.stringMatching(/^the Azure CLI's profile cannot be read \(/) });
    }
  });

  test('when the profile folder or the home folder is relative', () => {
    for (const named of ['.', '.azure', '../azure', '~/.azure']) {
      expect(findAzureCli(requestFor({ AZURE_CONFIG_DIR: named, HOME: folder.path() }))).toEqual({
        notSetUp: 'AZURE_CONFIG_DIR is not an absolute path',
      });
    }
    expect(findAzureCli(requestFor({ HOME: 'relative' }))).toEqual({
      notSetUp: 'there is no home folder to hold an Azure CLI profile',
    });
  });
});

test('findAzureCli reads the profile in the home folder, or in the folder that the configuration names', () => {
  mkdirSync(folder.path('.azure'));
  writeFileSync(folder.path('.azure', 'azureProfile.json'), JSON.stringify({ subscriptions: [account()] }));
  chmodSync(folder.path('.azure', 'azureProfile.json'), 0o644);
  expect(expectIdentity(findAzureCli(requestFor({ HOME: folder.path() }))).description).toContain('someone@');
  const parameters = { configDir: folder.path('.azure') };
  expect(expectIdentity(findAzureCli(requestFor({ HOME: '/nowhere' }, parameters))).description).toContain('someone@');
});

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

const descriptionOf = (parameters: JsonObject) => description(PROFILE, parameters);

describe('findAzureCli finds the account', () => {
  test.each([
    ['1', 'azure-cli ada@example.com tenant-1 AzureCloud'],
    ['Main', 'azure-cli ada@example.com tenant-1 AzureCloud'],
    ['mAIN', 'azure-cli ada@example.com tenant-1 AzureCloud'],
    ['guest of another', 'azure-cli ada@example.com tenant-2 AzureCloud'],
    ['robots', 'azure-cli robot tenant-1 AzureCloud'],
    ['4', 'azure-cli ada@example.com tenant-1 AzureCloud'],
  ])('of subscription %j is %s', (name, expected) => {
    expect(descriptionOf({ subscription: name })).toBe(expected);
  });

  test('of two subscriptions is the same when they have the same user and tenant', () => {
    expect(descriptionOf({ subscription: '4' })).toBe(descriptionOf({}));
  });

  test('of Cloud Shell keeps its own tenant', () => {
    expect(descriptionOf({ subscription: '6', tenantId: 'tenant-2' })).toContain('tenant-1');
  });
});

describe('a subscription in the configuration', () => {
  test.each([
    [{ subscription: 'none' }, 'the Azure CLI has no subscription "none"'],
    [{ subscription: 'twin' }, 'the Azure CLI has more than one subscription "twin"'],
  ])('such as %j is rejected, since it names no account or more than one', async (parameters, what) => {
    const failure = await catchFailure(() => find(PROFILE, parameters));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toBe(what);
    expect(failure.hint).toBe('az account list --all --output table');
  });

  test('is rejected when it belongs to another tenant than the configuration names', async () => {
    const failure = await catchFailure(() => find(PROFILE, { subscription: 'Main', tenantId: 'tenant-2' }));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toContain('subscription "Main" belongs to tenant tenant-1, not to tenant-2');
    expect(descriptionOf({ subscription: 'Main', tenantId: 'TENANT-1' })).toContain('tenant-1');
  });

  test('is not set up when the Azure CLI is not signed in', () => {
    const request = requestFor({ AZURE_CONFIG_DIR: folder.path('none') }, { subscription: 'Main' });
    expect(findAzureCli(request)).toEqual(NOT_SIGNED_IN);
  });
});
