/** The index of the accounts, with anything in it: accounts without secrets, or a reason why there are none. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listAccounts } from '../../src/accounts/account.ts';
import { parseAccountIndex } from '../../src/accounts/account-index.ts';
import { LOGIN } from '../../src/identity/login/login.ts';
import { registryNamed } from '../unit/registry-named.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { openFuzzFolder } from './fuzz-folder.ts';
import { mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const folder = openFuzzFolder();
mkdirSync(join(folder.path, 'accounts'));
const ACCOUNT = {
  ...{ id: 'object.tenant', username: 'ada@contoso.com', tenantId: 'contoso.com', clientId: 'client' },
  ...{ authority: 'https://login.microsoftonline.com', familyId: '1', registries: ['myregistry.azurecr.io'] },
};
const STORED = {
  ...{ ...ACCOUNT, generation: '1', keychain: 'pass', state: 'active', challenge: '{}' },
  tenants: { 'myregistry.azurecr.io': 'fabrikam.com' },
};
/** A secret where a person or an older version may have put one. */
const SECRETS = { refreshToken: 'hidden-secret', secret: 'hidden-secret' };
const INDEX = { version: 1, hasWarned: true, accounts: [STORED, { ...STORED, ...SECRETS, id: 'other.tenant' }] };

describe('the index of accounts', () => {
  it('with anything in it lists accounts of the right types and no other field, and finds an identity or a reason', async () => {
    await fc.assert(
      fc.asyncProperty(mutatedJsonText(INDEX), async (text) => {
        folder.write('accounts/index.json', text);
        const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path });
        const accounts = await listAccounts(runtime);
        for (const account of accounts) {
          expect(Object.keys(account).filter((key) => !(key in ACCOUNT))).toEqual([]);
          const { familyId, registries, ...texts } = account;
          for (const value of [...Object.values(texts), ...registries]) expect(typeof value).toBe('string');
          expect(['string', 'undefined']).toContain(typeof familyId);
          expect(account.tenantId).toMatch(/^[\w.-]+$/);
          expect(new URL(account.authority).protocol).toBe('https:');
        }
        for (const { keychain } of parseAccountIndex(text)?.accounts ?? []) {
          // It becomes part of a program's name.
          expect(keychain ?? 'x').toMatch(/^[a-z0-9]+$/);
        }
        const registry = registryNamed('myregistry.azurecr.io');
        const found = LOGIN.configure().find({ runtime, registry, isChosen: false, tenantId: undefined });
        if ('notSetUp' in found) expect(found.notSetUp).not.toBe('');
        else expect(found.description).toMatch(/^login https:\/\/\S+ \S+ \S+$/);
        expect(JSON.stringify([accounts, found])).not.toContain('hidden-secret');
      }),
      RUN_OPTIONS,
    );
  });

  it('is read back as it was written', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 });
    const stored = fc.record({
      ...{ id: text, username: text, clientId: text, generation: text, registries: fc.array(text) },
      tenantId: fc.constantFrom('contoso.com', '72f988bf-86f1-41af-91ab-2d7cd011db47'),
      authority: fc.constantFrom(ACCOUNT.authority, 'https://login.example.com/adfs'),
      state: fc.constantFrom('active', 'over', 'signed-out'),
      familyId: fc.option(text, { nil: undefined }),
      keychain: fc.constantFrom(undefined, 'pass', 'wincred'),
      challenge: fc.option(text, { nil: undefined }),
      tenants: fc.dictionary(text, fc.constantFrom('contoso.com', 'fabrikam.com')),
    });
    fc.assert(
      fc.property(fc.array(stored), fc.boolean(), (accounts, hasWarned) => {
        const written = JSON.stringify({ version: 1, hasWarned, accounts });
        const expected = accounts.map((account) => ({ ...account, tenants: new Map(Object.entries(account.tenants)) }));
        expect(parseAccountIndex(written)).toEqual({ accounts: expected, hasWarned });
      }),
      RUN_OPTIONS,
    );
  });
});
