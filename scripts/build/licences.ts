/** Collects the licence texts that must be shipped with an executable: those of everything that is in it. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from './bundle.ts';

/** The licence of something that is shipped. */
export interface LicenceSection {
  readonly name: string;
  readonly text: string;
}

/**
 * @param others what is shipped besides the packages in the bundle.
 * @returns one text with the licences of all of them.
 */
export async function collectLicences(
  root: string,
  { metafile, legalComments }: Pick<Bundle, 'metafile' | 'legalComments'>,
  others: readonly LicenceSection[] = [],
): Promise<string> {
  const packages = new Set(Object.keys(metafile.inputs).flatMap((path) => findPackageFolder(path) ?? []));
  const sections: LicenceSection[] = [];
  for (const folder of [...packages].sort()) {
    sections.push({ name: folder.replace(/^.*node_modules\//, ''), text: await readLicence(join(root, folder)) });
  }
  if (legalComments) sections.push({ name: 'Comments in the code of these packages', text: legalComments.trim() });
  return formatLicences([...sections, ...others]);
}

/** Reads the licences of a Node and of what is in it. @param version such as `26.10.0`. */
export async function readNodeLicence(path: string, version: string): Promise<LicenceSection> {
  return { name: `Node.js ${version}`, text: (await readFile(path, 'utf8')).trim() };
}

/** Formats licences. Those with the same text share a section. */
export function formatLicences(sections: readonly LicenceSection[]): string {
  const namesOf = new Map<string, Set<string>>();
  for (const { name, text } of sections) namesOf.set(text, (namesOf.get(text) ?? new Set()).add(name));
  const texts = [...namesOf].map(([text, names]) => `${[...names].join('\n')}\n\n${text}`);
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** @returns the folder of the package that a bundled file belongs to, or `undefined` for a file of our own. */
function findPackageFolder(path: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

/** @throws when a package has no licence, since it must not be distributed then. */
async function readLicence(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (name !== undefined) return (await readFile(join(folder, name), 'utf8')).trim();
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const licence = formatDeclaredLicence(manifest);
  if (licence === undefined) throw new Error(`Cannot find the licence in ${folder}`);
  return licence;
}

/**
 * The text of the licence that a manifest only names.
 * @returns `undefined` unless it is MIT's and the author is known.
 */
export function formatDeclaredLicence(manifest: unknown): string | undefined {
  const { license, author }: { license?: unknown; author?: unknown } = Object(manifest);
  return license === 'MIT' && typeof author === 'string'
    ? `MIT License\n\nCopyright (c) ${author}\n\n${MIT}`
    : undefined;
}

/** @see https://spdx.org/licenses/MIT.html */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
