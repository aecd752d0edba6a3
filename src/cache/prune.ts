/**
 * Removes what nobody needs any more: expired tokens and markers, old failures, and what killed processes left behind.
 *
 * Whoever signs in, renews, stores or erases a credential does this for all keys, since nobody may ever ask for some of
 * them again.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readClockMs } from '../system/clock.ts';
import { readOwnFile, removeFile } from '../system/files.ts';
import { listNames, listTemporaryFiles } from '../system/folders.ts';
import { isRunning } from '../system/processes.ts';
import { type Cache, MAX_ENTRY_BYTES, parseEntry, STORED_IDENTITY } from './cache.ts';
import { ERASURE_FILE } from './erasure.ts';
import { LockAttempt } from './lock.ts';
import { isMarkerOver } from './markers.ts';
import { CLAIM } from './renewal.ts';
import { FAILURE_ENDING } from './single-flight.ts';

/** How long one run may take. What it does not reach, a later run does: each starts at another file. */
const MAX_RUN_MS = 10;
/** A process writes a temporary file, or reads a shared failure, in much less. */
const BRIEF_MS = 60_000;
/** A sign-in ends long before this, so that nobody compares the erasure any more. */
const ERASURE_MS = 3600_000;
/** The holder of such an old lock is dead, on whatever machine it was. */
const LOCK_MS = 3600_000;
/** The hint that a stored token has expired is of use for a day. */
const STORED_SECONDS = 24 * 3600;

/** Prunes the folders of a cache. Never fails. */
export function pruneCache(cache: Cache, nowSeconds: number): void {
  const endMs = readClockMs() + MAX_RUN_MS;
  const tasks = [
    ...listTasks(cache.lockFolder, pruneLockFile),
    ...listTasks(cache.markerFolder, (folder, name) => pruneMarker(folder, name, nowSeconds)),
    ...listTasks(cache.folder, (folder, name) => pruneToken(folder, name, nowSeconds)),
  ];
  // Few, and they may hold a token: they are not left to a later run.
  for (const folder of [cache.folder, cache.markerFolder, cache.lockFolder]) pruneTemporaryFiles(folder);
  const first = Math.floor(Math.random() * tasks.length);
  for (const task of [...tasks.slice(first), ...tasks.slice(0, first)]) {
    if (readClockMs() > endMs) return;
    task();
  }
}

/** Removes every shared failure, however new. A process that still waits for one signs in itself. Never fails. */
export function eraseFailures({ lockFolder }: Cache): void {
  for (const name of listNames(lockFolder)) if (name.endsWith(FAILURE_ENDING)) removeFile(join(lockFolder, name));
}

function listTasks(folder: string, prune: (folder: string, name: string) => void): (() => void)[] {
  return listNames(folder).map((name) => () => prune(folder, name));
}

function pruneTemporaryFiles(folder: string): void {
  for (const { file, processId } of listTemporaryFiles(folder)) {
    if (!isRunning(processId) || isOlder(file, BRIEF_MS)) removeFile(file);
  }
}

/** The lock's own rules tell whether its holder is dead. A failure or a claim is of use for a moment only. */
function pruneLockFile(folder: string, name: string): void {
  const file = join(folder, name);
  if (name.endsWith(FAILURE_ENDING) || name.includes(CLAIM)) {
    if (isOlder(file, BRIEF_MS)) removeFile(file);
    return;
  }
  const lock = /^(.+)\.[1-9]\d{0,8}$/.exec(name)?.[1];
  if (lock === undefined) return;
  if (isOlder(file, LOCK_MS)) removeFile(file);
  try {
    new LockAttempt(folder, lock).try()?.release();
  } catch {
    // Then it stays for now.
  }
}

function pruneMarker(folder: string, name: string, nowSeconds: number): void {
  const file = join(folder, name);
  const isOver =
    name === ERASURE_FILE ? isOlder(file, ERASURE_MS) : name.endsWith('.json') && isMarkerOver(file, nowSeconds);
  if (isOver) removeFile(file);
}

function pruneToken(folder: string, name: string, nowSeconds: number): void {
  if (!name.endsWith('.json')) return;
  const file = join(folder, name);
  const text = readOwnFile(file, MAX_ENTRY_BYTES);
  if (text === undefined) return; // not ours
  const entry = parseEntry(text);
  const keptSeconds = entry?.identity === STORED_IDENTITY ? STORED_SECONDS : 0;
  if (entry === undefined || entry.cached.expiresAtSeconds + keptSeconds <= nowSeconds) removeFile(file);
}

/** Whether a file was last written that long ago, or that far in the future: then the clock was wrong. */
function isOlder(file: string, ageMs: number): boolean {
  try {
    const stats = statSync(file);
    return stats.isFile() && Math.abs(Date.now() - stats.mtimeMs) > ageMs;
  } catch {
    return false;
  }
}
