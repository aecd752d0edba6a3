/**
 * Files and folders of one person. They are created owner-only, whatever the umask is, and replaced atomically. A file
 * that others could have written is not read.
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
const ANY_ACCESS_BY_OTHERS = 0o077;
const WRITE_ACCESS_BY_OTHERS = 0o022;
/** Most files that we look for do not exist, and the first error object of a process takes half a millisecond. */
const MISSING_IS_UNDEFINED = { throwIfNoEntry: false } as const;

/**
 * Reads a small file that this program wrote.
 *
 * @returns `undefined` when there is no such file, or when it cannot be trusted: it is a link or not a regular file, is
 * larger than `maxBytes`, belongs to another user, or gives others access.
 */
export function readOwnFile(file: string, maxBytes: number): string | undefined {
  let descriptor: number | undefined;
  try {
    if (lstatSync(file, MISSING_IS_UNDEFINED) === undefined) return undefined;
    // Non-blocking: otherwise a planted named pipe would make the program wait for a writer.
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

/** Whether an open file is a regular file that belongs to the current user and gives others no access. */
export function isOwnFile(descriptor: number): boolean {
  const stats = fstatSync(descriptor);
  if (!stats.isFile()) return false;
  const userId = process.geteuid?.();
  return userId === undefined || (stats.uid === userId && (stats.mode & ANY_ACCESS_BY_OTHERS) === 0);
}

/**
 * Creates or replaces an owner-only file. A reader sees the old text or the new text, never a part.
 * @throws the system's error. The old file is then unchanged, and no temporary file remains.
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
 * Creates an owner-only file, completely or not at all.
 * @throws the system's error; `EEXIST` when the file exists.
 */
export function createOwnFile(file: string, text: string): void {
  const descriptor = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY_FILE);
  try {
    fchmodSync(descriptor, OWNER_ONLY_FILE); // with a umask of 0777, even we could not read the file
    writeFileSync(descriptor, text);
  } catch (cause) {
    rmSync(file, { force: true }); // a full disk may have room for the name and not for the text
    throw cause;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Creates an owner-only folder and its missing parents. Never fails.
 * @returns whether the folder exists, belongs to the current user, and only that user can write to it.
 */
export function makeOwnFolder(folder: string): boolean {
  try {
    // Nearly always it exists, and making it once more would fail with an error that takes longer than this look.
    if (lstatSync(folder, MISSING_IS_UNDEFINED) === undefined) makeFolders(folder);
    const stats = lstatSync(folder);
    if (!stats.isDirectory()) return false;
    const userId = process.geteuid?.();
    return userId === undefined || (stats.uid === userId && (stats.mode & WRITE_ACCESS_BY_OTHERS) === 0);
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
 * Reads a file that the person or another program wrote.
 * @param links whether the file itself may be a link.
 * @returns its text without a byte-order mark; `undefined` when there is no such file.
 * @throws the system's error when the file exists and cannot be read; an error without a code when it is not a regular
 * file or is larger than `maxBytes`.
 */
export function readForeignFile(
  file: string,
  maxBytes: number,
  links: 'followed' | 'refused' = 'followed',
): string | undefined {
  let descriptor: number | undefined;
  try {
    const isLinkRefused = links === 'refused';
    const found = (isLinkRefused ? lstatSync : statSync)(file, MISSING_IS_UNDEFINED);
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) throw new Error('it is a link'); // Windows has no flag for that
    descriptor = openSync(file, O_RDONLY | O_NONBLOCK | (isLinkRefused ? O_NOFOLLOW : 0));
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error('it is not a regular file');
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
