/** Signs accounts out: removes them, their refresh tokens, and every token that they earned. */

import { findCache } from '../cache/cache.ts';
import { eraseIdentity } from '../cache/erase-identity.ts';
import { describeCause } from '../errors.ts';
import { isTokenOf } from '../identity/login/login-description.ts';
import { MAX_WAIT_MS } from '../logins/index-lock.ts';
import type { AccountRequest } from './account.ts';
import { type Account, isSameAccount, type StoredAccount } from './account-index.ts';
import { changeAccounts, type OpenIndex } from './change-accounts.ts';
import { eraseRefreshToken, removeOtherTokenFiles } from './refresh-token-store.ts';

/** How the sign-out of one account ended. */
export interface SignOut {
  readonly account: Account;
  /** What is still there and why; `undefined` when everything is gone. */
  readonly left: string | undefined;
}

/** What the index keeps while the keychain has the refresh token. It is shorter than before, for a full disk. */
const SIGNED_OUT = {
  ...({ state: 'signed-out', generation: '-', registries: [], challenge: undefined } as const),
  tenants: new Map<string, string>(),
};

/**
 * Signs accounts out. Never fails: what cannot be erased is no longer used, and the result says what it is. Only an
 * index that cannot be changed leaves an account signed in.
 */
export async function signOut(request: AccountRequest, accounts: readonly Account[]): Promise<readonly SignOut[]> {
  const { runtime } = request;
  const results: SignOut[] = [];
  for (const account of accounts) {
    const refreshToken = await removeAccount(request, account);
    // Only then: whoever still had the account may have signed in with it.
    const cache = await findCache(runtime);
    const count = cache === undefined ? 0 : eraseIdentity(cache, (description) => isTokenOf(description, account));
    const reasons = [refreshToken, count === 0 ? undefined : `${count} cached tokens cannot be removed`];
    const left = reasons.filter((reason) => reason !== undefined).join('; ');
    results.push({ account, left: left === '' ? undefined : left });
  }
  return results;
}

/** @returns what is still there and why; `undefined` when the account and its refresh token are gone. */
async function removeAccount({ runtime, log }: AccountRequest, account: Account): Promise<string | undefined> {
  try {
    return await changeAccounts(runtime, { maxWaitMs: MAX_WAIT_MS, isRemoval: true }, async (index) => {
      const place = { runtime, log, file: index.file };
      const stored = index.read().accounts.find((one) => isSameAccount(one, account));
      if (stored === undefined) return undefined;
      // First, so that nobody uses it any more, and no redemption that is under way stores a new one.
      if (stored.keychain === undefined) replace(index, stored, undefined);
      else replace(index, stored, { ...stored, ...SIGNED_OUT });
      const left = await eraseRefreshToken(place, stored, stored.keychain);
      if (left !== undefined) return `the refresh token is still in ${describePlace(stored)} (${left})`;
      if (stored.keychain !== undefined) replace(index, stored, undefined);
      removeOtherTokenFiles(place, index.read().accounts);
      return undefined;
    });
  } catch (cause) {
    log?.({ step: 'end', outcome: 'not-erased', source: 'login', reason: describeCause(cause) });
    return `the account is still signed in (${describeCause(cause)})`;
  }
}

/** @param account takes the place of the stored one; `undefined` removes it. */
function replace(index: OpenIndex, stored: StoredAccount, account: StoredAccount | undefined): void {
  const before = index.read();
  const accounts = before.accounts.flatMap((one) => {
    if (!isSameAccount(one, stored)) return [one];
    return account === undefined ? [] : [account];
  });
  index.shrink({ ...before, accounts });
}

function describePlace({ keychain }: Pick<StoredAccount, 'keychain'>): string {
  return keychain === undefined ? 'a file' : `the keychain of docker-credential-${keychain}`;
}
