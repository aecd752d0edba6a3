/** Which account answers for a registry. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { LOGIN } from '../../../../src/identity/login/login.ts';
import { describeLogin, isTokenOf } from '../../../../src/identity/login/login-description.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const folder = useTemporaryFolder();
const find = finderOf(LOGIN);
const PUBLIC = 'https://login.microsoftonline.com';
const CHINA = 'https://login.partner.microsoftonline.cn';
const [CLIENT, OTHER_CLIENT] = ['04b07795-8ddb-461a-bbee-02f9e1bf7b46', '1950a258-227b-4e31-a9cf-717495945fc2'];

const account = (name: string, changes: object = {}) => ({
  ...{ id: `${name}.home`, username: `${name}@contoso.com`, tenantId: 'the-tenant', authority: PUBLIC },
  ...{ clientId: CLIENT, generation: `generation of ${name}`, registries: [] },
  ...changes,
});

function write(...accounts: readonly object[]): void {
  const text = JSON.stringify({ version: 1, accounts });
  writeFileSync(folder.path('accounts', 'index.json'), text, { mode: 0o600 });
}

const search = (parameters = {}, serverUrl = 'myregistry.azurecr.io', env: Readonly<Record<string, string>> = {}) =>
  find(requestFor({ DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path(), ...env }, parameters, serverUrl));

/** The name of the account that answers, or why none does. */
function choose(...[parameters, serverUrl, env]: Parameters<typeof search>): string {
  const found = search(parameters, serverUrl, env);
  if ('notSetUp' in found) return found.notSetUp;
  return found.description.split(' ').at(-1)?.replace('.home', '') ?? '';
}

beforeEach(() => {
  mkdirSync(folder.path('accounts'));
});

describe('without an account', () => {
  const NONE = 'nobody has signed in: docker-credential-acr login';

  test('says how to sign in', () => {
    expect(choose()).toBe(NONE);
    rmSync(folder.path('accounts'), { recursive: true });
    expect(choose()).toBe(NONE);
    expect(choose({}, 'myregistry.azurecr.io', { DOCKER_CREDENTIAL_ACR_DATA_DIR: 'relative' })).toBe(NONE);
  });

  test('does the same after the last one has signed out', () => {
    write(account('ada', { state: 'signed-out', keychain: 'pass' }));
    expect(choose()).toBe(NONE);
  });
});

describe('of several accounts, the one that answers is', () => {
  test('the most recent one of the cloud of the registry', () => {
    write(account('bob', { authority: CHINA }), account('ada'), account('eve'));
    expect(choose()).toBe('ada');
    expect(choose({}, 'myregistry.azurecr.cn')).toBe('bob');
  });

  test('the one that was chosen for the registry, under any of its names', () => {
    write(account('bob'), account('ada', { registries: ['myregistry.azurecr.io'] }));
    expect(choose()).toBe('ada');
    expect(choose({}, 'myregistry.westeurope.geo.azurecr.io')).toBe('ada');
    expect(choose({}, 'other.azurecr.io')).toBe('bob');
  });

  test('the configured one, even if another one was chosen for the registry', () => {
    write(account('ada', { registries: ['myregistry.azurecr.io'] }), account('bob'));
    for (const name of ['bob@contoso.com', 'BOB@Contoso.com', 'bob.home'])
      expect(choose({ account: name })).toBe('bob');
  });

  test('the one that signed in with the configured application, before others of its family', () => {
    const family = { familyId: '1' };
    write(account('ada', family), account('bob', { clientId: OTHER_CLIENT }), account('eve', family));
    expect(choose({ clientId: OTHER_CLIENT.toUpperCase() })).toBe('bob');
    expect(choose({ clientId: CLIENT })).toBe('ada');
    write(account('bob'), account('ada', family));
    expect(choose({ clientId: OTHER_CLIENT })).toBe('ada');
    expect(expectIdentity(search({ clientId: OTHER_CLIENT })).description).toContain(OTHER_CLIENT);
  });

  test('one that has to sign in again: no other takes its place', () => {
    write(account('ada', { state: 'over' }), account('bob'));
    expect(choose()).toBe('ada');
  });
});

