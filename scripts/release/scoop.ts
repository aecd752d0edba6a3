/** The manifest for Scoop. @see https://github.com/ScoopInstaller/Scoop/wiki/App-Manifests */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOMEPAGE, LICENCE, PROGRAM, releaseUrl, SUMMARY } from './project.ts';
import {
  archiveFolder,
  findArchives,
  formatMissingArchives,
  type PublishedArchive,
  type PublishedArchives,
} from './published-archive.ts';
import type { Release, StepResult } from './release.ts';

const TARGETS = ['windows-x64', 'windows-arm64'] as const;
const EXTENSION = '.zip';

/** Scoop puts the newer version here. */
const VERSION_PLACE = '$version';

/** Writes the manifest when the release has both archives for Windows. */
export async function makeScoopManifest(release: Release): Promise<StepResult> {
  const found = findArchives(release, TARGETS, EXTENSION);
  if ('missing' in found) {
    return { files: [], skipped: [formatMissingArchives('Scoop manifest', found.missing, EXTENSION)] };
  }
  const file = `${PROGRAM}.json`;
  const text = JSON.stringify(describeManifest(release.version, found.archives), undefined, 4);
  await writeFile(join(release.output, file), `${text}\n`);
  return { files: [file] };
}

/** What Scoop installs, and how it finds and checks newer versions. */
function describeManifest(version: string, archives: PublishedArchives<(typeof TARGETS)[number]>) {
  return {
    version,
    description: SUMMARY,
    homepage: HOMEPAGE,
    license: LICENCE,
    notes: `To use it for a registry: ${PROGRAM} configure myregistry.azurecr.io`,
    architecture: {
      '64bit': describeArchive(archives['windows-x64']),
      arm64: describeArchive(archives['windows-arm64']),
    },
    bin: `${PROGRAM}.exe`,
    checkver: { github: HOMEPAGE },
    autoupdate: {
      architecture: {
        '64bit': describeUpdate('windows-x64'),
        arm64: describeUpdate('windows-arm64'),
      },
      hash: { url: '$baseurl/SHA256SUMS' },
    },
  };
}

function describeArchive({ url, sum, folder }: PublishedArchive) {
  return { url, hash: sum, extract_dir: folder };
}

function describeUpdate(target: (typeof TARGETS)[number]) {
  const folder = archiveFolder(VERSION_PLACE, target);
  return { url: `${releaseUrl(VERSION_PLACE)}/${folder}${EXTENSION}`, extract_dir: folder };
}
