/**
 * When many processes want the same token, one of them signs in. The others wait and share its result or its failure.
 */

import { join } from 'node:path';
import { CredentialError, describeCause } from '../errors.ts';
import { parseJsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { readClockMs } from '../system/clock.ts';
import { makeOwnFolder, readOwnFile } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Cache, type CacheKey, keyFileName } from './cache.ts';
import { type Lock, LockAttempt } from './lock.ts';
import { LockWait } from './lock-wait.ts';

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

const MAX_FAILURE_BYTES = 16 * 1024;

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
    if (turn.lock !== undefined && cause instanceof CredentialError) {
      const { shareFailure } = await import('./shared-failure.ts');
      shareFailure(failureFile, flight, cause);
    }
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
  const name = keyFileName(key);
  const attempt = makeOwnFolder(cache.lockFolder) ? new LockAttempt(cache.lockFolder, name) : undefined;
  let wait: LockWait | undefined;
  try {
    for (;;) {
      if (wait !== undefined) {
        const found = flight.peek();
        if (found !== undefined) return { found };
        // Before the lock is tried: the holder shares its failure, then lets go.
        await rethrowFailure(failureFile, flight.secret, startedAtMs);
      }
      let lock: Lock | undefined;
      try {
        if (attempt === undefined) throw new Error(`${cache.lockFolder} is not a folder that only you can write to`);
        lock = attempt.try();
      } catch (cause) {
        flight.log?.({ step: 'lock', outcome: 'not-locked', reason: describeCause(cause) });
        return { lock: undefined };
      }
      if (lock !== undefined) {
        // The previous holder may have saved the result since the last check.
        const found = flight.peek();
        if (found === undefined) return { lock };
        lock.release();
        return { found };
      }
      if (wait === undefined) flight.onWait?.();
      wait ??= new LockWait(cache.lockFolder, name);
      await waitForOther(wait, flight.deadlineMs);
    }
  } finally {
    wait?.close();
  }
}

async function waitForOther(wait: LockWait, deadlineMs: number): Promise<void> {
  if (readClockMs() > deadlineMs) {
    throw new CredentialError('BUSY', 'another process has been signing in for too long', {
      hint: 'try again; if that fails too, look for a docker-credential-acr process that hangs',
    });
  }
  await wait.next();
}

/** @throws the failure of the process that held the lock, if it failed with the same secret while we waited. */
async function rethrowFailure(file: string, secret: string, sinceMs: number): Promise<void> {
  const record = readOwnFile(file, MAX_FAILURE_BYTES) ?? '';
  const failedAtMs = parseJsonObject(record)?.['failedAtMs'];
  // A failure of last week is no reason to load more.
  if (typeof failedAtMs !== 'number' || failedAtMs < sinceMs) return;
  const { parseFailure } = await import('./shared-failure.ts');
  const failure = parseFailure(record, secret, sinceMs);
  if (failure !== undefined) throw failure;
}
