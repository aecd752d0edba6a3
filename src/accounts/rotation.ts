/** What a redemption of a refresh token changes: it stores the new one, drops a dead one, and keeps what Entra asks. */

import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Runtime } from '../system/runtime.ts';
import { isSameAccount, type StoredAccount } from './account-index.ts';
import { changeAccounts, type OpenIndex } from './change-accounts.ts';
import {
  eraseRefreshToken,
  readRefreshToken,
  removeOtherTokenFiles,
  replaceRefreshToken,
  type TokenPlace,
} from './refresh-token-store.ts';

/** Whose refresh token was redeemed. */
export interface RotationRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  readonly account: StoredAccount;
}

/** A process waits no longer: the old refresh token still works, and `get` has its answer. */
const MAX_WAIT_MS = 2_000;

/**
 * Stores the refresh token that takes the place of the redeemed one, unless the person has signed in again or signed out
 * in the meantime. Never fails: the old one still works.
 */
export async function storeRotatedToken(request: RotationRequest, refreshToken: string): Promise<void> {
  await change(request, 'not-rotated', async (index, place, account) => {
    await replaceRefreshToken(place, account, refreshToken);
    // A logout that could not wait for the lock has the last word.
    if (findSame(index, account) === undefined) await eraseRefreshToken(place, account, account.keychain);
  });
}

/** Forgets a refresh token that Entra no longer accepts, unless another one has taken its place. Never fails. */
export async function dropDeadToken(request: RotationRequest, deadToken: string): Promise<void> {
  await change(request, 'not-dropped', async (index, place, account) => {
    if ((await readRefreshToken(place, account)) !== deadToken) return;
    update(index, account, { state: 'over' });
    await eraseRefreshToken(place, account, account.keychain);
  });
}

/** Remembers the claims that Entra asks for, until the next sign-in passes them on. Never fails. */
export async function rememberChallenge(request: RotationRequest, challenge: string): Promise<void> {
  if (request.account.challenge === challenge) return;
  await change(request, 'not-remembered', async (index, _place, account) => update(index, account, { challenge }));
}

function update(index: OpenIndex, account: StoredAccount, changes: Partial<StoredAccount>): void {
  const before = index.read();
  const accounts = before.accounts.map((one) => (isSameAccount(one, account) ? { ...one, ...changes } : one));
  index.write({ ...before, accounts });
}

/** The account as the index now has it; `undefined` after another sign-in or a logout. */
function findSame(index: OpenIndex, account: StoredAccount): StoredAccount | undefined {
  const found = index.read().accounts.find((one) => isSameAccount(one, account));
  return found?.generation === account.generation && found.state === 'active' ? found : undefined;
}

async function change(
  { runtime, log, account }: RotationRequest,
  failure: string,
  act: (index: OpenIndex, place: TokenPlace, account: StoredAccount) => Promise<void>,
): Promise<void> {
  try {
    await changeAccounts(runtime, { maxWaitMs: MAX_WAIT_MS }, async (index) => {
      const place = { runtime, log, file: index.file };
      const found = findSame(index, account);
      if (found === undefined) return;
      await act(index, place, found);
      removeOtherTokenFiles(place, index.read().accounts);
    });
  } catch (cause) {
    log?.({ step: 'end', outcome: failure, source: 'login', reason: describeCause(cause) });
  }
}
