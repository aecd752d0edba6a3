/** One writer of the credential index at a time. */

import { dirname } from 'node:path';
import { type Lock, LockAttempt } from '../cache/lock.ts';
import { readClockMs } from '../system/clock.ts';
import { makeOwnFolder } from '../system/files.ts';

/** Longer than a writer takes whose every keychain program hangs. */
export const MAX_WAIT_MS = 25_000;
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;

/**
 * Waits for the turn to change the index.
 * @returns `undefined` when another writer still has it after this time.
 * @throws the system's error where no lock can be made at all.
 */
export async function lockIndex(file: string, maxWaitMs: number): Promise<Lock | undefined> {
  const folder = dirname(file);
  if (!makeOwnFolder(folder)) throw new Error(`${folder} is not a folder that only you can write in`);
  const attempt = new LockAttempt(folder, 'credentials.lock');
  const deadlineMs = readClockMs() + maxWaitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 1.5)) {
    const lock = attempt.try();
    if (lock !== undefined || readClockMs() >= deadlineMs) return lock;
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
  }
}
