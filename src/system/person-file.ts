/**
 * Reads and replaces a file that belongs to the person, and often to other programs too: its links, mode and owner stay,
 * and a reader sees the old text or the new one.
 */

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readErrorCode } from '../errors.ts';
import { removeFile } from './files.ts';
import { listNames, MISSING_IS_UNDEFINED, makeFolders, syncFolder, WRITE_ACCESS_BY_OTHERS } from './folders.ts';
import { isRunning } from './processes.ts';
import { readRandomHex } from './random.ts';
import { IN_USE, renameOver } from './rename.ts';
import { findDecidingOwner, type Owner, withRightsOf } from './user-rights.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;
const OWNER_ONLY_FILE = 0o600;
const PERMISSIONS = 0o7777;
const WRITE_BY_ANYBODY = 0o222;
const MAX_LINKS = 40;
const MAX_BYTES = 8 * 1024 * 1024;
/** A process writes its temporary file in much less. */
const BRIEF_MS = 60_000;
const MARK = 'docker-credential-acr';

/** A file as it was when it was read. */
export interface PersonFile {
  /** Where the file is, behind every link. */
  readonly target: string;
  /** With its byte-order mark; `undefined` when there is no file. */
  readonly text: string | undefined;
  readonly stats: Stats | undefined;
  /** The folders to create for it, the outermost first. */
  readonly missingFolders: readonly string[];
  /** Whose rights root uses here; `undefined` for one's own. */
  readonly owner: Owner | undefined;
}

/** Another program has changed the file since it was read. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError';

  constructor() {
    super('another program keeps changing it');
  }
}

/**
 * Reads a file, which may be a link or missing.
 * @throws the system's error; an error without a code that says why the file cannot be used.
 */
export function readPersonFile(path: string): PersonFile {
  const { target, owner } = resolveTarget(path);
  return withRightsOf(owner, () => {
    const missingFolders = listMissingFolders(dirname(target));
    return { target, owner, missingFolders, ...readTarget(target) };
  });
}

/**
 * Replaces the file, or creates it with its folder.
 * @throws FileChangedError when it is no longer what was read; the system's error; an error without a code that says
 * why the file cannot be replaced. The file is then what it was, and no temporary file remains.
 */
export function replacePersonFile(file: PersonFile, text: string): void {
  withRightsOf(file.owner, () => {
    try {
      makeFolders(dirname(file.target));
      removeLeftovers(file.target);
      writeTarget(file, text);
    } catch (cause) {
      removeEmptyFolders(file.missingFolders);
      throw cause;
    }
  });
}

/**
 * Removes the file, and folders that are empty then.
 * @throws FileChangedError when it is no longer what was read; the system's error.
 */
export function removePersonFile(file: PersonFile, folders: readonly string[]): void {
  withRightsOf(file.owner, () => {
    assertUnchanged(file);
    assertReplaceable(file.stats);
    unlinkSync(file.target);
    removeLeftovers(file.target);
    syncFolder(dirname(file.target));
    removeEmptyFolders(folders);
  });
}

/** Follows every link. The last one may lead to a file that does not exist yet. */
function resolveTarget(path: string): { target: string; owner: Owner | undefined } {
  let current = path;
  let owner: Owner | undefined;
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    owner ??= findDecidingOwner(current);
    const folder = resolveFolder(dirname(current), MAX_LINKS);
    current = join(folder, basename(current));
    owner ??= findDecidingOwner(current);
    const stats = lstatSync(current, MISSING_IS_UNDEFINED);
    if (stats?.isSymbolicLink() !== true) return { target: current, owner };
    assertOwnLink(folder, stats);
    current = resolve(folder, readlinkSync(current));
  }
  throw new Error('its links lead in a circle');
}

/** Resolves the links of a folder, which may not exist yet. */
function resolveFolder(folder: string, maxLinks: number): string {
  if (maxLinks === 0) throw new Error('its links lead in a circle');
  try {
    return realpathSync(folder);
  } catch (cause) {
    if (readErrorCode(cause) !== 'ENOENT' || dirname(folder) === folder) throw cause;
    const parent = resolveFolder(dirname(folder), maxLinks);
    const stats = lstatSync(join(parent, basename(folder)), MISSING_IS_UNDEFINED);
    if (stats?.isSymbolicLink() !== true) return join(parent, basename(folder));
    assertOwnLink(parent, stats);
    return resolveFolder(resolve(parent, readlinkSync(join(parent, basename(folder)))), maxLinks - 1);
  }
}

