/** Collects the licence texts that must be shipped with an executable: those of the packages in the bundle. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from './bundle.ts';

/** @returns one text with the licence of every npm package that is part of the bundle. */
export async function collectLicences(root: string, { metafile, legalComments }: Bundle): Promise<string> {
  const packages = new Set(Object.keys(metafile.inputs).flatMap((path) => findPackageFolder(path) ?? []));
  const sections: string[] = [];
  for (const folder of [...packages].sort()) {
    sections.push(`${folder.replace(/^.*node_modules\//, '')}\n\n${await readLicence(join(root, folder))}`);
  }
  if (legalComments) sections.push(legalComments.trim());
  return `${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** @returns the folder of the package that a bundled file belongs to, or `undefined` for a file of our own. */
function findPackageFolder(path: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

/** @throws when a package has no licence, since it must not be distributed then. */
async function readLicence(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!name) throw new Error(`Cannot find the licence in ${folder}`);
  return (await readFile(join(folder, name), 'utf8')).trim();
}
