/**
 * When many processes want the same token, one of them signs in. The others wait and share its result or its failure.
 */

import { join } from 'node:path';
import { CredentialError, describeCause } from '../errors.ts';
import { parseJsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { readClockMs } from '../system/clock.ts';
import { readOwnFile, removeFile } from '../system/files.ts';
import { makeOwnFolder } from '../system/folders.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Cache, type CacheKey, keyFileName } from './cache.ts';
import { type Lock, LockAttempt } from './lock.ts';
import type { Holding } from './lock-holder.ts';
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
  /** Reads the secret that `run` sends. Processes with different secrets do not share a failure. */
  readonly readSecret: () => string;
  /** When to stop waiting, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** The end of the name of a file with a shared failure. */
export const FAILURE_ENDING = '.failed';
const MAX_FAILURE_BYTES = 16 * 1024;

/**
 * Runs a flight under the lock of its key, or returns the result that another process got in the meantime. Where no
 * lock can be created it runs without one, which costs a request.
 * @throws CredentialError of the run, ours or another process's; BUSY when another process held the lock until the
 * deadline.
 */
export async function runSingleFlight<T>(cache: Cache | undefined, key: CacheKey, flight: Flight<T>): Promise<T> {
  if (cache === undefined) return flight.run();
  const failureFile = join(cache.lockFolder, `${keyFileName(key)}${FAILURE_ENDING}`);
  const turn = await takeTurn(cache, key, flight, failureFile);
  if ('found' in turn) return turn.found;
  const { lock } = turn;
  try {
    const result = await flight.run();
    if (lock !== undefined) removeFile(failureFile); // an earlier failure is over
    return result;
  } catch (cause) {
    // A sign-in that was called off says nothing about another one.
    if (lock !== undefined && cause instanceof CredentialError && flight.runtime.signal?.aborted !== true) {
      const { shareFailure } = await import('./shared-failure.ts');
      shareFailure(failureFile, { ...flight, holding: lock }, cause);
    }
    throw cause;
  } finally {
    lock?.release();
  }
}

/** Waits until another process has the result, or until this process holds the lock or may go on without it. */
async function takeTurn<T>(
  cache: Cache,
  key: CacheKey,
  flight: Flight<T>,
  failureFile: string,
): Promise<{ found: T } | { lock: Lock | undefined }> {
  const name = keyFileName(key);
  const attempt = makeOwnFolder(cache.lockFolder) ? new LockAttempt(cache.lockFolder, name) : undefined;
  let wait: LockWait | undefined;
  try {
    for (;;) {
      if (wait !== undefined) {
        const found = flight.peek();
        if (found !== undefined) return { found };
        // Before the lock is tried: the holder shares its failure, then lets go.
        await rethrowFailure(failureFile, flight, attempt?.holding);
      }
      let lock: Lock | undefined;
      try {
        if (attempt === undefined) throw new Error(`${cache.lockFolder} is not a folder that only you can write to`);
        lock = attempt.try();
      } catch (cause) {
        flight.log?.({ step: 'lock', outcome: 'not-locked', reason: describeCause(cause) });
        return { lock: undefined };
      }
      if (lock !== undefined) return await lookAgain(lock, flight, failureFile, attempt?.holding);
      if (wait === undefined) flight.onWait?.();
      wait ??= new LockWait(cache.lockFolder, name);
      await waitForOther(wait, flight.deadlineMs);
      flight.runtime.signal?.throwIfAborted();
    }
  } finally {
    wait?.close();
  }
}

/** The lock is ours, but its previous holder may have left a result or a failure since the last look. */
async function lookAgain<T>(
  lock: Lock,
  flight: Flight<T>,
  failureFile: string,
  previous: Holding | undefined,
): Promise<{ found: T } | { lock: Lock }> {
  let found: T | undefined;
  try {
    found = flight.peek();
    if (found === undefined) await rethrowFailure(failureFile, flight, previous);
  } catch (cause) {
    lock.release();
    throw cause;
  }
  if (found === undefined) return { lock };
  lock.release();
  return { found };
}

async function waitForOther(wait: LockWait, deadlineMs: number): Promise<void> {
  if (readClockMs() > deadlineMs) {
    throw new CredentialError('BUSY', 'another process has been signing in for too long', {
      hint: 'try again; if that fails too, look for a docker-credential-acr process that hangs',
    });
  }
  await wait.next();
}

/** @throws the failure of the process that held the lock, if it had the same secret. */
async function rethrowFailure<T>(file: string, { readSecret }: Flight<T>, holding: Holding | undefined): Promise<void> {
  if (holding === undefined) return;
  const record = parseJsonObject(readOwnFile(file, MAX_FAILURE_BYTES) ?? '');
  // The record of another sign-in is no reason to load more.
  if (record === undefined || record['holding'] !== holding.id) return;
  const { parseFailure } = await import('./shared-failure.ts');
  const failure = parseFailure(record, readSecret(), holding);
  if (failure !== undefined) throw failure;
}