describe('no account answers', () => {
  test.each([
    [
      'at another authority',
      {},
      'myregistry.azurecr.us',
      /^ada@contoso\.com is signed in at https:\S+, but not at https:\S+\.us$/,
    ],
    ['under the configured name', { account: 'bob' }, undefined, /^bob is not signed in: docker-credential-acr login$/],
    [
      'with the configured application',
      { clientId: OTHER_CLIENT },
      undefined,
      /^nobody has signed in with the application 1950/,
    ],
    [
      'at the configured authority',
      { authorityHost: 'https://login.example.com' },
      undefined,
      /not at https:\/\/login\.example\.com$/,
    ],
    ['where the authority is not public', {}, 'myregistry.azurecr.eaglex.ic.gov', /is not public$/],
  ] as const)('that is not signed in %s', (_what, parameters, serverUrl, reason) => {
    write(account('ada'));
    expect(choose(parameters, serverUrl)).toMatch(reason);
  });

  test('that was chosen for the registry in another cloud, although another one fits', () => {
    write(account('bob'), account('ada', { registries: ['myregistry.azurecr.io'], authority: CHINA }));
    expect(choose()).toContain(`ada@contoso.com is signed in at ${CHINA}`);
  });

  test('when AZURE_AUTHORITY_HOST names another cloud or is invalid', () => {
    write(account('ada'));
    expect(choose({}, undefined, { AZURE_AUTHORITY_HOST: CHINA })).toContain('but not at');
    expect(choose({}, undefined, { AZURE_AUTHORITY_HOST: 'http://x' })).toContain('AZURE_AUTHORITY_HOST is not');
    expect(choose({}, 'myregistry.azurecr.cn', { AZURE_AUTHORITY_HOST: PUBLIC })).toBe('ada');
  });

  test('of an index that is damaged or that others can open', () => {
    write(account('ada'));
    const file = folder.path('accounts', 'index.json');
    writeFileSync(file, '{');
    expect(choose()).toBe('the list of accounts is damaged; sign in again: docker-credential-acr login');
    rmSync(file);
    mkdirSync(file);
    expect(choose()).toContain('the list of accounts can be read by others, or is a link');
  });
});

describe('the description', () => {
  test('names authority, tenant, client and account, and no secret', () => {
    write(account('ada'));
    const identity = expectIdentity(search());
    expect(identity.description).toBe(`login ${PUBLIC}/the-tenant ${CLIENT} ada.home`);
    expect(identity.origins).toEqual([PUBLIC]);
    expect(identity.readSecret?.()).toBe('generation of ada');
  });

  test('names the client in one way, however it is written', () => {
    write(account('ada', { clientId: CLIENT.toUpperCase() }));
    expect(expectIdentity(search()).description).toBe(`login ${PUBLIC}/the-tenant ${CLIENT} ada.home`);
  });

  test('differs by tenant, client and account', () => {
    write(account('ada', { familyId: '1' }), account('bob'));
    const parameters = [{}, { tenantId: 'another' }, { clientId: OTHER_CLIENT }, { account: 'bob.home' }];
    expect(new Set(parameters.map((one) => expectIdentity(search(one)).description)).size).toBe(parameters.length);
  });

  test('tells the tokens of an account from those of all others', () => {
    const ada = { ...account('ada'), familyId: undefined };
    const own = [describeLogin(ada, 'one', CLIENT), describeLogin(ada, 'two', OTHER_CLIENT)];
    const others = [
      describeLogin({ ...ada, id: 'bob.home' }, 'one', CLIENT),
      describeLogin({ ...ada, id: 'x ada.home' }, 'one', CLIENT),
      describeLogin({ ...ada, authority: `${PUBLIC}.example` }, 'one', CLIENT),
      describeLogin({ ...ada, authority: CHINA }, 'one', CLIENT),
      `azure-cli ${PUBLIC}/one ${CLIENT} ada.home`,
      'stored',
      '',
    ];
    for (const one of own) expect(isTokenOf(one, ada), one).toBe(true);
    for (const one of others) expect(isTokenOf(one, ada), one).toBe(false);
  });
});
