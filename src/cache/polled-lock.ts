/** Waits for a lock that is rarely taken and soon free again. */

import { readClockMs } from '../system/clock.ts';
import { makeOwnFolder } from '../system/folders.ts';
import { type Lock, LockAttempt } from './lock.ts';

const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;

/**
 * Takes a lock, and waits while another process holds it.
 * @param folder created if it is missing.
 * @returns `undefined` when another process still holds the lock after `maxWaitMs`.
 * @throws the system's error when the lock file cannot be created; an error without a code when others can write to the
 * folder.
 */
export async function pollLock(folder: string, name: string, maxWaitMs: number): Promise<Lock | undefined> {
  if (!makeOwnFolder(folder)) throw new Error(`${folder} is not a folder that only you can write to`);
  const attempt = new LockAttempt(folder, name);
  const deadlineMs = readClockMs() + maxWaitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 1.5)) {
    const lock = attempt.try();
    if (lock !== undefined || readClockMs() >= deadlineMs) return lock;
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
  }
}
