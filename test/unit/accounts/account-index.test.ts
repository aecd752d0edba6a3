/** The index of the accounts: what is an account, and what is damage. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listAccounts } from '../../../src/accounts/account.ts';
import { findAccountFile, parseAccountIndex, readAccountIndex } from '../../../src/accounts/account-index.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

const ENTRY = {
  id: 'object.tenant',
  username: 'ada@contoso.com',
  tenantId: 'contoso.com',
  authority: 'https://login.microsoftonline.com',
  clientId: 'the-client',
  generation: '1',
  registries: ['myregistry.azurecr.io'],
};
const ACCOUNT = {
  ...{ ...ENTRY, familyId: undefined, keychain: undefined, challenge: undefined, state: 'active' },
  tenants: new Map(),
};

const parse = (entry: object) => parseAccountIndex(JSON.stringify({ version: 1, accounts: [entry] }))?.accounts[0];

describe('parseAccountIndex', () => {
  test('reads an account, with and without what is optional', () => {
    expect(parse(ENTRY)).toEqual(ACCOUNT);
    const more = { familyId: '1', keychain: 'pass', challenge: '{"x":1}', state: 'over' };
    expect(parse({ ...ENTRY, ...more })).toEqual({ ...ACCOUNT, ...more });
  });

  test('reads the tenants of registries, except what cannot be one', () => {
    const tenants = { 'a.azurecr.io': 'contoso.com', 'b.azurecr.io': '../x', 'c.azurecr.io': 7 };
    expect(parse({ ...ENTRY, tenants })?.tenants).toEqual(new Map([['a.azurecr.io', 'contoso.com']]));
    expect(parse({ ...ENTRY, tenants: 'a' })?.tenants).toEqual(new Map());
  });

  test('keeps nothing but what an account has', () => {
    const found = parse({ ...ENTRY, refreshToken: 'hidden', secret: 'hidden', registries: [7, 'a', null] });
    expect(found).toEqual({ ...ACCOUNT, registries: ['a'] });
  });

  test.each([
    ['no id', { id: undefined }],
    ['an empty name', { username: '' }],
    ['a name that is a number', { username: 7 }],
    ['a tenant that is a path', { tenantId: '../x' }],
    ['an authority over http', { authority: 'http://login.microsoftonline.com' }],
    ['an authority with a password', { authority: 'https://a:b@login.microsoftonline.com' }],
    ['an authority that is no URL', { authority: 'https://[' }],
    ['an authority in a line of its own', { authority: 'https://login.example.com\n' }],
    ['a keychain that is a path', { keychain: '../evil' }],
    ['a keychain that is null', { keychain: null }],
    ['an unknown state', { state: 'maybe' }],
    ['no generation', { generation: undefined }],
    ['a challenge that is an object', { challenge: {} }],
  ])('finds damage in an entry with %s', (_what, changes) => {
    expect(parse({ ...ENTRY, ...changes })).toBeUndefined();
  });

  test.each(['', 'x', '{}', '[]', '{"version":1}', '{"version":2,"accounts":[]}', '{"version":1,"accounts":{}}'])(
    'finds damage in %j',
    (text) => {
      expect(parseAccountIndex(text)).toBeUndefined();
    },
  );
});

describe('readAccountIndex', () => {
  const file = () => folder.path('index.json');
  const write = () => writeFileSync(file(), JSON.stringify({ version: 1, accounts: [ENTRY] }), { mode: 0o600 });

  test('counts a missing file, and one below a file, as empty', () => {
    writeFileSync(folder.path('file'), '');
    for (const name of ['none', 'none/index.json', 'file/index.json']) {
      expect(readAccountIndex(folder.path(name))).toEqual({ accounts: [], hasWarned: false });
    }
  });

  test('trusts no file that others can read, no link and no folder', () => {
    write();
    expect(readAccountIndex(file())).toMatchObject({ accounts: [{ id: ENTRY.id }] });
    symlinkSync(file(), folder.path('link'));
    expect(readAccountIndex(folder.path('link'))).toBe('untrusted');
    chmodSync(file(), 0o640);
    expect(readAccountIndex(file())).toBe('untrusted');
    expect(readAccountIndex(folder.path())).toBe('untrusted');
  });
});

describe('listAccounts', () => {
  const runtime = () => makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path() });
  const write = (entries: readonly object[]) => {
    mkdirSync(folder.path('accounts'));
    const text = JSON.stringify({ version: 1, accounts: entries });
    writeFileSync(folder.path('accounts', 'index.json'), text, { mode: 0o600 });
  };

  test('lists who is signed in or has to sign in again, without what is stored about it', async () => {
    write([ENTRY, { ...ENTRY, id: 'b', state: 'over' }, { ...ENTRY, id: 'c', state: 'signed-out' }]);
    const { generation: _, ...account } = ENTRY;
    expect(await listAccounts(runtime())).toEqual([
      { ...account, familyId: undefined },
      { ...account, id: 'b', familyId: undefined },
    ]);
  });

  test('lists nobody without an index or a data folder', async () => {
    expect(await listAccounts(runtime())).toEqual([]);
    expect(await listAccounts(makeRuntime({ HOME: 'relative' }))).toEqual([]);
    expect(findAccountFile(makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: 'relative' }))).toBeUndefined();
  });
});
