/**
 * Files of one person. They are created owner-only, whatever the umask is, and replaced atomically. A file that others
 * could have written is not read.
 */

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readErrorCode } from '../errors.ts';
import { MISSING_IS_UNDEFINED, syncFolder, WRITE_ACCESS_BY_OTHERS } from './folders.ts';
import { renameOver } from './rename.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;
const OWNER_ONLY_FILE = 0o600;
const ANY_ACCESS_BY_OTHERS = 0o077;

/**
 * Reads a small file that this program wrote.
 *
 * @returns `undefined` when there is no such file, or when it cannot be trusted: it is a link or not a regular file, is
 * larger than `maxBytes`, belongs to another user, or gives others access.
 */
export function readOwnFile(file: string, maxBytes: number): string | undefined {
  try {
    if (lstatSync(file, MISSING_IS_UNDEFINED) === undefined) return undefined;
    // Non-blocking: otherwise a planted named pipe would make the program wait for a writer.
    const descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const { size } = fstatSync(descriptor);
      if (size > maxBytes || !isOwnFile(descriptor)) return undefined;
      const buffer = Buffer.allocUnsafe(size);
      return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, size, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** Whether an open file is a regular file that belongs to the current user and gives others no access. */
export function isOwnFile(descriptor: number): boolean {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) return false;
  const userId = process.geteuid?.();
  return userId === undefined || (stats.uid === userId && (stats.mode & ANY_ACCESS_BY_OTHERS) === 0);
}

/** How to write a file. */
export interface WriteOptions {
  /** Whether the text must survive a power cut. It takes some milliseconds. */
  readonly isDurable?: boolean;
}

/**
 * Creates or replaces an owner-only file. A reader sees the old text or the new text, never a part.
 * @throws the system's error. The old file is then unchanged, and no temporary file remains. Only a process that is
 * killed here leaves one behind: see `listTemporaryFiles`.
 */
export function replaceOwnFile(file: string, text: string, options: WriteOptions = {}): void {
  const temporary = join(dirname(file), `.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`);
  createOwnFile(temporary, text, options);
  try {
    renameOver(temporary, file);
  } catch (cause) {
    removeFile(temporary);
    throw cause;
  }
  if (options.isDurable === true) syncFolder(dirname(file));
}

/**
 * Writes a shorter text into an owner-only file. Other than `replaceOwnFile` it needs no space, but a reader may see a
 * part, and a crash may leave one.
 * @throws the system's error; an error without a code when it is not a file of the current user alone.
 */
export function overwriteOwnFile(file: string, text: string): void {
  const descriptor = openSync(file, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!isOwnFile(descriptor)) throw new Error('it is not a file that only you can open');
    writeFileSync(descriptor, text);
    ftruncateSync(descriptor, Buffer.byteLength(text));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a file, if it exists. Never fails. @returns whether it is gone. */
export function removeFile(file: string): boolean {
  try {
    rmSync(file, { force: true });
    return true;
  } catch {
    return false;
  }
}

/**
 * Creates an owner-only file, completely or not at all.
 * @throws the system's error; `EEXIST` when the file exists.
 */
export function createOwnFile(file: string, text: string, { isDurable = false }: WriteOptions = {}): void {
  const descriptor = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY_FILE);
  try {
    try {
      fchmodSync(descriptor, OWNER_ONLY_FILE); // with a umask of 0777, even we could not read the file
      writeFileSync(descriptor, text);
      if (isDurable) fsyncSync(descriptor);
    } finally {
      closeSync(descriptor); // some file systems report only here that they could not write
    }
  } catch (cause) {
    removeFile(file); // a full disk may have room for the name and not for the text
    throw cause;
  }
}

/** Somebody else may have written a file that must be the current user's own. */
export class UntrustedFileError extends Error {
  /** Whether the file belongs to somebody else; otherwise its mode lets others write. */
  readonly isForeign: boolean;

  constructor(message: string, isForeign: boolean) {
    super(message);
    this.isForeign = isForeign;
  }
}

/** How to read a file of the person or of another program. */
export interface ForeignFileRules {
  /** Whether it must belong to the current user or to root, and be writable for nobody else. */
  readonly isTrusted?: boolean;
  /** Whether it must not be a link. */
  readonly isLinkRefused?: boolean;
}

/**
 * Reads a file that the person or another program wrote. Unless the rules forbid it, it may be a link.
 * @returns its text without a byte-order mark; `undefined` when there is no such file.
 * @throws the system's error when the file exists and cannot be read; UntrustedFileError when the rules forbid it; an
 * error without a code when it is not a regular file or is larger than `maxBytes`.
 */
export function readForeignFile(file: string, maxBytes: number, rules: ForeignFileRules = {}): string | undefined {
  return readForeignBytes(file, maxBytes, rules)
    ?.toString('utf8')
    .replace(/^\uFEFF/, '');
}

/** Reads a file like `readForeignFile`, which may be binary. @throws the same. */
export function readForeignBytes(
  file: string,
  maxBytes: number,
  { isTrusted = false, isLinkRefused = false }: ForeignFileRules = {},
): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    const found = (isLinkRefused ? lstatSync : statSync)(file, MISSING_IS_UNDEFINED);
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) throw new Error('it is a link'); // Windows has no flag for that
    descriptor = openSync(file, O_RDONLY | O_NONBLOCK | (isLinkRefused ? O_NOFOLLOW : 0));
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    if (isTrusted) assertTrusted(stats);
    return readFileSync(descriptor);
  } catch (cause) {
    const code = readErrorCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw cause;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** @throws UntrustedFileError unless only the current user and root can have written a file. */
function assertTrusted({ uid, mode }: Stats): void {
  const userId = process.geteuid?.();
  if (userId === undefined) return;
  if (uid !== userId && uid !== 0) throw new UntrustedFileError(`it belongs to another user (${uid})`, true);
  if ((mode & WRITE_ACCESS_BY_OTHERS) !== 0) throw new UntrustedFileError('others can write to it', false);
}
