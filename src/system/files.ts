/**
 * Files and folders that belong to one person: made owner-only whatever the umask, replaced atomically, and read only
 * when nobody else could have written them.
 */

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readErrorCode } from '../errors.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;
const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const OTHERS_MAY_ANYTHING = 0o077;
const OTHERS_MAY_WRITE = 0o022;
/** Most files that are looked for are not there, and the first error of a program takes half a millisecond to make. */
const MISSING_IS_UNDEFINED = { throwIfNoEntry: false } as const;

/**
 * Reads a small file of ours.
 *
 * @returns `undefined` when there is none, or when it may not be trusted: a link, not a plain file, too large, somebody
 * else's, or open to others.
 */
export function readOwnFile(file: string, maxBytes: number): string | undefined {
  let descriptor: number | undefined;
  try {
    if (lstatSync(file, MISSING_IS_UNDEFINED) === undefined) return undefined;
    // Non-blocking, so that a planted named pipe cannot make the program wait for a writer.
    descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const { size } = fstatSync(descriptor);
    if (size > maxBytes || !isOwnFile(descriptor)) return undefined;
    const buffer = Buffer.allocUnsafe(size);
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, size, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Whether an open file is a plain one that only its owner, the person who runs the program, can read or write. */
export function isOwnFile(descriptor: number): boolean {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) return false;
  const userId = process.geteuid?.();
  return userId === undefined || (stats.uid === userId && (stats.mode & OTHERS_MAY_ANYTHING) === 0);
}

/**
 * Replaces a file of ours: a reader sees the old text or the new, never a part.
 * @throws the system's error, with nothing left behind.
 */
export function replaceOwnFile(file: string, text: string): void {
  const temporary = join(dirname(file), `.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`);
  createOwnFile(temporary, text);
  try {
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

/**
 * Makes a file that is not there yet, whole or not at all.
 * @throws the system's error, `EEXIST` when it is there.
 */
export function createOwnFile(file: string, text: string): void {
  const descriptor = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY_FILE);
  try {
    fchmodSync(descriptor, OWNER_ONLY_FILE); // a umask of 0777 would leave a file that we cannot read ourselves
    writeFileSync(descriptor, text);
  } catch (cause) {
    rmSync(file, { force: true }); // a full disk takes the name and not the text
    throw cause;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes a folder of ours, and those above it that are missing.
 * @returns whether it is there and only its owner can write in it.
 */
export function makeOwnFolder(folder: string): boolean {
  try {
    makeFolders(folder);
    const stats = lstatSync(folder);
    if (!stats.isDirectory()) return false;
    const userId = process.geteuid?.();
    return userId === undefined || (stats.uid === userId && (stats.mode & OTHERS_MAY_WRITE) === 0);
  } catch {
    return false;
  }
}

function makeFolders(folder: string): void {
  try {
    mkdirSync(folder, { mode: OWNER_ONLY_FOLDER });
    chmodSync(folder, OWNER_ONLY_FOLDER);
  } catch (cause) {
    const code = readErrorCode(cause);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(folder) === folder) throw cause;
    makeFolders(dirname(folder));
    makeFolders(folder);
  }
}

/**
 * Reads a file that the person or another program wrote, and that may be a link.
 * @returns its text without a byte-order mark, or `undefined` when there is none.
 * @throws the system's error when it is there and cannot be read.
 */
export function readForeignFile(file: string, maxBytes: number): string | undefined {
  let descriptor: number | undefined;
  try {
    if (statSync(file, MISSING_IS_UNDEFINED) === undefined) return undefined;
    descriptor = openSync(file, O_RDONLY | O_NONBLOCK);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error('it is not a plain file');
    if (stats.size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    return readFileSync(descriptor, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    const code = readErrorCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw cause;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
