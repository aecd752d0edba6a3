/** Proves that a sign-in works: gets the registry's token, in the way in which `get` does it. */

import { eraseIdentity } from '../../cache/erase-identity.ts';
import { readExpiry } from '../../entra/claims.ts';
import { CredentialError } from '../../errors.ts';
import { isSkipped, searchIdentities } from '../../identity/chain.ts';
import type { Identity } from '../../identity/identity.ts';
import type { Log } from '../../log.ts';
import { isNotSetUp } from '../../not-set-up.ts';
import { obtainToken } from '../../registry-token.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { TargetRegistry } from './target.ts';

/** What the proof shows. */
export interface Proof {
  /** When the registry's token expires, in seconds since the epoch; `undefined` when the token does not say. */
  readonly expiresAtSeconds: number | undefined;
}

const BUDGET_MS = 60_000;

/**
 * Gets a new token of the registry with the account that has just signed in, and caches it.
 * @param accountId the account's id, which the identity must have.
 * @throws CredentialError whose message says why it does not work, without "Cannot …".
 */
export async function proveSignIn(
  runtime: Runtime,
  { registry, settings, cache }: TargetRegistry,
  accountId: string,
  log: Log | undefined,
): Promise<Proof> {
  const identity = findAccountIdentity(runtime, { registry, settings, cache }, accountId);
  const request = { runtime, registry, settings, identity, cache, log, deadlineMs: readClockMs() + BUDGET_MS };
  // Tokens of an earlier sign-in would prove nothing, and may lack what the new one has.
  if (cache !== undefined) eraseIdentity(cache, (description) => description === identity.description);
  const token = await obtainToken(request, () => true);
  if (isNotSetUp(token)) throw new CredentialError('IDENTITY_NOT_SET_UP', token.notSetUp);
  runtime.secrets.add(token);
  return { expiresAtSeconds: readExpiry(token) };
}

function findAccountIdentity(runtime: Runtime, { registry, settings }: TargetRegistry, accountId: string): Identity {
  const { tenantId, identity: chosen } = settings;
  let reason = 'no account was found';
  for (const found of searchIdentities({ runtime, registry, tenantId, chosen })) {
    if (!isSkipped(found)) {
      if (found.description.includes(accountId)) return found;
      throw new CredentialError('IDENTITY_INVALID', `another identity is used for the registry: ${found.description}`, {
        hint: 'see "identity" in the configuration, and sign in with the account that it names',
      });
    }
    if (found.source === 'login') reason = found.reason;
  }
  throw new CredentialError('IDENTITY_NOT_SET_UP', reason);
}
