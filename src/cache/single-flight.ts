/**
 * Lets one of many processes that want the same token sign in, and gives its result, good or bad, to the others.
 */

import { join } from 'node:path';
import { CredentialError, describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { readClockMs } from '../system/clock.ts';
import { makeOwnFolder, readOwnFile } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Cache, type CacheKey, keyFileName } from './cache.ts';
import { type Lock, LockAttempt } from './lock.ts';
import { LockWait } from './lock-wait.ts';

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

const MAX_FAILURE_BYTES = 16 * 1024;

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
    if (turn.lock !== undefined && cause instanceof CredentialError) {
      const { shareFailure } = await import('./shared-failure.ts');
      shareFailure(failureFile, flight, cause);
    }
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
  const name = keyFileName(key);
  const attempt = makeOwnFolder(cache.lockFolder) ? new LockAttempt(cache.lockFolder, name) : undefined;
  let wait: LockWait | undefined;
  try {
    for (;;) {
      const early = wait === undefined ? undefined : flight.peek();
      if (early !== undefined) return { found: early };
      let lock: Lock | undefined;
      try {
        if (attempt === undefined) throw new Error(`${cache.lockFolder} is not a folder that only you can write to`);
        lock = attempt.try();
      } catch (cause) {
        flight.log?.({ step: 'lock', outcome: 'not-locked', reason: describeCause(cause) });
        return { lock: undefined };
      }
      if (lock !== undefined) {
        // The holder before us may have left the result since we looked.
        const found = flight.peek();
        if (found === undefined) return { lock };
        lock.release();
        return { found };
      }
      await rethrowFailure(failureFile, flight.secret, startedAtMs);
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
      hint: 'try again; if it stays so, look for a docker-credential-acr process that hangs',
    });
  }
  await wait.next();
}

/** @throws the failure of the process that we waited for, if it failed while we did, with the same secret. */
async function rethrowFailure(file: string, secret: string, sinceMs: number): Promise<void> {
  const record = readOwnFile(file, MAX_FAILURE_BYTES);
  if (record === undefined) return;
  const { parseFailure } = await import('./shared-failure.ts');
  const failure = parseFailure(record, secret, sinceMs);
  if (failure !== undefined) throw failure;
}
