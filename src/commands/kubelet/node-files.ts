/**
 * Replaces files of a node, which other programs use meanwhile: at every moment each is the old one or the new one,
 * complete, whatever becomes of this process. What was there before is kept beside it.
 */

import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readErrorCode } from '../../errors.ts';
import { removeFile } from '../../system/files.ts';
import { listNames, MISSING_IS_UNDEFINED, syncFolder } from '../../system/folders.ts';
import { readRandomHex } from '../../system/random.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;

/** What a file that this program replaces is kept as, beside it. */
export const KEPT_SUFFIX = '.before-docker-credential-acr';

/** What belongs in one place of a node. */
export type Content =
  | { readonly kind: 'copy'; readonly source: string; readonly sha256: string; readonly mode: number }
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly sha256: string; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string };

const CHUNK_BYTES = 1024 * 1024;
const PERMISSIONS = 0o7777;
const FOLDER_MODE = 0o755;
const OWNER_ONLY_FILE = 0o600;
const TEMPORARY_NAME = /^\.docker-credential-acr-[0-9a-f]{16}\.tmp$/;
/** No copy takes that long. Process ids mean nothing here: each container counts its own. */
const OLD_MS = 60 * 60 * 1000;
/** Where a file system has no second names for a file. */
const WITHOUT_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/** Makes the content of a small file. */
export function bytesOf(bytes: Buffer, mode: number): Content {
  return { kind: 'bytes', bytes, mode, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** What identifies a content in the record of what was installed: the sum of a file, or where a link leads. */
export function identify(content: Content): string {
  return content.kind === 'link' ? identifyLink(content.target) : content.sha256;
}

/**
 * Identifies what is in a place, as `identify` does.
 * @returns `undefined` when there is nothing.
 * @throws an error without a code when it is neither a file nor a link; the system's error.
 */
export function identifyFile(file: string): string | undefined {
  const stats = lstatSync(file, MISSING_IS_UNDEFINED);
  if (stats === undefined) return undefined;
  if (stats.isSymbolicLink()) return identifyLink(readlinkSync(file));
  return hashFile(file);
}

/** Whether a place already is as it should be, with its mode and owner. @throws as `identifyFile` */
export function isInPlace(file: string, content: Content): boolean {
  const stats = lstatSync(file, MISSING_IS_UNDEFINED);
  if (stats === undefined) return false;
  if (content.kind !== 'link') {
    if (!stats.isFile() || (stats.mode & PERMISSIONS) !== content.mode) return false;
    if (stats.uid !== (process.geteuid?.() ?? stats.uid)) return false;
  }
  return identifyFile(file) === identify(content);
}

/**
 * Computes the SHA-256 of a file, in hexadecimal digits.
 * @throws an error without a code when it is not a regular file; the system's error.
 */
export function hashFile(file: string): string {
  const descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error('it is neither a file nor a link');
    return readAll(descriptor, () => undefined);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Puts a content in a place, which must be in a folder that exists. The files of a killed process are removed first.
 * @throws the system's error; an error without a code when what was written is not what was read.
 */
export function putInPlace(file: string, content: Content): void {
  removeLeftovers(dirname(file));
  const temporary = temporaryBeside(file);
  try {
    if (content.kind === 'link') symlinkSync(content.target, temporary);
    else writeNew(temporary, content);
    renameSync(temporary, file);
  } catch (cause) {
    removeFile(temporary);
    throw cause;
  }
  syncFolder(dirname(file));
}

/**
 * Keeps what is in a place under a second name. What was kept earlier stays.
 * @throws the system's error.
 */
export function keepBefore(file: string): void {
  const kept = `${file}${KEPT_SUFFIX}`;
  const stats = lstatSync(file);
  if (lstatSync(kept, MISSING_IS_UNDEFINED) !== undefined) return;
  try {
    linkSync(file, kept); // of a link, too, Linux links the link itself
  } catch (cause) {
    const code = readErrorCode(cause) ?? '';
    if (code === 'EEXIST') return;
    if (!WITHOUT_LINKS.includes(code)) throw cause;
    copyExactly(file, kept, stats);
  }
  syncFolder(dirname(file));
}

/** Whether something is kept for a place. */
export function isKept(file: string): boolean {
  return lstatSync(`${file}${KEPT_SUFFIX}`, MISSING_IS_UNDEFINED) !== undefined;
}

/** Removes a file or a link, if it exists. @throws the system's error. */
export function removeNodeFile(file: string): void {
  if (lstatSync(file, MISSING_IS_UNDEFINED) === undefined) return;
  unlinkSync(file);
  syncFolder(dirname(file));
}

/**
 * Puts back what `keepBefore` kept.
 * @returns whether something was kept.
 * @throws the system's error.
 */
export function putBack(file: string): boolean {
  const kept = `${file}${KEPT_SUFFIX}`;
  const [before, now] = [lstatSync(kept, MISSING_IS_UNDEFINED), lstatSync(file, MISSING_IS_UNDEFINED)];
  if (before === undefined) return false;
  // For two names of one file, the system does nothing and reports success.
  if (now !== undefined && isSameFile(before, now)) unlinkSync(kept);
  else renameSync(kept, file);
  syncFolder(dirname(file));
  return true;
}

/**
 * Makes a folder and its missing parents, which everybody may read, whatever the umask is.
 * @returns the folders that it made, the outermost first.
 * @throws the system's error.
 */
export function makeNodeFolder(folder: string): readonly string[] {
  const missing: string[] = [];
  for (let one = folder; lstatSync(one, MISSING_IS_UNDEFINED) === undefined; one = dirname(one)) missing.unshift(one);
  for (const one of missing) {
    try {
      mkdirSync(one, { mode: FOLDER_MODE });
      chmodSync(one, FOLDER_MODE);
    } catch (cause) {
      if (readErrorCode(cause) !== 'EEXIST') throw cause; // another process installs at the same time
    }
  }
  return missing;
}

function identifyLink(target: string): string {
  return `-> ${target}`;
}

function isSameFile(one: Stats, other: Stats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

function temporaryBeside(file: string): string {
  return join(dirname(file), `.docker-credential-acr-${readRandomHex(8)}.tmp`);
}

function removeLeftovers(folder: string): void {
  for (const name of listNames(folder).filter((one) => TEMPORARY_NAME.test(one))) {
    const file = join(folder, name);
    const stats = lstatSync(file, MISSING_IS_UNDEFINED);
    if (stats !== undefined && Date.now() - stats.mtimeMs > OLD_MS) removeFile(file);
  }
}

/** @throws an error without a code when what was written is not what was read. */
function writeNew(file: string, content: Exclude<Content, { readonly kind: 'link' }>): void {
  const descriptor = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY_FILE);
  try {
    if (content.kind === 'bytes') writeAll(descriptor, content.bytes);
    else copyInto(descriptor, content.source);
    fchmodSync(descriptor, content.mode);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor); // some file systems report only here that they could not write
  }
  if (hashFile(file) !== content.sha256) throw new Error('what was written is not what was read');
}

function copyInto(descriptor: number, source: string): void {
  const input = openSync(source, O_RDONLY);
  try {
    readAll(input, (chunk) => writeAll(descriptor, chunk));
  } finally {
    closeSync(input);
  }
}

/** Reads to the end. @returns the SHA-256 of everything. */
function readAll(descriptor: number, take: (chunk: Buffer) => void): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    const chunk = buffer.subarray(0, readSync(descriptor, buffer, 0, CHUNK_BYTES, null));
    if (chunk.length === 0) return hash.digest('hex');
    hash.update(chunk);
    take(chunk);
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
}

/** Copies a file or a link with its mode and owner. */
function copyExactly(file: string, copy: string, stats: Stats): void {
  const temporary = temporaryBeside(copy);
  try {
    if (stats.isSymbolicLink()) {
      symlinkSync(readlinkSync(file), temporary);
    } else {
      copyFileSync(file, temporary, constants.COPYFILE_EXCL);
      const descriptor = openSync(temporary, O_RDONLY | O_NOFOLLOW);
      try {
        fchownSync(descriptor, stats.uid, stats.gid);
        fchmodSync(descriptor, stats.mode & PERMISSIONS);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
    renameSync(temporary, copy);
  } catch (cause) {
    removeFile(temporary);
    throw cause;
  }
}
