/** Folders of one person, which are created owner-only, and what is in them. */

import { closeSync, constants, fsyncSync, lstatSync, mkdirSync, openSync, readdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readErrorCode } from '../errors.ts';

const OWNER_ONLY_FOLDER = 0o700;
/** Takes every permission from others, and none from the owner. */
const OWNER_ONLY_MASK = 0o077;
/** The permissions by which others than the owner can write. */
export const WRITE_ACCESS_BY_OTHERS = 0o022;
/** Most files that we look for do not exist, and the first error object of a process takes half a millisecond. */
export const MISSING_IS_UNDEFINED = { throwIfNoEntry: false } as const;

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

/**
 * Creates an owner-only folder and its missing parents. A folder that exists stays as it is.
 * @throws the system's error.
 */
export function makeFolders(folder: string): void {
  try {
    makeFolder(folder);
  } catch (cause) {
    if (readErrorCode(cause) !== 'ENOENT' || dirname(folder) === folder) throw cause;
    makeFolders(dirname(folder));
    makeFolder(folder);
  }
}

/**
 * Creates it with its final mode: a `chmod` afterwards would follow a link that somebody put in its place. The umask of the
 * process changes only if it would take permissions from the owner: other threads see it too, and a worker cannot
 * change it.
 */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: OWNER_ONLY_FOLDER });
  } catch (cause) {
    if (readErrorCode(cause) !== 'EEXIST') throw cause;
    return;
  }
  if (process.platform === 'win32' || (lstatSync(folder).mode & OWNER_ONLY_FOLDER) === OWNER_ONLY_FOLDER) return;
  rmdirSync(folder);
  const mask = process.umask(OWNER_ONLY_MASK);
  try {
    mkdirSync(folder, { mode: OWNER_ONLY_FOLDER });
  } finally {
    process.umask(mask);
  }
}

/** Makes the names in a folder survive a power cut, where the system can. Never fails. */
export function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, constants.O_RDONLY);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // The file itself is safe, under its old name or its new one.
  }
}

/** A temporary file of `replaceOwnFile`. */
export interface TemporaryFile {
  readonly file: string;
  /** The process that wrote it, which may have been killed. */
  readonly processId: number;
}

/** Lists the temporary files in a folder. Never fails. */
export function listTemporaryFiles(folder: string): TemporaryFile[] {
  return listNames(folder).flatMap((name) => {
    const processId = /^\.(\d{1,10})-[a-z0-9]+\.tmp$/.exec(name)?.[1];
    return processId === undefined ? [] : [{ file: join(folder, name), processId: Number(processId) }];
  });
}

/** Lists the names in a folder. Never fails: a folder that cannot be read counts as empty. */
export function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
