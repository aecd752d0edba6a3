/** Which identities are looked for, and in which order. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isSkipped, type SearchRequest, searchIdentities } from '../../../src/identity/chain.ts';
import type { ConfiguredSource, SourceRequest } from '../../../src/identity/identity.ts';
import { SOURCES } from '../../../src/identity/sources.ts';
import { catchFailure } from '../failure.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { requestFor } from './request.ts';

const folder = useTemporaryFolder();

const DEV = ['login', 'azure-cli', 'azure-developer-cli', 'azure-powershell'];
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
  test('searches what the environment sets on purpose before the accounts of tools, and no unconfigured command', () => {
    expect(search({})).toEqual([...PROD, ...DEV]);
  });

  test('finds the client secret first, and the account of the Azure CLI as well', () => {
    signInAzureCli();
    expect(list(SECRET).slice(0, 1)).toEqual(['client-secret']);
    expect(list(SECRET)).toContain('azure-cli');
  });

  test('says why a source is skipped', () => {
    expect([...searchIdentities(searchFor({}))]).toContainEqual({
      source: 'client-secret',
      reason: 'AZURE_CLIENT_SECRET is not set',
    });
  });

  test('looks no further than asked: it does not reach a later source whose settings are invalid', async () => {
    const invalid = { ...SECRET, ARM_OIDC_TOKEN: 'e.y.j', ARM_CLIENT_ID: 'c', ARM_TENANT_ID: 'a/b' };
    const [first] = searchIdentities(searchFor(invalid));
    expect(first).toMatchObject({ source: 'client-secret' });
    expect((await catchFailure(() => [...searchIdentities(searchFor(invalid))])).code).toBe('IDENTITY_INVALID');
  });

  test('skips an identity that is set up but that AZURE_TOKEN_CREDENTIALS does not allow', () => {
    signInAzureCli();
    expect(list({ ...SECRET, AZURE_TOKEN_CREDENTIALS: 'dev' })).toEqual(['azure-cli']);
    expect(list({ ...SECRET, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' })).toEqual(['client-secret']);
  });

  test('finds a managed identity without any other variable if AZURE_TOKEN_CREDENTIALS allows nothing else', () => {
    expect(list({ AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential' })).toEqual(['managed-identity']);
  });
});

describe('a source that the configuration chooses', () => {
  test.each(['dev', 'prod', 'AzureCliCredential', 'nonsense'])('wins over AZURE_TOKEN_CREDENTIALS=%s', (value) => {
    expect(search({ AZURE_TOKEN_CREDENTIALS: value }, 'client-secret')).toEqual(['client-secret']);
  });

  test('may be a command', () => {
    expect(search({}, 'command')).toEqual(['command']);
  });

  /** A source that is never set up, and records how it is asked. */
  function sourceAsked(asked: (readonly [string, SourceRequest])[], hasLast = true): ConfiguredSource {
    const answer = (name: string) => (request: SourceRequest) => {
      asked.push([name, request]);
      return { notSetUp: name };
    };
    const findLast = hasLast ? answer('findLast') : undefined;
    return { source: 'one', tenantId: undefined, audience: undefined, parameters: {}, find: answer('find'), findLast };
  }

  test('is asked as the chosen one, for the registry and the tenant of the request', () => {
    const asked: (readonly [string, SourceRequest])[] = [];
    const { runtime, registry } = searchFor({});
    const chosen = sourceAsked(asked);
    expect([...searchIdentities({ runtime, registry, tenantId: 'the-tenant', chosen })]).toEqual([
      { source: 'one', reason: 'find' },
      { source: 'one', reason: 'findLast' },
    ]);
    const request = { runtime, registry, tenantId: 'the-tenant', isChosen: true };
    expect(asked).toEqual([
      ['find', request],
      ['findLast', request],
    ]);
  });

  test('is asked only when the caller goes on, and once if it is found at once or never', () => {
    const asked: (readonly [string, SourceRequest])[] = [];
    const found = searchIdentities({ ...searchFor({}), chosen: sourceAsked(asked) });
    expect(asked).toHaveLength(0);
    found.next();
    expect(asked).toHaveLength(1);
    expect([...searchIdentities({ ...searchFor({}), chosen: sourceAsked([], false) })]).toHaveLength(1);
  });
});
