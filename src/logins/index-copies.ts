/** What a crash or damage leaves of the index. It may hold secrets, and nobody can tell whose. */

import { existsSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readOwnFile, removeFile } from '../system/files.ts';
import { listNames, listTemporaryFiles } from '../system/folders.ts';

const DAMAGED_ENDING = '.broken';
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Moves a damaged index out of the way, where a person can look at it until the next logout.
 * @returns its new name.
 * @throws the system's error.
 */
export function moveDamagedIndex(file: string): string {
  const aside = findFreeName(`${file}${DAMAGED_ENDING}`);
  renameSync(file, aside);
  return aside;
}

/** Whether there are copies of the index. */
export function hasCopies(file: string): boolean {
  return listTemporaryFiles(dirname(file)).length > 0 || listDamaged(file).length > 0;
}

/**
 * Removes what processes left behind that were killed while they replaced the index. Only for the holder of the lock,
 * since others replace the index under the lock too. Never fails.
 */
export function removeTemporaryCopies(file: string): void {
  for (const temporary of listTemporaryFiles(dirname(file))) removeFile(temporary.file);
}

/** Removes damaged indexes that were moved out of the way, if they may hold a secret. Never fails. */
export function removeDamagedCopies(file: string): void {
  for (const damaged of listDamaged(file)) removeDamagedIndex(damaged);
}

/** Removes a damaged index, if it may hold a secret. Otherwise it is still of use to whoever made a mistake in it. */
export function removeDamagedIndex(file: string): void {
  if (readOwnFile(file, MAX_BYTES)?.includes('secret') !== false) removeFile(file);
}

function listDamaged(file: string): string[] {
  const names = listNames(dirname(file)).filter((name) => name.startsWith(`${basename(file)}${DAMAGED_ENDING}`));
  return names.map((name) => join(dirname(file), name));
}

function findFreeName(name: string): string {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : `${name}.${count}`;
    if (!existsSync(candidate)) return candidate;
  }
}
