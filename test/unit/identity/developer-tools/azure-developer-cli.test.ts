/** The account that the Azure Developer CLI is signed in with. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AZURE_DEVELOPER_CLI } from '../../../../src/identity/developer-tools/azure-developer-cli.ts';
import { catchFailure } from '../../failure.ts';
import { makeNamedPipe } from '../../named-pipe.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const findAzureDeveloperCli = finderOf(AZURE_DEVELOPER_CLI);

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

describe('findAzureDeveloperCli', () => {
  test.each([
    [{ homeAccountId: HOME_ACCOUNT }, `azure-developer-cli ${HOME_ACCOUNT}`],
    [{ homeAccountId: HOME_ACCOUNT, fromOneAuth: true }, `azure-developer-cli ${HOME_ACCOUNT}`],
    [{ clientId: 'client', tenantId: 'tenant' }, 'azure-developer-cli client.tenant'],
    [{ managedIdentity: true }, 'azure-developer-cli managedIdentity'],
    [{ managedIdentity: true, clientId: 'client' }, 'azure-developer-cli managedIdentity client'],
  ])('describes the account %j as %s', (currentUser, expected) => {
    expect(description({ auth: signedIn(currentUser) })).toBe(expected);
  });

  test('finds the account of an older azd, unless there is a newer one', () => {
    expect(description({ config: signedIn({ homeAccountId: 'old' }) })).toContain('old');
    expect(description({ auth: signedIn({ homeAccountId: 'new' }) })).toContain('new');
  });

  test('uses the tenant of the configuration, and rejects an invalid one', async () => {
    const auth = signedIn({ homeAccountId: HOME_ACCOUNT });
    expect(description({ auth }, { tenantId: 'another' })).toBe(`azure-developer-cli ${HOME_ACCOUNT} another`);
    expect((await catchFailure(() => find({ auth }, { tenantId: '--a b' }))).code).toBe('CONFIG_INVALID');
  });

  test('looks for the account in the home folder', () => {
    mkdirSync(folder.path('.azd'));
    writeFileSync(folder.path('.azd', 'auth.json'), JSON.stringify(signedIn({ homeAccountId: HOME_ACCOUNT })));
    const identity = expectIdentity(findAzureDeveloperCli(requestFor({ HOME: folder.path() })));
    expect(identity.source).toBe('azure-developer-cli');
  });
});

describe('findAzureDeveloperCli reports "not set up"', () => {
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
  ])('for %j', (auth) => {
    expect(find({ auth })).toEqual(NOT_SIGNED_IN);
  });

  test('without a file', () => {
    expect(find({})).toEqual(NOT_SIGNED_IN);
    expect(findAzureDeveloperCli(requestFor({ HOME: folder.path('none') }))).toEqual(NOT_SIGNED_IN);
  });

  test('when useAzCliAuth is "true" or "1", but not for another value', () => {
    const auth = signedIn({ homeAccountId: HOME_ACCOUNT });
    const notSetUp = 'the Azure Developer CLI uses the account of the Azure CLI';
    expect(find({ auth, config: { auth: { useAzCliAuth: 'true' } } })).toEqual({ notSetUp });
    expect(find({ auth, config: { auth: { useAzCliAuth: '1' } } })).toEqual({ notSetUp });
    expect(description({ auth, config: { auth: { useAzCliAuth: 'false' } } })).toContain(HOME_ACCOUNT);
    expect(description({ auth, config: { auth: { useAzCliAuth: true } } })).toContain(HOME_ACCOUNT);
  });

  test('for a folder, a named pipe or a link to itself in place of the file', () => {
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

  test.each(['.', '.azd', '~/.azd'])('for the relative folder %s', (named) => {
    expect(findAzureDeveloperCli(requestFor({ AZD_CONFIG_DIR: named }))).toEqual({
      notSetUp: 'AZD_CONFIG_DIR is not an absolute path',
    });
  });
});
