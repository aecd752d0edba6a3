/** What the packages of Linux have in common: their files, and what they say about the program. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Changelog } from '../changelog.ts';
import { PROGRAM } from '../project.ts';
import type { Release, ReleasedExecutable } from '../release.ts';
import type { StagedFile } from '../stage.ts';

/** What a package is made from. */
export interface PackageSource {
  readonly release: Release;
  readonly executable: ReleasedExecutable;
  readonly changelog: Changelog;
  /** The files that every package has, by their names below `/`. */
  readonly files: readonly StagedFile[];
}

/** Counts the packages of one version. */
export const REVISION = 1;

/** Without the line that says what the program is. */
export const DESCRIPTION = [
  'Docker, podman, helm and other clients pull from and push to Azure Container',
  'Registry with the Azure identity that the machine already has: a service',
  'principal, a workload or managed identity, or the account of the Azure CLI.',
  'Nobody types a password, and no token has to be renewed by hand.',
];

/** Where the shells of a distribution look for the completions of packages. */
export const ZSH_FOLDER = { debian: 'usr/share/zsh/vendor-completions', others: 'usr/share/zsh/site-functions' };

/** The executable, its manual page, and the completions of bash and fish. */
export async function listPackageFiles(
  { documents }: Release,
  { path }: ReleasedExecutable,
): Promise<readonly StagedFile[]> {
  const { bash, fish } = documents.completionPaths;
  return [
    { name: `usr/bin/${PROGRAM}`, source: path, isExecutable: true },
    { name: `usr/share/man/man1/${PROGRAM}.1.gz`, text: compress(await readFile(documents.manPagePath)) },
    { name: `usr/share/bash-completion/completions/${PROGRAM}`, source: bash },
    { name: `usr/share/fish/vendor_completions.d/${PROGRAM}.fish`, source: fish },
  ];
}

/** The completion of zsh, which each distribution keeps elsewhere. */
export function zshCompletion({ release }: PackageSource, folder: string): StagedFile {
  return { name: `${folder}/_${PROGRAM}`, source: release.documents.completionPaths.zsh };
}

/** The licences as rpm and Arch Linux keep them. */
export function listLicences({ release, executable }: PackageSource): readonly StagedFile[] {
  const folder = `usr/share/licenses/${PROGRAM}`;
  return [
    { name: `${folder}/LICENSE`, source: join(release.root, 'LICENSE') },
    { name: `${folder}/THIRD-PARTY-LICENSES.txt`, source: executable.licencesPath },
  ];
}

/** As `gzip -9n` does: without a name and a time. */
export function compress(text: string | Buffer): Buffer {
  return gzipSync(text, { level: 9 });
}
