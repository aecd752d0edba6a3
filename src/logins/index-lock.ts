/** Lets one process at a time change the index of the stored logins. */

import { dirname } from 'node:path';
import type { Lock } from '../cache/lock.ts';
import { pollLock } from '../cache/polled-lock.ts';

/** Longer than a process holds the lock, even if every keychain program hangs. */
export const MAX_WAIT_MS = 25_000;

/**
 * Locks the index, and waits while another process holds the lock.
 * @param file the index; its folder is created if it is missing.
 * @returns `undefined` when another process still holds the lock after `maxWaitMs`.
 * @throws the system's error when the lock file cannot be created; an error without a code when others can write to the
 * folder.
 */
export async function lockIndex(file: string, maxWaitMs: number): Promise<Lock | undefined> {
  return await pollLock(dirname(file), 'credentials.lock', maxWaitMs);
}
