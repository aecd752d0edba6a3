/** The account that Azure PowerShell is signed in with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AZURE_POWERSHELL } from '../../../../src/identity/developer-tools/azure-powershell.ts';
import { catchFailure } from '../../failure.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const findAzurePowerShell = finderOf(AZURE_POWERSHELL);

const folder = useTemporaryFolder();
const NOT_SIGNED_IN = { notSetUp: 'Azure PowerShell is not signed in' };
const KEY = 'Main (aaaa) - tenant - ada@example.com';

const context = (changes: object = {}) => ({
  Account: { Id: 'ada@example.com', Credential: null, Type: 'User', ExtendedProperties: {} },
  Tenant: { Id: 'the-tenant', Directory: null },
  Environment: { Name: 'AzureCloud' },
  ...changes,
});
const saved = (entry: unknown, key = KEY) => ({ DefaultContextKey: key, Contexts: { [KEY]: entry } });

function find(file: unknown, parameters = {}) {
  mkdirSync(folder.path('.Azure'), { recursive: true });
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  writeFileSync(folder.path('.Azure', 'AzureRmContext.json'), text);
  return findAzurePowerShell(requestFor({ HOME: folder.path() }, parameters));
}
const description = (file: unknown, parameters = {}) => expectIdentity(find(file, parameters)).description;

describe('findAzurePowerShell', () => {
  test('finds the account of the default context, with or without a byte-order mark', () => {
    expect(description(saved(context()))).toBe('azure-powershell ada@example.com the-tenant AzureCloud');
    expect(description(`\uFEFF${JSON.stringify(saved(context()))}`)).toContain('ada@example.com');
  });

  test('describes accounts differently by name, tenant and cloud', () => {
    const descriptions = [
      context(),
      context({ Account: { Id: 'other' } }),
      context({ Tenant: { Id: 'other' } }),
      context({ Environment: { Name: 'AzureChinaCloud' } }),
    ].map((entry) => description(saved(entry)));
    expect(new Set(descriptions).size).toBe(4);
  });

  test('uses the tenant of the configuration, and rejects an invalid one', async () => {
    expect(description(saved(context()), { tenantId: 'another' })).toContain('ada@example.com another');
    const failure = await catchFailure(() => find(saved(context()), { tenantId: "'; calc" }));
    expect(failure.code).toBe('CONFIG_INVALID');
  });

  test('does not look in the folder of the Azure CLI', () => {
    const request = requestFor({ HOME: folder.path('none'), AZURE_CONFIG_DIR: folder.path() });
    expect(findAzurePowerShell(request)).toEqual(NOT_SIGNED_IN);
  });
});

describe('findAzurePowerShell reports "not set up" for', () => {
  test.each([
    [''],
    ['{'],
    [{}],
    [{ DefaultContextKey: 'Default', EnvironmentTable: {}, Contexts: {}, ExtendedProperties: {} }],
    [saved(context(), 'another')],
    [saved(context(), '')],
    [saved(null)],
    [saved([])],
    [saved(context({ Account: null }))],
    [saved(context({ Account: { Id: '' } }))],
    [saved(context({ Tenant: null }))],
    [{ DefaultContextKey: 'toString', Contexts: {} }],
    [{ DefaultContextKey: KEY, Contexts: [context()] }],
  ])('%j', (file) => {
    expect(find(file)).toEqual(NOT_SIGNED_IN);
  });

  test('a folder in place of the file', () => {
    mkdirSync(folder.path('.Azure', 'AzureRmContext.json'), { recursive: true });
    expect(findAzurePowerShell(requestFor({ HOME: folder.path() }))).toMatchObject({
      notSetUp: expect.stringMatching(/^the account of Azure PowerShell cannot be read \(/),
    });
  });
});
