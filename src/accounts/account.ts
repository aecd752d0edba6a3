/** The accounts that people signed in with: saves, lists and describes them. */

import type { Log } from '../log.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Account, findAccountFile, readAccountIndex } from './account-index.ts';

export type { Account };

/** What a change of the accounts needs. */
export interface AccountRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
}

/**
 * Saves or replaces the account (same id, authority and client), makes it the default, and stores its refresh token. The
 * registries for which it was chosen are added to those of an earlier sign-in, and taken from the other accounts.
 * @returns a warning for the person when the first secret is stored unencrypted.
 * @throws STORE_REFUSED when the refresh token cannot be stored.
 */
export async function saveAccount(
  { runtime, log }: AccountRequest,
  account: Account,
  refreshToken: string,
): Promise<string | undefined> {
  runtime.secrets.add(refreshToken);
  log?.({ step: 'end', outcome: 'not-saved', source: account.clientId });
  throw new Error('not implemented yet');
}

/** Lists the accounts, most recent first. An index that cannot be used counts as empty. */
export async function listAccounts(runtime: Runtime): Promise<readonly Account[]> {
  const file = findAccountFile(runtime);
  const index = file === undefined ? 'damaged' : readAccountIndex(file);
  if (typeof index === 'string') return [];
  return index.accounts.map(({ id, username, tenantId, authority, clientId, familyId, registries }) => ({
    ...{ id, username, tenantId, authority, clientId, familyId, registries },
  }));
}

/**
 * Reads the claims that Entra asked for when the account could not sign in without its person. A new sign-in passes them
 * on as they are, as the parameter `claims`.
 * @returns `undefined` when there are none.
 */
export async function readClaimsChallenge(runtime: Runtime, account: Account): Promise<string | undefined> {
  const file = findAccountFile(runtime);
  const index = file === undefined ? 'damaged' : readAccountIndex(file);
  if (typeof index === 'string') return undefined;
  const { id, authority, clientId } = account;
  return index.accounts.find((one) => one.id === id && one.authority === authority && one.clientId === clientId)
    ?.challenge;
}
