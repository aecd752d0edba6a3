/** Which identities are looked for, and in which order. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isSkipped, type SearchRequest, searchIdentities } from '../../../src/identity/chain.ts';
import { SOURCES } from '../../../src/identity/sources.ts';
import { catchFailure } from '../failure.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { requestFor } from './request.ts';

const folder = useTemporaryFolder();

const DEV = ['azure-cli', 'azure-developer-cli', 'azure-powershell'];
const PROD = [
  'client-secret',
  'client-certificate',
  'workload-identity',
  'github-actions',
  'azure-pipelines',
  'managed-identity',
];
const SECRET = { AZURE_CLIENT_ID: 'client', AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_SECRET: 'secret-value' };

/** The sources that are searched on a machine with only these variables; one with two rows is listed once. */
function search(env: Readonly<Record<string, string>>, only?: string) {
  const found = [...searchIdentities(searchFor(env, only))];
  return [...new Set(found.map(({ source }) => source))];
}

/** @param only the source that the configuration chose. */
function searchFor(env: Readonly<Record<string, string>>, only?: string): SearchRequest {
  const { runtime, registry } = requestFor({ HOME: folder.path(), ...env });
  const chosen = SOURCES.find(({ name }) => name === only)?.configure();
  return { runtime, registry, tenantId: undefined, chosen };
}

/** The sources that are set up. */
function list(env: Readonly<Record<string, string>>, only?: string) {
  return [...searchIdentities(searchFor(env, only))].filter((found) => !isSkipped(found)).map(({ source }) => source);
}

function signInAzureCli(): void {
  mkdirSync(folder.path('.azure'));
  const subscription = { id: '1', isDefault: true, tenantId: 'tenant', user: { name: 'ada' } };
  writeFileSync(folder.path('.azure', 'azureProfile.json'), JSON.stringify({ subscriptions: [subscription] }));
}

describe('searchIdentities', () => {
  test('keeps the order of each group, begins with the client secret, and leaves out an unconfigured command', () => {
    const sources = search({});
    expect(sources.filter((source) => PROD.includes(source))).toEqual(PROD);
    expect(sources.filter((source) => DEV.includes(source))).toEqual(DEV);
    expect(sources.indexOf('client-secret')).toBe(0);
    expect(sources).not.toContain('command');
  });

  test('finds the client secret first, and the account of the Azure CLI as well', () => {
    signInAzureCli();
    expect(list(SECRET).slice(0, 1)).toEqual(['client-secret']);
    expect(list(SECRET)).toContain('azure-cli');
  });

  test('finds the client secret before a managed identity with a broken endpoint', () => {
    const [first] = searchIdentities(searchFor({ ...SECRET, IDENTITY_ENDPOINT: 'nonsense' }));
    expect(first).toMatchObject({ source: 'client-secret' });
  });
});

describe('AZURE_TOKEN_CREDENTIALS', () => {
  test.each([
    ['dev', DEV],
    ['prod', PROD],
    ['PROD', PROD],
    [' Dev\t', DEV],
    ['EnvironmentCredential', ['client-secret', 'client-certificate']],
    ['WorkloadIdentityCredential', ['workload-identity']],
    ['ManagedIdentityCredential', ['managed-identity']],
    ['AzureCliCredential', ['azure-cli']],
    ['azureclicredential', ['azure-cli']],
    ['AzureDeveloperCliCredential', ['azure-developer-cli']],
    ['AzurePowerShellCredential', ['azure-powershell']],
  ])('set to %j limits the sources to %j', (value, sources) => {
    expect(search({ AZURE_TOKEN_CREDENTIALS: value })).toEqual(sources);
  });

  test.each(['', ' ', '\t'])('set to %j counts as not set', (value) => {
    expect(search({ AZURE_TOKEN_CREDENTIALS: value })).toEqual(search({}));
  });

  test('skips an identity that is set up but not allowed', () => {
    signInAzureCli();
    expect(list({ ...SECRET, AZURE_TOKEN_CREDENTIALS: 'dev' })).toEqual(['azure-cli']);
    expect(list({ ...SECRET, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' })).toEqual(['client-secret']);
  });

  test('set to ManagedIdentityCredential finds a managed identity without any other variable', () => {
    expect(list({ AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential' })).toEqual(['managed-identity']);
  });

  test.each([
    ['nonsense', 'AZURE_TOKEN_CREDENTIALS is "nonsense", which is not a known value'],
    ['dev,prod', 'AZURE_TOKEN_CREDENTIALS is "dev,prod", which is not a known value'],
    ['azure-cli', 'AZURE_TOKEN_CREDENTIALS is "azure-cli", which is not a known value'],
    ['__proto__', 'AZURE_TOKEN_CREDENTIALS is "__proto__", which is not a known value'],
    [
      'visualstudiocodecredential',
      'AZURE_TOKEN_CREDENTIALS is VisualStudioCodeCredential, which this program does not support',
    ],
    [
      'InteractiveBrowserCredential',
      'AZURE_TOKEN_CREDENTIALS is InteractiveBrowserCredential, which this program does not support',
    ],
  ])('set to %j is refused with a hint that lists the valid values', async (value, what) => {
    const failure = await catchFailure(() => search({ ...SECRET, AZURE_TOKEN_CREDENTIALS: value }));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toContain(what);
    expect(failure.hint).toContain('dev, prod, EnvironmentCredential');
    expect(failure.hint).toContain('AzurePowerShellCredential');
  });
});

describe('a source that the configuration chooses', () => {
  test.each(['dev', 'prod', 'AzureCliCredential', 'nonsense'])('wins over AZURE_TOKEN_CREDENTIALS=%s', (value) => {
    expect(search({ AZURE_TOKEN_CREDENTIALS: value }, 'client-secret')).toEqual(['client-secret']);
  });

  test('may be a command', () => {
    expect(search({}, 'command')).toEqual(['command']);
  });
});
