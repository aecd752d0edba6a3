/** The archives of a release as package managers download them: with their address and sum. */

import { PROGRAM, releaseUrl } from './project.ts';
import type { Release } from './release.ts';

/** An archive of one target. */
export interface PublishedArchive {
  readonly file: string;
  readonly url: string;
  /** SHA-256 in hexadecimal digits. */
  readonly sum: string;
  /** The folder that holds everything in the archive. */
  readonly folder: string;
}

/** An archive of each named target. */
export type PublishedArchives<Name extends string> = Readonly<Record<Name, PublishedArchive>>;

/** The name of an archive, without its extension, and of the only folder in it. */
export function archiveFolder(version: string, target: string): string {
  return `${PROGRAM}-${version}-${target}`;
}

/**
 * Finds the archives that a manifest names.
 *
 * @param extension such as `.zip`.
 * @returns the targets without an archive in `missing`, when there are any.
 */
export function findArchives<Name extends string>(
  { version, sums }: Pick<Release, 'version' | 'sums'>,
  targets: readonly Name[],
  extension: string,
): { readonly archives: PublishedArchives<Name> } | { readonly missing: readonly Name[] } {
  const missing: Name[] = [];
  const found: Partial<Record<Name, PublishedArchive>> = {};
  for (const target of targets) {
    const folder = archiveFolder(version, target);
    const file = `${folder}${extension}`;
    const sum = sums.get(file);
    if (sum === undefined) missing.push(target);
    else found[target] = { file, url: `${releaseUrl(version)}/${file}`, sum, folder };
  }
  return isComplete(found, targets) ? { archives: found } : { missing };
}

function isComplete<Name extends string>(
  found: Partial<Record<Name, PublishedArchive>>,
  targets: readonly Name[],
): found is Record<Name, PublishedArchive> {
  return targets.every((target) => found[target] !== undefined);
}

/** What the report says when a manifest cannot be made. */
export function formatMissingArchives(what: string, targets: readonly string[], extension: string): string {
  return `${what}: there is no ${extension} of ${targets.join(', ')}`;
}
