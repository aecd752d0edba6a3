/** Replaces a file of the person as a whole, and keeps what the person decided about it: its mode, its owner, a link to it. */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { removeFile } from './files.ts';
import { syncFolder } from './folders.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_WRONLY } = constants;
const OWNER_ONLY = 0o600;
const PERMISSIONS = 0o7777;

/**
 * Replaces an existing file atomically. Behind a link, the file that it leads to is replaced.
 * @throws the system's error. The old file is then unchanged, and no temporary file remains.
 */
export function replaceKeptFile(file: string, text: string): void {
  const target = realpathSync(file);
  const { mode, uid, gid } = statSync(target);
  const temporary = join(dirname(target), `.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`);
  const descriptor = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY);
  try {
    try {
      writeFileSync(descriptor, text);
      // Only root can give a file away; for others, a file of another owner would have been refused before.
      if (process.geteuid?.() === 0) fchownSync(descriptor, uid, gid);
      fchmodSync(descriptor, mode & PERMISSIONS);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, target);
  } catch (cause) {
    removeFile(temporary);
    throw cause;
  }
  syncFolder(dirname(target));
}
