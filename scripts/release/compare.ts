/** Compares two releases byte for byte. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SIGNATURE_NAMES } from './signatures.ts';

/**
 * Leaves out the signatures: they are of the checksums, and those of some keys differ each time.
 * @returns one line for each difference; none when both have the same files with the same bytes.
 */
export async function compareReleases(one: string, other: string): Promise<readonly string[]> {
  const [ones, others] = await Promise.all([listFiles(one), listFiles(other)]);
  const missing = [
    ...ones.filter((name) => !others.includes(name)).map((name) => `${name}: only in ${one}`),
    ...others.filter((name) => !ones.includes(name)).map((name) => `${name}: only in ${other}`),
  ];
  const different: string[] = [];
  for (const name of ones.filter((file) => others.includes(file)).sort()) {
    const [bytes, otherBytes] = await Promise.all([readFile(join(one, name)), readFile(join(other, name))]);
    if (bytes.equals(otherBytes)) continue;
    const at = bytes.findIndex((byte, index) => byte !== otherBytes[index]);
    const place = at < 0 ? bytes.length : at;
    different.push(`${name}: differs from byte ${place} on (${bytes.length} and ${otherBytes.length} bytes)`);
  }
  return [...missing, ...different];
}

async function listFiles(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => !SIGNATURE_NAMES.includes(name));
}
