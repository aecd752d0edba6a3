/**
 * Shares the failure of a sign-in with the processes that waited for it.
 *
 * They are the ones that saw the lock file of the process that failed. Its key is known to nobody else and is gone with
 * the lock, so a record can neither be taken for another sign-in's, whatever the clock says, nor be used to guess the
 * secret.
 */

import { createHmac } from 'node:crypto';
import { CredentialError, type ErrorCode } from '../errors.ts';
import { asText, type JsonObject } from '../json.ts';
import { createRedactor } from '../redact.ts';
import { replaceOwnFile } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';
import type { Holding } from './lock-holder.ts';

/** The process that failed. */
export interface FailureOwner {
  readonly runtime: Runtime;
  /** Reads the secret that it signed in with. Processes with another secret do not share the failure. */
  readonly readSecret: () => string;
  /** How it held the lock. */
  readonly holding: Holding;
}

/** Failures that the waiting processes would have met as well. */
const SHARED_FAILURES: readonly ErrorCode[] = [
  'IDENTITY_FAILED',
  'ENTRA_REFUSED',
  'AUDIENCE_UNKNOWN',
  'REGISTRY_REFUSED',
  'TOKEN_REFUSED',
  'NETWORK_FAILED',
  'ANSWER_INVALID',
];

/**
 * Saves a failure, redacted, for the waiting processes, unless its code concerns only this process. Never fails.
 * @param file where the waiting processes look for it.
 */
export function shareFailure(
  file: string,
  { runtime, readSecret, holding }: FailureOwner,
  failure: CredentialError,
): void {
  if (!SHARED_FAILURES.includes(failure.code)) return;
  const redact = createRedactor(runtime);
  const { code } = failure;
  const [message, causes] = [redact(failure.message), failure.causes.map(redact)];
  const hint = failure.hint === undefined ? undefined : redact(failure.hint);
  try {
    const record = { holding: holding.id, proof: prove(holding, readSecret()), code, message, causes, hint };
    replaceOwnFile(file, JSON.stringify(record));
  } catch {
    // Then the other processes sign in themselves.
  }
}

/**
 * Reads the failure from the record of another process.
 * @param holding how the process that we waited for held the lock.
 * @returns `undefined` when this process would not have met the same failure.
 */
export function parseFailure(record: JsonObject, secret: string, holding: Holding): CredentialError | undefined {
  if (record['proof'] !== prove(holding, secret)) return undefined;
  const code = SHARED_FAILURES.find((shared) => shared === record['code']);
  const message = asText(record['message']);
  if (code === undefined || message === undefined) return undefined;
  const causes = Array.isArray(record['causes']) ? record['causes'].map(asText) : [];
  const hint = asText(record['hint']);
  return new CredentialError(code, message, {
    causes: causes.filter((cause) => cause !== undefined),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Computes a proof by which two processes can see that they have the same secret, without revealing it. */
function prove({ key }: Holding, secret: string): string {
  return createHmac('sha256', key).update(secret).digest('base64url');
}
