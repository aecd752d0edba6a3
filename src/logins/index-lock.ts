/** Lets one process at a time change an index: that of the stored logins, or that of the accounts. */

import { basename, dirname } from 'node:path';
import { type Lock, LockAttempt } from '../cache/lock.ts';
import { readClockMs } from '../system/clock.ts';
import { makeOwnFolder } from '../system/folders.ts';

/** Longer than a process holds the lock, even if every keychain program hangs. */
export const MAX_WAIT_MS = 25_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;

/**
 * Locks the index, and waits while another process holds the lock.
 * @param file the index; its folder is created if it is missing.
 * @returns `undefined` when another process still holds the lock after `maxWaitMs`.
 * @throws the system's error when the lock file cannot be created; an error without a code when others can write to the
 * folder.
 */
export async function lockIndex(file: string, maxWaitMs: number): Promise<Lock | undefined> {
  const folder = dirname(file);
  if (!makeOwnFolder(folder)) throw new Error(`${folder} is not a folder that only you can write to`);
  const attempt = new LockAttempt(folder, `${basename(file, '.json')}.lock`);
  const deadlineMs = readClockMs() + maxWaitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 1.5)) {
    const lock = attempt.try();
    if (lock !== undefined || readClockMs() >= deadlineMs) return lock;
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
  }
}
