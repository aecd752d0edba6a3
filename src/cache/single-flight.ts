/**
 * Lets one of many processes that want the same token sign in, and gives its result, good or bad, to the others.
 */

import { join } from 'node:path';
import { CredentialError, describeCause, type ErrorCode } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { readClockMs } from '../system/clock.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Cache, type CacheKey, keyFileName } from './cache.ts';
import { type Lock, LockAttempt } from './lock.ts';

export interface Flight<T> {
  readonly runtime: Runtime;
  /** Looks for the result of another process. */
  readonly peek: () => T | undefined;
  /** Gets the result itself. */
  readonly run: () => Promise<T>;
  /** Called once, when another process is found to be getting it. */
  readonly onWait?: () => void;
  /** What the result depends on besides the key: those who would send another secret do not share a failure. */
  readonly secret: string;
  /** When the whole program has to have answered, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

const FIRST_WAIT_MS = 8;
const MAX_WAIT_MS = 100;
const MAX_FAILURE_BYTES = 16 * 1024;

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

/**
 * Runs a flight under the lock of its key; without a lock where none can be taken, which costs a request, not the answer.
 * @throws CredentialError of the run, or BUSY when another process held the lock until the deadline.
 */
export async function runSingleFlight<T>(cache: Cache | undefined, key: CacheKey, flight: Flight<T>): Promise<T> {
  if (cache === undefined) return flight.run();
  const failureFile = join(cache.lockFolder, `${keyFileName(key)}.failed`);
  const turn = await takeTurn(cache, key, flight, failureFile);
  if ('found' in turn) return turn.found;
  try {
    return await flight.run();
  } catch (cause) {
    if (turn.lock !== undefined) await shareFailure(failureFile, flight, cause);
    throw cause;
  } finally {
    turn.lock?.release();
  }
}

/** Waits until another process has the result, or it is our turn to get it. */
async function takeTurn<T>(
  cache: Cache,
  key: CacheKey,
  flight: Flight<T>,
  failureFile: string,
): Promise<{ found: T } | { lock: Lock | undefined }> {
  const startedAtMs = Date.now();
  const attempt = makeOwnFolder(cache.lockFolder) ? new LockAttempt(cache.lockFolder, keyFileName(key)) : undefined;
  for (let waits = 0; ; waits += 1) {
    let lock: Lock | undefined;
    try {
      if (attempt === undefined) throw new Error(`${cache.lockFolder} is not a folder that only you can write in`);
      lock = attempt.try();
    } catch (cause) {
      flight.log?.({ step: 'lock', outcome: 'not-locked', reason: describeCause(cause) });
      return { lock: undefined };
    }
    const found = flight.peek();
    if (found !== undefined) {
      lock?.release();
      return { found };
    }
    if (lock !== undefined) return { lock };
    await rethrowFailure(failureFile, flight.secret, startedAtMs);
    if (waits === 0) flight.onWait?.();
    await waitForOther(flight.deadlineMs, Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 1.5 ** waits));
  }
}

async function waitForOther(deadlineMs: number, waitMs: number): Promise<void> {
  if (readClockMs() > deadlineMs) {
    throw new CredentialError('BUSY', 'another process has been signing in for too long', {
      hint: 'try again; if it stays so, look for a docker-credential-acr process that hangs',
    });
  }
  // Not all at the same moment: they would take the processor from the one they wait for.
  await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())));
}

/** Leaves the failure for those who wait behind us, as it would be shown. */
async function shareFailure<T>(file: string, { runtime, secret }: Flight<T>, failure: unknown): Promise<void> {
  if (!(failure instanceof CredentialError) || !SHARED_FAILURES.includes(failure.code)) return;
  const { createRedactor } = await import('../redact.ts');
  const redact = createRedactor(runtime);
  const { code } = failure;
  const [message, causes] = [redact(failure.message), failure.causes.map(redact)];
  const hint = failure.hint === undefined ? undefined : redact(failure.hint);
  const failedAtMs = Date.now();
  const salt = `${failedAtMs} ${process.pid}`;
  const record = { failedAtMs, salt, proof: await prove(salt, secret), code, message, causes, hint };
  try {
    replaceOwnFile(file, JSON.stringify(record));
  } catch {
    // Then the others find out themselves.
  }
}

/** @throws the failure of the process that we waited for, if it failed while we did, with the same secret. */
async function rethrowFailure(file: string, secret: string, sinceMs: number): Promise<void> {
  const failure = parseJsonObject(readOwnFile(file, MAX_FAILURE_BYTES) ?? '');
  if (failure === undefined || typeof failure['failedAtMs'] !== 'number' || failure['failedAtMs'] < sinceMs) return;
  if (failure['proof'] !== (await prove(asText(failure['salt']) ?? '', secret))) return;
  const code = SHARED_FAILURES.find((shared) => shared === failure['code']);
  const message = asText(failure['message']);
  if (code === undefined || message === undefined) return;
  const causes = Array.isArray(failure['causes']) ? failure['causes'].map(asText) : [];
  const hint = asText(failure['hint']);
  throw new CredentialError(code, message, {
    causes: causes.filter((cause) => cause !== undefined),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Tells whether two processes hold the same secret, and nothing else. */
async function prove(salt: string, secret: string): Promise<string> {
  const { createHmac } = await import('node:crypto'); // 8 ms that only a failure is worth
  return createHmac('sha256', salt).update(secret).digest('base64url');
}
