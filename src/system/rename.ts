/** Replaces a file by another one, on Windows too while somebody reads the old one. */

import { renameSync } from 'node:fs';
import { readErrorCode } from '../errors.ts';

/** What Windows says while a file is open elsewhere: in another of our processes, or in a virus scanner. */
export const IN_USE = ['EPERM', 'EACCES', 'EBUSY'];
/** A third of a second in all. Our own processes read a file in much less. */
const WAITS_MS = [5, 10, 20, 40, 80, 160];

/** The system that renames. */
export interface RenamingSystem {
  readonly platform: NodeJS.Platform;
  readonly rename: (from: string, to: string) => void;
}

/**
 * Gives a file the name of another one, which it replaces. Windows refuses that while the other one is open, so it is
 * tried several times there.
 * @throws the system's error.
 */
export function renameOver(
  from: string,
  to: string,
  { platform, rename }: RenamingSystem = { platform: process.platform, rename: renameSync },
): void {
  for (const waitMs of platform === 'win32' ? WAITS_MS : []) {
    try {
      rename(from, to);
      return;
    } catch (cause) {
      if (!IN_USE.includes(readErrorCode(cause) ?? '')) throw cause;
    }
    // Without a promise: the caller holds what no other work of this process may see half done.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
  }
  rename(from, to);
}
