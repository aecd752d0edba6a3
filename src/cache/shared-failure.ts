/** Shares the failure of a sign-in with the processes that waited for it. */

import { createHmac } from 'node:crypto';
import { CredentialError, type ErrorCode } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import { createRedactor } from '../redact.ts';
import { replaceOwnFile } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';

/** The process that failed. */
export interface FailureOwner {
  readonly runtime: Runtime;
  /** The secret that it signed in with. Processes with another secret do not share the failure. */
  readonly secret: string;
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
export function shareFailure(file: string, { runtime, secret }: FailureOwner, failure: CredentialError): void {
  if (!SHARED_FAILURES.includes(failure.code)) return;
  const redact = createRedactor(runtime);
  const { code } = failure;
  const [message, causes] = [redact(failure.message), failure.causes.map(redact)];
  const hint = failure.hint === undefined ? undefined : redact(failure.hint);
  const failedAtMs = Date.now();
  const salt = `${failedAtMs} ${process.pid}`;
  const record = { failedAtMs, salt, proof: prove(salt, secret), code, message, causes, hint };
  try {
    replaceOwnFile(file, JSON.stringify(record));
  } catch {
    // Then the other processes sign in themselves.
  }
}

/**
 * Parses the failure that another process saved.
 * @param sinceMs when this process began to wait, in milliseconds since the epoch; an older failure is ignored.
 * @returns `undefined` when this process would not have met the same failure.
 */
export function parseFailure(text: string, secret: string, sinceMs: number): CredentialError | undefined {
  const record = parseJsonObject(text);
  if (record === undefined || typeof record['failedAtMs'] !== 'number' || record['failedAtMs'] < sinceMs)
    return undefined;
  if (record['proof'] !== prove(asText(record['salt']) ?? '', secret)) return undefined;
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
function prove(salt: string, secret: string): string {
  return createHmac('sha256', salt).update(secret).digest('base64url');
}
