/** Which refresh token is stored or dropped after a redemption. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Account, saveAccount } from '../../../../src/accounts/account.ts';
import { listStoredAccounts, type StoredAccount } from '../../../../src/accounts/account-index.ts';
import { readRefreshToken } from '../../../../src/accounts/refresh-token-store.ts';
import { dropDeadToken, rememberChallenge, storeRotatedToken } from '../../../../src/accounts/rotation.ts';
import { requestLoginToken } from '../../../../src/identity/login/login-token.ts';
import type { Runtime } from '../../../../src/system/runtime.ts';
import { catchFailure } from '../../failure.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { answer, toolsAnswering } from '../../token-context.ts';

const folder = useTemporaryFolder();
const ACCOUNT: Account = {
  ...{ id: 'object.tenant', username: 'ada@contoso.com', tenantId: 'contoso.com', clientId: 'own-client' },
  ...{ authority: 'https://login.microsoftonline.com', familyId: '1', registries: [] },
};
const log = undefined;

/** A machine on which the account is signed in with the refresh token `first`, in a file. */
async function signIn(): Promise<{
  runtime: Runtime;
  account: StoredAccount;
  stored: () => Promise<string | undefined>;
}> {
  const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path(), HOME: folder.path() });
  await saveAccount({ runtime, log }, ACCOUNT, 'first-token');
  const file = folder.path('accounts', 'index.json');
  const find = () => {
    const [account] = listStoredAccounts(runtime);
    if (account === undefined) throw new Error('nobody is signed in');
    return account;
  };
  return { runtime, account: find(), stored: () => readRefreshToken({ runtime, log, file }, find()) };
}

describe('after a redemption', () => {
  test.each([
    ['own-client', undefined, 'second-token'],
    ['own-client', '1', 'second-token'],
    ['another-client', '1', 'second-token'],
    // It belongs to the other client alone.
    ['another-client', undefined, 'first-token'],
  ])('with %s and the family %s, %s is stored', async (clientId, foci, expected) => {
    const { runtime, account, stored } = await signIn();
    const { context } = toolsAnswering(answer(200, { access_token: 'a', refresh_token: 'second-token', foci }));
    const request = { account, tenant: 'contoso.com', clientId, host: 'myregistry.azurecr.io' };
    expect(await requestLoginToken({ ...context, runtime }, request)).toBe('a');
    expect(await stored()).toBe(expected);
  });
});

test.each([
  ['1', 'docker-credential-acr login myregistry.azurecr.io --tenant contoso.com'],
  [undefined, 'docker-credential-acr login myregistry.azurecr.io --tenant contoso.com --client-id own-client'],
])('with the family %s the command that signs in again is %s', async (familyId, command) => {
  const { runtime, account } = await signIn();
  const { context } = toolsAnswering(answer(400, { error: 'invalid_grant', suberror: 'bad_token' }));
  const request = { account: { ...account, familyId }, tenant: 'contoso.com', clientId: 'own-client' };
  const failure = await catchFailure(() =>
    requestLoginToken({ ...context, runtime }, { ...request, host: 'myregistry.azurecr.io' }),
  );
  expect(failure.hint).toBe(`sign in again: ${command}`);
});

describe('a refresh token that Entra does not accept', () => {
  test('is dropped, and the account has to sign in again', async () => {
    const { runtime, account, stored } = await signIn();
    await dropDeadToken({ runtime, log, account }, 'first-token');
    expect(await stored()).toBeUndefined();
    expect(listStoredAccounts(runtime)).toMatchObject([{ state: 'over' }]);
  });

  test('is no reason to drop the one that has taken its place', async () => {
    const { runtime, account, stored } = await signIn();
    await storeRotatedToken({ runtime, log, account }, 'second-token');
    await dropDeadToken({ runtime, log, account }, 'first-token');
    expect(await stored()).toBe('second-token');
    expect(listStoredAccounts(runtime)).toMatchObject([{ state: 'active' }]);
  });
});

test('a new sign-in makes everything void that an earlier redemption would change', async () => {
  const { runtime, account, stored } = await signIn();
  await saveAccount({ runtime, log }, ACCOUNT, 'newest-token');
  const index = () => readFileSync(folder.path('accounts', 'index.json'), 'utf8');
  const before = index();
  await storeRotatedToken({ runtime, log, account }, 'second-token');
  await dropDeadToken({ runtime, log, account }, 'newest-token');
  await rememberChallenge({ runtime, log, account }, '{}');
  expect(await stored()).toBe('newest-token');
  expect(index()).toBe(before);
});
