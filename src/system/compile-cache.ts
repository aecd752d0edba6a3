/**
 * Lets Node keep the compiled code of the npm package between runs.
 *
 * Whoever can write to that folder can run code as this user, since Node does not check what it reads there. So it is
 * only used if nobody else can write to it, or move it.
 *
 * @see https://nodejs.org/api/module.html#module-compile-cache
 */

import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeOwnFolder, WRITE_ACCESS_BY_OTHERS } from './folders.ts';
import { findCodeFolder } from './paths.ts';
import type { Runtime } from './runtime.ts';

const ACCESS_BY_OTHERS = 0o077;
/** In a folder with this bit, such as /tmp, others cannot move what is ours. */
const STICKY = 0o1000;

/** Turns the cache on, where Node has it (22.8 and later) and there is a safe folder. Never fails. */
export function keepCompiledCode(runtime: Runtime): void {
  // Its types say that every Node has it.
  const { enableCompileCache }: { enableCompileCache?: (folder: string) => unknown } =
    process.getBuiltinModule('node:module');
  if (enableCompileCache === undefined) return;
  const folder = findSafeFolder(runtime);
  if (folder !== undefined) enableCompileCache(folder);
}

/**
 * Makes the folder for compiled code.
 * @returns its path without links; `undefined` when there is no folder that only this user can write to or move.
 */
export function findSafeFolder(runtime: Runtime): string | undefined {
  const wanted = findCodeFolder(runtime);
  if (wanted === undefined || !makeOwnFolder(wanted)) return undefined;
  try {
    const folder = realpathSync(wanted);
    // Node cannot read who owns a folder on Windows. This one is in the user's profile.
    return process.geteuid === undefined || isSafe(folder, process.geteuid()) ? folder : undefined;
  } catch {
    return undefined;
  }
}

function isSafe(folder: string, userId: number): boolean {
  const { uid, mode } = lstatSync(folder);
  if (uid !== userId || (mode & ACCESS_BY_OTHERS) !== 0) return false;
  for (let child = folder, parent = dirname(folder); parent !== child; child = parent, parent = dirname(parent)) {
    const stats = lstatSync(parent);
    if (stats.uid !== userId && stats.uid !== 0) return false;
    if ((stats.mode & WRITE_ACCESS_BY_OTHERS) !== 0 && (stats.mode & STICKY) === 0) return false;
  }
  return true;
}
