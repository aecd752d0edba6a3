/**
 * When many processes want the same token, one of them signs in. The others wait and share its result or its failure.
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

/** How to get a result that processes share. */
export interface Flight<T> {
  readonly runtime: Runtime;
  /** Looks for the result of another process. */
  readonly peek: () => T | undefined;
  /** Gets the result itself. */
  readonly run: () => Promise<T>;
  /** Called once, when another process is already getting the result. */
  readonly onWait?: () => void;
  /** The secret that `run` sends. Processes with different secrets do not share a failure. */
  readonly secret: string;
  /** When to stop waiting, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

const FIRST_WAIT_MS = 8;
const MAX_WAIT_MS = 100;
const MAX_FAILURE_BYTES = 16 * 1024;

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
 * Runs a flight under the lock of its key, or returns the result that another process got in the meantime. Where no
 * lock can be created it runs without one, which costs a request.
 * @throws CredentialError of the run, ours or another process's; BUSY when another process held the lock until the
 * deadline.
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

/** Waits until another process has the result, or until this process holds the lock or may go on without it. */
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
      if (attempt === undefined) throw new Error(`${cache.lockFolder} is not a folder that only you can write to`);
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
      hint: 'try again; if that fails too, look for a docker-credential-acr process that hangs',
    });
  }
  // Random, so that the waiting processes do not wake up together and slow down the one that signs in.
  await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())));
}

/** Saves the failure, redacted, for the processes that wait for the lock. */
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
    // Then the other processes sign in themselves.
  }
}

/** @throws the failure of the process that held the lock, if it failed with the same secret while we waited. */
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

/** Computes a proof by which two processes can see that they have the same secret, without revealing it. */
async function prove(salt: string, secret: string): Promise<string> {
  const { createHmac } = await import('node:crypto'); // takes 8 ms to load, so only after a failure
  return createHmac('sha256', salt).update(secret).digest('base64url');
}
