/** The account that the Azure Developer CLI is signed in with. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findAzureDeveloperCli } from '../../../../src/identity/developer-tools/azure-developer-cli.ts';
import { catchFailure } from '../../failure.ts';
import { makeNamedPipe } from '../../named-pipe.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { expectIdentity, requestFor } from '../request.ts';

const folder = useTemporaryFolder();
const NOT_SIGNED_IN = { notSetUp: 'the Azure Developer CLI is not signed in' };
const HOME_ACCOUNT = '12121212-3434-4565-8787-909090909090.72f988bf-86f1-41af-91ab-2d7cd011db47';

const signedIn = (currentUser: unknown) => ({ auth: { account: { currentUser } } });

function find(files: { auth?: unknown; config?: unknown }, parameters = {}) {
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(folder.path(`${name}.json`), text);
  }
  return findAzureDeveloperCli(requestFor({ AZD_CONFIG_DIR: folder.path() }, parameters));
}
const description = (files: object, parameters = {}) => expectIdentity(find(files, parameters)).description;

describe('the account', () => {
  test.each([
    [{ homeAccountId: HOME_ACCOUNT }, `azure-developer-cli ${HOME_ACCOUNT}`],
    [{ homeAccountId: HOME_ACCOUNT, fromOneAuth: true }, `azure-developer-cli ${HOME_ACCOUNT}`],
    [{ clientId: 'client', tenantId: 'tenant' }, 'azure-developer-cli client.tenant'],
    [{ managedIdentity: true }, 'azure-developer-cli managedIdentity'],
    [{ managedIdentity: true, clientId: 'client' }, 'azure-developer-cli managedIdentity client'],
  ])('%j is %s', (currentUser, expected) => {
    expect(description({ auth: signedIn(currentUser) })).toBe(expected);
  });

  test('is found where an older azd kept it, unless there is a newer one', () => {
    expect(description({ config: signedIn({ homeAccountId: 'old' }) })).toContain('old');
    expect(description({ auth: signedIn({ homeAccountId: 'new' }) })).toContain('new');
  });

  test('signs in at the tenant of the configuration', async () => {
    const auth = signedIn({ homeAccountId: HOME_ACCOUNT });
    expect(description({ auth }, { tenantId: 'another' })).toBe(`azure-developer-cli ${HOME_ACCOUNT} another`);
    expect((await catchFailure(() => find({ auth }, { tenantId: '--a b' }))).code).toBe('IDENTITY_INVALID');
  });

  test('is looked for in the home folder', () => {
    mkdirSync(folder.path('.azd'));
    writeFileSync(folder.path('.azd', 'auth.json'), JSON.stringify(signedIn({ homeAccountId: HOME_ACCOUNT })));
    const identity = expectIdentity(findAzureDeveloperCli(requestFor({ HOME: folder.path() })));
    expect(identity.source).toBe('azure-developer-cli');
  });
});

describe('no account', () => {
  test.each([
    [''],
    ['{'],
    ['null'],
    [{}],
    [{ auth: null }],
    [{ auth: { account: {} } }],
    [signedIn(null)],
    [signedIn('someone')],
    [signedIn([])],
    [signedIn({ homeAccountId: '' })],
    [signedIn({ homeAccountId: 7 })],
    [signedIn({ clientId: 'client' })],
    [signedIn({ managedIdentity: 'true' })],
  ])('is in %j', (auth) => {
    expect(find({ auth })).toEqual(NOT_SIGNED_IN);
  });

  test('is in no file', () => {
    expect(find({})).toEqual(NOT_SIGNED_IN);
    expect(findAzureDeveloperCli(requestFor({ HOME: folder.path('none') }))).toEqual(NOT_SIGNED_IN);
  });

  test('is azd’s own where it leaves signing in to the Azure CLI', () => {
    const auth = signedIn({ homeAccountId: HOME_ACCOUNT });
    const notSetUp = 'the Azure Developer CLI uses the account of the Azure CLI';
    expect(find({ auth, config: { auth: { useAzCliAuth: 'true' } } })).toEqual({ notSetUp });
    expect(find({ auth, config: { auth: { useAzCliAuth: '1' } } })).toEqual({ notSetUp });
    expect(description({ auth, config: { auth: { useAzCliAuth: 'false' } } })).toContain(HOME_ACCOUNT);
    expect(description({ auth, config: { auth: { useAzCliAuth: true } } })).toContain(HOME_ACCOUNT);
  });

  test('is in a file that cannot be read', () => {
    const plants: readonly (readonly [name: string, plant: (file: string) => void])[] = [
      ['folder', (file) => mkdirSync(file)],
      ['pipe', makeNamedPipe],
      ['circle', (file) => symlinkSync(file, file)],
    ];
    for (const [name, plant] of plants) {
      mkdirSync(folder.path(name));
      plant(folder.path(name, 'auth.json'));
      expect(findAzureDeveloperCli(requestFor({ AZD_CONFIG_DIR: folder.path(name) }))).toMatchObject({
        notSetUp: expect.stringMatching(/^the Azure Developer CLI's account cannot be read \(/),
      });
    }
  });

  test.each(['.', '.azd', '~/.azd'])('is in %s, which depends on the working directory', (named) => {
    expect(findAzureDeveloperCli(requestFor({ AZD_CONFIG_DIR: named }))).toEqual({
      notSetUp: 'AZD_CONFIG_DIR is not an absolute path',
    });
  });
});
