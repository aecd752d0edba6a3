/**
 * Makes an erasure final. A sign-in that began before it must not bring back what was erased.
 *
 * Each erasure changes a small file. A process that saves a token compares the file with what it was when the process
 * began: before it writes the token, so that nothing is written in vain, and again after it, in case the erasure came in
 * between.
 */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readOwnFile, replaceOwnFile } from '../system/files.ts';
import { makeOwnFolder } from '../system/folders.ts';
import { readRandomHex } from '../system/random.ts';
import type { Cache } from './cache.ts';

/** Names the state of a cache between two erasures. */
export type Erasure = string;

/** The name of the file in the folder of the markers. */
export const ERASURE_FILE = 'erased';
const MAX_BYTES = 64;
const ERASURE_BYTES = 16;

/** Reads the last erasure; an empty text when there was none lately. */
export function readErasure(cache: Cache): Erasure {
  return readOwnFile(erasureFile(cache), MAX_BYTES) ?? '';
}

/** Records that something is about to be erased. Never fails: what is stored already is erased all the same. */
export function recordErasure(cache: Cache): void {
  try {
    // Without this folder no process is signing in.
    if (lstatSync(cache.lockFolder, { throwIfNoEntry: false }) === undefined) return;
    if (!makeOwnFolder(cache.markerFolder)) return;
    replaceOwnFile(erasureFile(cache), readRandomHex(ERASURE_BYTES));
  } catch {
    // On a full disk, a sign-in that is under way may save its token once more.
  }
}

function erasureFile(cache: Cache): string {
  return join(cache.markerFolder, ERASURE_FILE);
}
