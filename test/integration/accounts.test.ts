/** The source `login`: accounts that people signed in with answer `get`, until they sign out or have to sign in again. */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { listAccounts } from '../../src/accounts/account.ts';
import { listStoredAccounts } from '../../src/accounts/account-index.ts';
import { asText, parseJsonObject } from '../../src/json.ts';
import { AZURE_CLI_CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { AZURE_POWERSHELL_CLIENT_ID, addApplication, addTenant, findTenant, registryOf } from '../emulator/state.ts';
import { ADA, accountOf, BOB, runCommand, runtimeOf, signIn } from './accounts-world.ts';
import { type FakeKeychain, installKeychain } from './fake-keychain.ts';
import { ENTRA, EXCHANGE, openWorld, REGISTRY, readClaims } from './world.ts';

const OTHER = 'other12.azurecr.io';
const OTHER_TENANT = '22222222-86f1-41af-91ab-2d7cd011db47';
const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
/** No source but the accounts. */
const NOBODY = {
  AZURE_TENANT_ID: undefined,
  AZURE_CLIENT_ID: undefined,
  AZURE_CLIENT_SECRET: undefined,
};

const world = await openWorld();
const { state } = world.emulator;
const home = findTenant(state, TENANT_ID);
const fabrikam = addTenant(state, OTHER_TENANT, 'fabrikam.onmicrosoft.com');
addApplication(fabrikam, { clientId: AZURE_CLI_CLIENT_ID, objectId: AZURE_CLI_CLIENT_ID, isPublic: true });
const binFolder = join(world.folder, 'bin');
const accountFolder = join(world.dataFolder, 'accounts');

/** The keychain of this machine. Without it, refresh tokens are in files. */
let keychain: FakeKeychain;

beforeEach(() => {
  rmSync(world.dataFolder, { recursive: true, force: true });
  rmSync(binFolder, { recursive: true, force: true });
  mkdirSync(binFolder);
  world.variables['PATH'] = binFolder;
  Object.assign(state.signIn, { refusal: undefined, demandedClaims: undefined, revokesUsedTokens: false });
  state.signIn.refreshTokens.clear();
});

function useKeychain(): void {
  keychain = installKeychain(binFolder, 'docker-credential-pass');
}

async function get(serverUrl = REGISTRY, variables: Record<string, string> = {}): Promise<string> {
  return (await world.get(serverUrl, { ...NOBODY, ...variables })).Secret;
}

function fail(serverUrl = REGISTRY, variables: Record<string, string> = {}) {
  return world.fail(serverUrl, { ...NOBODY, ...variables });
}

/** Who the registry's token is for. */
const ownerOf = (token: string) => readClaims(token)['sub'];

function listTokenFiles(): string[] {
  return existsSync(accountFolder) ? readdirSync(accountFolder).filter((name) => name.startsWith('token-')) : [];
}

/** The refresh tokens in files. */
function storedTokens(): (string | undefined)[] {
  return listTokenFiles().map((name) =>
    asText(parseJsonObject(readFileSync(join(accountFolder, name), 'utf8'))?.['refreshToken']),
  );
}

/** The refresh tokens in the keychain. */
function keychainTokens(): (string | undefined)[] {
  return Object.keys(keychain.contents()).map((entry) => keychain.secretOf(entry));
}

function revokeAll(): void {
  for (const token of state.signIn.refreshTokens.values()) token.isRevoked = true;
}

/** The forms that the token endpoint received. */
function sentForms(): Readonly<Record<string, string>>[] {
  return world.emulator.requests.filter(({ path }) => path.endsWith('/token')).map(({ form }) => form);
}

describe('an account', () => {
  test('answers get with its refresh token, and then from the cache', async () => {
    const { refreshToken } = await signIn(world);
    const token = await get();
    expect(ownerOf(token)).toBe(ADA.name);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    expect(sentForms()[0]).toEqual({
      client_id: AZURE_CLI_CLIENT_ID,
      scope: 'https://containerregistry.azure.net/.default openid profile offline_access',
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_info: '1',
    });
    expect(await get()).toBe(token);
    await get(OTHER);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, `POST ${OTHER}/oauth2/exchange`]);
  });

  test('does not come before what the environment sets up', async () => {
    await signIn(world);
    expect(ownerOf((await world.get()).Secret)).not.toBe(ADA.name);
  });

  test('comes before the Azure CLI', async () => {
    mkdirSync(join(world.folder, '.azure'), { recursive: true });
    const subscription = { id: '1', isDefault: true, tenantId: TENANT_ID, user: { name: 'cli' } };
    writeFileSync(join(world.folder, '.azure', 'azureProfile.json'), JSON.stringify({ subscriptions: [subscription] }));
    await signIn(world);
    expect(ownerOf(await get())).toBe(ADA.name);
    rmSync(join(world.folder, '.azure'), { recursive: true });
  });

  test('is used when AZURE_TOKEN_CREDENTIALS is InteractiveBrowserCredential', async () => {
    await signIn(world);
    const variables = { AZURE_TOKEN_CREDENTIALS: 'InteractiveBrowserCredential' };
    expect(ownerOf((await world.get(REGISTRY, variables)).Secret)).toBe(ADA.name);
  });

  test('signs in to the tenant that the configuration names, with the same refresh token', async () => {
    registryOf(state, OTHER).homeTenant = OTHER_TENANT;
    await signIn(world);
    world.configure({ [OTHER]: { tenantId: OTHER_TENANT } });
    await get();
    await get(OTHER);
    const paths = world.seen().filter((request) => request.endsWith('/oauth2/v2.0/token'));
    expect(paths).toEqual([ENTRA, ENTRA.replace(TENANT_ID, OTHER_TENANT)]);
    registryOf(state, OTHER).homeTenant = TENANT_ID;
  });

  test('signs in to the tenant of each registry that a guest signed in for', async () => {
    registryOf(state, OTHER).homeTenant = OTHER_TENANT;
    await signIn(world, { registries: [REGISTRY] });
    await signIn(world, { registries: [OTHER], tenantId: OTHER_TENANT });
    await get();
    await get(OTHER);
    const paths = world.seen().filter((request) => request.endsWith('/oauth2/v2.0/token'));
    expect(paths).toEqual([ENTRA, ENTRA.replace(TENANT_ID, OTHER_TENANT)]);
    registryOf(state, OTHER).homeTenant = TENANT_ID;
  });

  test('stays in the own tenant for other registries when a guest signs in for one', async () => {
    await signIn(world);
    await signIn(world, { registries: [OTHER], tenantId: OTHER_TENANT });
    await get();
    expect(world.seen()).toContain(ENTRA);
  });

  test.each([
    ['for one, and never at home', { registries: [OTHER], tenantId: OTHER_TENANT }, []],
    ['for none', { tenantId: OTHER_TENANT }, [{}]],
  ])('is in the tenant of a guest for other registries after a sign-in %s', async (_what, guest, before) => {
    registryOf(state, REGISTRY).homeTenant = OTHER_TENANT;
    for (const first of before) await signIn(world, first);
    await signIn(world, guest);
    await get();
    expect(world.seen()).toContain(ENTRA.replace(TENANT_ID, OTHER_TENANT));
    registryOf(state, REGISTRY).homeTenant = TENANT_ID;
  });

  test('loses nothing when two tenants redeem its refresh token at the same time', async () => {
    await signIn(world);
    world.configure({ [OTHER]: { tenantId: OTHER_TENANT } });
    registryOf(state, OTHER).homeTenant = OTHER_TENANT;
    const undo = world.emulator.inject({ host: 'login.microsoftonline.com', delayMs: 200, times: 2 });
    await Promise.all([get(), get(OTHER)]);
    undo();
    const forms = sentForms();
    expect(forms.map((form) => form['refresh_token'])).toEqual([
      forms[0]?.['refresh_token'],
      forms[0]?.['refresh_token'],
    ]);
    const [stored = '', ...more] = storedTokens();
    expect(more).toEqual([]);
    expect(stored).not.toBe(forms[0]?.['refresh_token']);
    expect(state.signIn.refreshTokens.has(stored)).toBe(true);
    registryOf(state, OTHER).homeTenant = TENANT_ID;
  });

  test('keeps the refresh token of a sign-in that comes during a redemption', async () => {
    await signIn(world);
    const undo = world.emulator.inject({ host: 'login.microsoftonline.com', delayMs: 300, times: 1 });
    const answer = get();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { refreshToken } = await signIn(world);
    await answer;
    undo();
    expect(storedTokens()).toEqual([refreshToken]);
  });

  test('shares one redemption among 32 gets at once', async () => {
    await signIn(world);
    const tokens = await Promise.all(Array.from({ length: 32 }, () => get()));
    expect(new Set(tokens).size).toBe(1);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('of several accounts', () => {
  test('the most recent one answers, except for registries for which another one was chosen', async () => {
    await signIn(world, { registries: [REGISTRY] });
    await signIn(world, { user: BOB });
    expect(ownerOf(await get())).toBe(ADA.name);
    expect(ownerOf(await get(OTHER))).toBe(BOB.name);
  });

  test('the one that is chosen later for a registry takes it over', async () => {
    await signIn(world, { registries: [REGISTRY, OTHER] });
    await signIn(world, { user: BOB, registries: [REGISTRY] });
    await signIn(world);
    expect(ownerOf(await get())).toBe(BOB.name);
    expect(ownerOf(await get(OTHER))).toBe(ADA.name);
  });

  test.each([BOB.name, BOB.name.toUpperCase(), accountOf({ user: BOB }).id])(
    'the configured one answers: %s',
    async (account) => {
      await signIn(world, { user: BOB });
      await signIn(world, { registries: [REGISTRY] });
      world.configure({ [REGISTRY]: { identity: { type: 'login', account } } });
      expect(ownerOf(await get())).toBe(BOB.name);
    },
  );

  test('none answers when the configured one is not signed in', async () => {
    await signIn(world);
    world.configure({ [REGISTRY]: { identity: { type: 'login', account: BOB.name } } });
    const { stderr } = await fail();
    expect(stderr).toContain(`with login: ${BOB.name} is not signed in: docker-credential-acr login`);
    world.expectNothingSent();
  });

  test('none answers for a registry of another cloud, and the reason names the clouds', async () => {
    await signIn(world);
    const { stderr } = await world.run('get', 'myregistry.azurecr.cn', NOBODY);
    expect(stderr).toContain(
      `login: ${ADA.name} is signed in at https://login.microsoftonline.com, but not at https://login.partner.microsoftonline.cn`,
    );
    world.expectNothingSent();
  });

  test('each one keeps its own cached tokens', async () => {
    await signIn(world);
    const first = await get();
    await signIn(world, { user: BOB });
    expect(ownerOf(await get())).toBe(BOB.name);
    await signIn(world);
    expect(await get()).toBe(first);
  });
});

describe.each(['file', 'keychain'])('a refresh token in the %s', (place) => {
  const stored = () => (place === 'file' ? storedTokens() : keychainTokens());

  beforeEach(() => {
    if (place === 'keychain') useKeychain();
  });

  test('is replaced by the new one of each redemption', async () => {
    const { refreshToken, warning } = await signIn(world);
    expect(stored()).toEqual([refreshToken]);
    expect(warning === undefined).toBe(place === 'keychain');
    await get();
    const [second = ''] = stored();
    expect(second).not.toBe(refreshToken);
    expect(state.signIn.refreshTokens.has(second)).toBe(true);
    world.forgetTokens();
    await get();
    expect(sentForms().map((form) => form['refresh_token'])).toEqual([refreshToken, second]);
    expect(stored()).toHaveLength(1);
    expect(storedTokens()).toHaveLength(place === 'file' ? 1 : 0);
  });

  test('survives that its use revokes the old one', async () => {
    state.signIn.revokesUsedTokens = true;
    await signIn(world);
    await get();
    world.forgetTokens();
    await get();
    world.forgetTokens();
    await get();
  });

  test('is dropped when Entra has revoked it, and the error says how to sign in again', async () => {
    await signIn(world);
    revokeAll();
    const { stdout, stderr } = await fail();
    const command = `docker-credential-acr login ${REGISTRY} --tenant ${TENANT_ID}`;
    expect(stdout).toContain(`the sign-in has expired (AADSTS50173); hint: sign in again: ${command}\n`);
    expect(stderr).not.toContain('az login');
    expect(stored()).toEqual([]);
    // Nothing is asked any more, and no other account takes its place.
    world.forgetTokens();
    world.forgetRequests();
    expect((await fail()).stdout).toContain(
      `${ADA.name} has to sign in again: the sign-in has expired; hint: ${command}`,
    );
    world.expectNothingSent();
    await signIn(world);
    expect(ownerOf(await get())).toBe(ADA.name);
  });

  test('is gone after a sign-out, with every token that the account earned, and with no other', async () => {
    await signIn(world, { user: BOB, registries: [OTHER] });
    await get(OTHER);
    const { refreshToken } = await signIn(world);
    await get();
    const signedOut = await runCommand(world, ['logout', ADA.name]);
    expect(signedOut).toEqual({ exitCode: 0, output: '', errors: `Signed out ${ADA.name}.\n` });
    expect(stored()).not.toContain(refreshToken);
    expect(stored()).toHaveLength(1);
    world.forgetRequests();
    expect(ownerOf(await get(OTHER))).toBe(BOB.name);
    expect(world.seen()).toEqual([]);
    expect(readFileSync(join(accountFolder, 'index.json'), 'utf8')).not.toContain(ADA.name);
    expect(ownerOf(await get())).toBe(BOB.name);
  });

  test('is kept by docker logout', async () => {
    await signIn(world);
    await get();
    expect(await world.run('erase', REGISTRY)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    world.forgetRequests();
    expect(ownerOf(await get())).toBe(ADA.name);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('a refresh token that was refused', () => {
  test('is tried once more when another process has stored a newer one', async () => {
    const { refreshToken } = await signIn(world);
    const [name = ''] = listTokenFiles();
    const file = join(accountFolder, name);
    const old = readFileSync(file, 'utf8');
    await get();
    const newer = readFileSync(file, 'utf8');
    // The process reads the old one, and another process stores the newer one before Entra has answered.
    writeFileSync(file, old);
    Object.assign(state.signIn.refreshTokens.get(refreshToken) ?? {}, { isRevoked: true });
    world.forgetTokens();
    const undo = world.emulator.inject({ host: 'login.microsoftonline.com', delayMs: 300, times: 1 });
    const answer = get();
    await new Promise((resolve) => setTimeout(resolve, 150));
    writeFileSync(file, newer);
    expect(ownerOf(await answer)).toBe(ADA.name);
    undo();
    expect(storedTokens()).toHaveLength(1);
  });

  test('with claims leads to a sign-in that gets exactly those', async () => {
    await signIn(world);
    state.signIn.demandedClaims = CLAIMS;
    const { stdout, stderr } = await fail();
    expect(stdout).toContain(`hint: sign in again: docker-credential-acr login ${REGISTRY}`);
    expect(stderr).not.toContain('acrs');
    expect(listStoredAccounts(runtimeOf(world))[0]?.challenge).toBe(CLAIMS);
    expect(storedTokens()).toHaveLength(1);
    await signIn(world, { claims: CLAIMS });
    expect(listStoredAccounts(runtimeOf(world))[0]?.challenge).toBeUndefined();
    expect(ownerOf(await get())).toBe(ADA.name);
  });

  test('for a temporary reason stays', async () => {
    const { refreshToken } = await signIn(world);
    state.signIn.refusal = { error: 'invalid_grant', code: 50_105, text: 'The user is not assigned to a role.' };
    const { stderr } = await fail();
    expect(stderr).toContain('AADSTS50105');
    expect(storedTokens()).toEqual([refreshToken]);
  });

  test('because the registry audience is unknown is redeemed for Azure Resource Manager', async () => {
    await signIn(world);
    home?.resources.delete('https://containerregistry.azure.net');
    try {
      expect(ownerOf(await get())).toBe(ADA.name);
    } finally {
      home?.resources.add('https://containerregistry.azure.net');
    }
    const scopes = sentForms().map((form) => form['scope']?.split('/.default')[0]);
    expect(scopes.slice(0, 2)).toEqual(['https://containerregistry.azure.net', 'https://management.azure.com']);
  });
});

describe('a family of clients', () => {
  const useClient = (clientId: string) =>
    world.configure({ [REGISTRY]: { identity: { type: 'login', clientId: clientId.toUpperCase() } } });

  test('shares the refresh token, and the new one serves both', async () => {
    await signIn(world);
    useClient(AZURE_POWERSHELL_CLIENT_ID);
    await get();
    expect(sentForms()[0]?.['client_id']).toBe(AZURE_POWERSHELL_CLIENT_ID);
    await get(OTHER);
    expect(sentForms()[1]?.['client_id']).toBe(AZURE_CLI_CLIENT_ID);
    expect(sentForms()[1]?.['refresh_token']).not.toBe(sentForms()[0]?.['refresh_token']);
  });

  test('does not hold a client outside of it, which needs a sign-in of its own', async () => {
    const clientId = '77777777-2222-4333-8444-555555555555';
    if (home !== undefined) addApplication(home, { clientId, objectId: clientId, isPublic: true });
    const { refreshToken } = await signIn(world);
    useClient(clientId);
    const { stderr } = await fail();
    expect(stderr).toContain(`the application ${clientId} is not of the family of ${AZURE_CLI_CLIENT_ID}`);
    expect(stderr).toContain(
      `hint: docker-credential-acr login ${REGISTRY} --tenant ${TENANT_ID} --client-id ${clientId}`,
    );
    expect(storedTokens()).toEqual([refreshToken]);
    await signIn(world, { clientId });
    world.forgetTokens();
    expect(ownerOf(await get())).toBe(ADA.name);
  });

  test('is no way to a client for an account without a family', async () => {
    const clientId = '77777777-2222-4333-8444-555555555555';
    await signIn(world, { clientId });
    useClient(AZURE_POWERSHELL_CLIENT_ID);
    expect((await fail()).stderr).toContain('nobody has signed in with the application');
    world.expectNothingSent();
  });
});

describe('trouble with the storage', () => {
  test('a data folder that cannot be written to still answers', async () => {
    const { refreshToken } = await signIn(world);
    chmodSync(accountFolder, 0o777); // others could write to it: then the program does not, not even as root
    expect(ownerOf(await get())).toBe(ADA.name);
    expect(storedTokens()).toEqual([refreshToken]);
    expect(readFileSync(world.logFile, 'utf8')).toContain('"not-rotated"');
    chmodSync(accountFolder, 0o700);
  });

  test.each(['', '{', '[]', '{"version":2}', '{"version":1,"accounts":[{"id":7}]}'])(
    'an index with %j counts as empty, and the next sign-in repairs it',
    async (text) => {
      await signIn(world, { user: BOB }); // nobody can find this refresh token any more: it must go
      await signIn(world);
      writeFileSync(join(accountFolder, 'index.json'), text);
      const { stderr } = await world.run('get', REGISTRY, NOBODY);
      expect(stderr).toContain('login: the list of accounts is damaged; sign in again: docker-credential-acr login');
      expect(await listAccounts(runtimeOf(world))).toEqual([]);
      await signIn(world);
      expect(storedTokens()).toHaveLength(1);
      expect(ownerOf(await get())).toBe(ADA.name);
    },
  );

  test('an index that others can write to is not trusted, and stays as it is', async () => {
    await signIn(world);
    chmodSync(join(accountFolder, 'index.json'), 0o666);
    const { stderr } = await world.run('get', REGISTRY, NOBODY);
    expect(stderr).toContain('login: the list of accounts can be read by others, or is a link');
    await expect(signIn(world, { user: BOB })).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    chmodSync(join(accountFolder, 'index.json'), 0o600);
    expect((await listAccounts(runtimeOf(world))).map(({ username }) => username)).toEqual([ADA.name]);
    expect(storedTokens()).toHaveLength(1);
  });

  test('a refresh token that somebody removed is asked for again', async () => {
    await signIn(world);
    for (const name of listTokenFiles()) rmSync(join(accountFolder, name));
    expect((await fail()).stderr).toContain('has to sign in again: the refresh token is gone');
  });

  test('a locked keychain is an error that names it, and the refresh token stays', async () => {
    useKeychain();
    const { refreshToken } = await signIn(world);
    keychain.feel('locked');
    const { stderr } = await fail();
    expect(stderr).toContain('docker-credential-pass: gpg: decryption failed');
    expect(stderr).toContain('hint: unlock the keychain, or sign in again: docker-credential-acr login');
    keychain.feel('works');
    expect(keychainTokens()).toEqual([refreshToken]);
  });

  test('a keychain that fails at the sign-in is replaced by the file, with a warning once', async () => {
    useKeychain();
    keychain.feel('broken');
    const { warning } = await signIn(world);
    expect(warning).toMatch(/^the refresh token is stored unencrypted, .*: docker-credential-pass: Cannot autolaunch/);
    expect((await signIn(world, { user: BOB })).warning).toBeUndefined();
    expect(storedTokens()).toHaveLength(2);
    keychain.feel('works');
    await signIn(world);
    expect(storedTokens()).toHaveLength(1);
    expect(keychainTokens()).toHaveLength(1);
  });

  test('"store" chooses the place, and "strict" without it refuses', async () => {
    useKeychain();
    world.writeConfig({ store: 'file' });
    const { refreshToken } = await signIn(world);
    expect([storedTokens(), keychainTokens()]).toEqual([[refreshToken], []]);
    world.writeConfig({ store: 'keychain' });
    keychain.feel('broken');
    await expect(signIn(world)).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      hint: expect.stringContaining('"store": "file"'),
    });
    expect(storedTokens()).toEqual([refreshToken]);
    world.writeConfig({ strict: true });
    await expect(signIn(world)).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    world.writeConfig({ strict: true, store: 'file', registries: { [REGISTRY]: { identity: 'login' } } });
    await signIn(world);
    expect(ownerOf(await get())).toBe(ADA.name);
  });
});