/** Anybody can put a link into a folder that everybody can write to. */
function assertOwnLink(folder: string, link: Stats): void {
  const userId = process.geteuid?.();
  if (userId === undefined || userId === 0 || link.uid === userId || link.uid === 0) return;
  if ((statSync(folder).mode & WRITE_ACCESS_BY_OTHERS) === 0) return;
  throw new Error(`it is a link of another user (${link.uid}) in a folder that others can write to`);
}

function readTarget(target: string): Pick<PersonFile, 'text' | 'stats'> {
  const found = lstatSync(target, MISSING_IS_UNDEFINED);
  if (found === undefined) return { text: undefined, stats: undefined };
  if (found.isDirectory()) throw new Error('it is a folder');
  // Non-blocking: otherwise a named pipe would make the program wait for a writer.
  const descriptor = openSync(target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return { text: decodeText(readFileSync(descriptor)), stats };
  } finally {
    closeSync(descriptor);
  }
}

/** Decodes the text of a file that is edited: a byte that is no text could not be written back. @throws an error without a code */
export function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error('it is not written in UTF-8');
  }
}

/**
 * Windows replaces no file that is marked as read-only, and says only that the operation is not permitted.
 * @throws an error without a code
 */
export function assertReplaceable(stats: Pick<Stats, 'mode'> | undefined, platform = process.platform): void {
  if (platform === 'win32' && stats !== undefined && (stats.mode & WRITE_BY_ANYBODY) === 0) {
    throw new Error('it is marked as read-only');
  }
}

function writeTarget(file: PersonFile, text: string): void {
  const { target, stats } = file;
  assertReplaceable(stats);
  const name = `${temporaryPrefix(target)}${process.pid}-${readRandomHex(4)}.tmp`;
  const temporary = join(dirname(target), name);
  const descriptor = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY_FILE);
  try {
    try {
      writeFileSync(descriptor, text);
      keepOwner(descriptor, stats);
      fchmodSync(descriptor, stats === undefined ? OWNER_ONLY_FILE : stats.mode & PERMISSIONS);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor); // some file systems report only here that they could not write
    }
    assertUnchanged(file);
    rename(temporary, target);
  } catch (cause) {
    removeFile(temporary);
    throw cause;
  }
  syncFolder(dirname(target));
}

function keepOwner(descriptor: number, stats: Stats | undefined): void {
  if (stats === undefined) return;
  const { uid, gid } = fstatSync(descriptor);
  if (uid === stats.uid && gid === stats.gid) return;
  try {
    fchownSync(descriptor, stats.uid, stats.gid);
  } catch {
    throw new Error(`it belongs to another user or group (${stats.uid}:${stats.gid}), and would no longer`);
  }
}

function rename(temporary: string, target: string): void {
  try {
    renameOver(temporary, target);
  } catch (cause) {
    const code = readErrorCode(cause) ?? '';
    if (process.platform === 'win32' && IN_USE.includes(code)) {
      throw new Error('another program has it open, or you may not replace it', { cause });
    }
    if (!['EBUSY', 'EXDEV'].includes(code)) throw cause;
    throw new Error('it is in use, or mounted by itself, so it cannot be replaced: mount its folder instead', {
      cause,
    });
  }
}

function assertUnchanged({ target, text }: PersonFile): void {
  let now: string | undefined;
  try {
    now = readTarget(target).text;
  } catch {
    throw new FileChangedError();
  }
  if (now !== text) throw new FileChangedError();
}

function temporaryPrefix(target: string): string {
  return `.${basename(target)}.${MARK}.`;
}

/** A killed process leaves its temporary file, which holds all that the file held. */
function removeLeftovers(target: string): void {
  const prefix = temporaryPrefix(target);
  for (const name of listNames(dirname(target))) {
    const [, processId] = name.startsWith(prefix)
      ? (/^(\d{1,10})-[0-9a-f]+\.tmp$/.exec(name.slice(prefix.length)) ?? [])
      : [];
    if (processId === undefined) continue;
    const file = join(dirname(target), name);
    const stats = lstatSync(file, MISSING_IS_UNDEFINED);
    const isOld = stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) > BRIEF_MS;
    if (isOld || !isRunning(Number(processId))) removeFile(file);
  }
}

function listMissingFolders(folder: string): readonly string[] {
  if (lstatSync(folder, MISSING_IS_UNDEFINED) !== undefined || dirname(folder) === folder) return [];
  return [...listMissingFolders(dirname(folder)), folder];
}

function removeEmptyFolders(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(folder);
    } catch {
      return; // somebody uses it
    }
  }
}
