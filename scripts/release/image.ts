/** The container image, for each processor that there is an executable for, as one OCI archive. */

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBill } from './bill-of-materials/cyclonedx.ts';
import { describeImage } from './bill-of-materials/image.ts';
import { billName, describeReleased } from './bill-of-materials.ts';
import { type DebianArchitecture, fetchPackages } from './image/debian-archive.ts';
import { layOutImage, listDebianPackages, listProgramFiles } from './image/file-system.ts';
import { makeOciArchive, type PlatformImage } from './image/oci-archive.ts';
import { HOMEPAGE, PROGRAM, SUMMARY } from './project.ts';
import type { Release, ReleasedExecutable, StepResult } from './release.ts';

/** @throws when a package of Debian cannot be fetched, or buildah is missing or fails. */
export async function makeImage(release: Release): Promise<StepResult> {
  const { version, epochSeconds, output, isFast } = release;
  const executables = release.executables.filter(({ target }) => target.os === 'linux');
  if (executables.length === 0) return { files: [], skipped: ['the image: there is no executable for Linux'] };
  const folder = join(release.scratch, 'image');
  const archive = `${PROGRAM}-${version}-image.oci.tar`;
  const bills: string[] = [];
  try {
    const images: PlatformImage[] = [];
    for (const executable of executables) {
      const { image, bill } = await prepareImage(release, executable, folder);
      images.push(image);
      const name = billName(version, `image-linux-${image.architecture}`);
      await writeFile(join(output, name), bill);
      bills.push(name);
    }
    await makeOciArchive({
      ...{ images, tag: version, labels: listLabels(release), epochSeconds, isFast },
      ...{ scratch: join(folder, 'buildah'), output: join(output, archive) },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { files: [archive, ...bills] };
}

async function prepareImage(release: Release, executable: ReleasedExecutable, folder: string) {
  const { root, isFast, epochSeconds } = release;
  const architecture: DebianArchitecture = executable.target.cpu === 'x64' ? 'amd64' : 'arm64';
  const packages = await fetchPackages({
    ...{
      folder: join(root, '.parts/debian-archive'),
      packages: listDebianPackages(architecture),
      wantsNewest: !isFast,
    },
  });
  const bill = formatBill(describeImage(await describeReleased(release, executable), architecture, packages));
  const image = { architecture, folder: join(folder, architecture) };
  const unpacked = join(folder, `${architecture}-packages`);
  await mkdir(unpacked, { recursive: true });
  const programFiles = listProgramFiles({
    ...{ executable: executable.path, library: executable.libraryPath, licences: executable.licencesPath },
    ...{ licence: join(root, 'LICENSE'), bill },
  });
  await layOutImage(image.folder, { architecture, packages, programFiles, epochSeconds }, unpacked);
  return { image, bill };
}

/** @see https://github.com/opencontainers/image-spec/blob/main/annotations.md */
function listLabels({ version, commit, epochSeconds }: Release): Readonly<Record<string, string>> {
  const labels = {
    title: PROGRAM,
    description: SUMMARY,
    version,
    revision: commit,
    created: new Date(epochSeconds * 1000).toISOString().replace('.000', ''),
    source: HOMEPAGE,
    url: HOMEPAGE,
    licenses: 'MIT',
  };
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`org.opencontainers.image.${name}`, value]));
}
