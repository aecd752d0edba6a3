/** The failure of a sign-in, left for the processes that waited for it. */

import { createHmac } from 'node:crypto';
import { CredentialError, type ErrorCode } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import { createRedactor } from '../redact.ts';
import { replaceOwnFile } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';

export interface FailureOwner {
  readonly runtime: Runtime;
  /** What was signed in with: processes that would send another secret do not share the failure. */
  readonly secret: string;
}

/** Failures that the processes which waited would have met as well. */
const SHARED_FAILURES: readonly ErrorCode[] = [
  'IDENTITY_FAILED',
  'ENTRA_REFUSED',
  'AUDIENCE_UNKNOWN',
  'REGISTRY_REFUSED',
  'TOKEN_REFUSED',
  'NETWORK_FAILED',
  'ANSWER_INVALID',
];

/** Leaves a failure for the processes that wait, as it would be shown. Failures of this process alone are not shared. */
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
    // Then the others find out themselves.
  }
}

/**
 * Reads what another process left.
 * @param sinceMs when this process began to wait: an older failure says nothing about now.
 * @returns `undefined` when it is not a failure that this process would have met as well.
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

/** Shows that two processes hold the same secret, and nothing else about it. */
function prove(salt: string, secret: string): string {
  return createHmac('sha256', salt).update(secret).digest('base64url');
}
