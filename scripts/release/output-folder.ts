/** The folder of a release: a new release takes the place of an earlier one, and of nothing else. */

import { lstat, readdir, readFile, realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKSUMS } from '../build/checksums.ts';
import { ignoreMissing } from '../build/missing-file.ts';
import { PROGRAM } from './project.ts';
import { SIGNATURE_NAMES } from './signatures.ts';

/**
 * Finds the folder to replace.
 * @returns the path without links.
 * @throws when something else than a release is there.
 */
export async function findOutputFolder(path: string): Promise<string> {
  if ((await lstat(path).catch(ignoreMissing)) === undefined) return path;
  const folder = await realpath(path);
  const found = await readdir(folder);
  if (found.length === 0) return folder;
  const released = found.includes(CHECKSUMS) ? parseNames(await readFile(join(folder, CHECKSUMS), 'utf8')) : [];
  if (!released.some((name) => name.startsWith(`${PROGRAM}-`))) {
    throw new Error(`${path} is not empty and is not a release: choose another folder`);
  }
  const foreign = found.find((name) => ![...released, CHECKSUMS, ...SIGNATURE_NAMES].includes(name));
  if (foreign === undefined) return folder;
  throw new Error(`${path} also has ${foreign}, which is not of a release: choose another folder`);
}

/**
 * Moves a new release to its folder.
 * @param former where the earlier release goes, a path that is free.
 * @throws when it cannot be moved. Then the earlier release is still there.
 */
export async function replaceRelease(made: string, output: string, former: string): Promise<void> {
  const isThere = await rename(output, former).then(() => true, ignoreMissing);
  try {
    await rename(made, output);
  } catch (error) {
    if (isThere === true) await rename(former, output);
    throw error;
  }
}

function parseNames(checksums: string): readonly string[] {
  return [...checksums.matchAll(/^[0-9a-f]{64} {2}(.+)$/gm)].map(([, name = '']) => name);
}
