/** The accounts of developer tools, whose files anything may have written: an account, none, or the one error. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CredentialError } from '../../src/errors.ts';
import { AZURE_CLI } from '../../src/identity/developer-tools/azure-cli.ts';
import { AZURE_DEVELOPER_CLI } from '../../src/identity/developer-tools/azure-developer-cli.ts';
import { AZURE_POWERSHELL } from '../../src/identity/developer-tools/azure-powershell.ts';
import type { IdentitySource } from '../../src/identity/identity.ts';
import type { JsonObject } from '../../src/json.ts';
import { isNotSetUp } from '../../src/not-set-up.ts';
import { finderOf, requestFor } from '../unit/identity/request.ts';
import { mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const subscription = (id: string, name: string, user: object) => ({
  ...{ id, name, state: 'Enabled', user, isDefault: id === 'one', tenantId: TENANT, environmentName: 'AzureCloud' },
});
const PROFILE = {
  installationId: 'x',
  subscriptions: [
    subscription('one', 'First', { name: 'ada@contoso.com', type: 'user' }),
    subscription('two', 'Second one', { name: 'app', type: 'servicePrincipal' }),
    subscription('three', 'First', {
      ...{ name: 'systemAssignedIdentity', type: 'servicePrincipal', assignedIdentityInfo: 'MSI', cloudShellID: true },
    }),
  ],
};
const CONTEXTS = {
  DefaultContextKey: 'main',
  Contexts: {
    main: { Account: { Id: 'ada@contoso.com' }, Tenant: { Id: TENANT }, Environment: { Name: 'AzureCloud' } },
  },
};
const USER = { homeAccountId: `oid.${TENANT}` };
const AZD_CONFIG = { auth: { useAzCliAuth: 'false', account: { currentUser: USER } } };
const AZD_APP = { auth: { account: { currentUser: { clientId: 'app', tenantId: TENANT, managedIdentity: false } } } };

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(realpathSync(tmpdir()), 'docker-credential-acr-fuzz-'));
  for (const name of ['.azure', '.azd', '.Azure']) mkdirSync(join(home, name), { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** What the source finds in the home of the test: a description, or `undefined` for none. */
function find(source: IdentitySource, parameters: JsonObject = {}): string | undefined {
  try {
    const found = finderOf(source)(requestFor({ HOME: home }, parameters));
    if (!isNotSetUp(found)) return found.description;
    expect(found.notSetUp).not.toBe('');
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'IDENTITY_INVALID') throw cause;
    expect(cause.message).not.toBe('');
  }
  return undefined;
}

const write = (name: string, text: string) => writeFileSync(join(home, name), text);

describe('any file of', () => {
  it('the Azure CLI gives an account, none, or IDENTITY_INVALID', () => {
    const parameters = fc.record(
      {
        subscription: fc.constantFrom('one', 'TWO', 'First', 'Second one', 'none'),
        tenantId: fc.constantFrom(TENANT, TENANT.toUpperCase(), 'contoso.com'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(mutatedJsonText(PROFILE), parameters, (text, chosen) => {
        write('.azure/azureProfile.json', text);
        find(AZURE_CLI, chosen);
      }),
      RUN_OPTIONS,
    );
  });

  it('Azure PowerShell gives an account or none', () => {
    fc.assert(
      fc.property(mutatedJsonText(CONTEXTS), (text) => {
        write('.Azure/AzureRmContext.json', text);
        find(AZURE_POWERSHELL);
      }),
      RUN_OPTIONS,
    );
  });

  it('the Azure Developer CLI gives an account or none', () => {
    const texts = fc.oneof(mutatedJsonText(AZD_CONFIG), mutatedJsonText(AZD_APP));
    fc.assert(
      fc.property(texts, texts, (config, auth) => {
        write('.azd/config.json', config);
        write('.azd/auth.json', auth);
        find(AZURE_DEVELOPER_CLI);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('two accounts never share a description, which keeps their tokens apart,', () => {
  const word = fc.oneof(
    fc.constantFrom('a', 'b', 'a b', 'b a', '%20', 'AzureCloud'),
    fc.string({ unit: fc.constantFrom('a', ' '), minLength: 1, maxLength: 3 }),
  );
  /** Who signs in: a user, a tenant, and the tool's name of the cloud or of the managed identity. */
  const accounts = fc.tuple(word, word, word);
  const isSame = (one: readonly string[], other: readonly string[]) => one.join('\0') === other.join('\0');

  it.each<[string, IdentitySource, (account: readonly [string, string, string]) => void]>([
    [
      'of the Azure CLI',
      AZURE_CLI,
      ([name, tenantId, environmentName]) =>
        write(
          '.azure/azureProfile.json',
          JSON.stringify({
            subscriptions: [{ id: 'one', user: { name }, tenantId, environmentName, isDefault: true }],
          }),
        ),
    ],
    [
      'of Azure PowerShell',
      AZURE_POWERSHELL,
      ([user, tenant, environment]) => {
        const main = { Account: { Id: user }, Tenant: { Id: tenant }, Environment: { Name: environment } };
        write('.Azure/AzureRmContext.json', JSON.stringify({ DefaultContextKey: 'main', Contexts: { main } }));
      },
    ],
  ])('%s', (_name, source, writeAccount) => {
    fc.assert(
      fc.property(accounts, accounts, (one, other) => {
        fc.pre(!isSame(one, other));
        const [first, second] = [one, other].map((account) => {
          writeAccount(account);
          return find(source);
        });
        expect(first).toEqual(expect.any(String));
        expect(first).not.toBe(second);
      }),
      RUN_OPTIONS,
    );
  });
});
