/** The package for Debian, Ubuntu and their relatives. */

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool, type Tool } from '../packing-tool.ts';
import { PROGRAM } from '../project.ts';
import { stageFiles } from '../stage.ts';
import { formatDebianChangelog } from './debian-changelog.ts';
import { formatDebianCopyright } from './debian-copyright.ts';
import { runNfpm } from './nfpm.ts';
import { compress, type PackageSource, REVISION, ZSH_FOLDER, zshCompletion } from './package-source.ts';

const DPKG_DEB: Tool = { name: 'dpkg-deb', debianPackage: 'dpkg' };
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/**
 * Makes it with nfpm, and packs it again with dpkg-deb, whose xz makes it a sixth smaller.
 *
 * @returns its file name.
 */
export async function makeDebianPackage(source: PackageSource): Promise<string> {
  const { release, executable, changelog } = source;
  const architecture = ARCHITECTURES[executable.target.cpu];
  const file = `${PROGRAM}_${release.version}-${REVISION}_${architecture}.deb`;
  const folder = join(release.scratch, `deb-${architecture}`);
  const documentation = `usr/share/doc/${PROGRAM}`;
  const licence = await readFile(join(release.root, 'LICENSE'), 'utf8');
  const licences = await readFile(executable.licencesPath);
  const files = [
    ...source.files,
    zshCompletion(source, ZSH_FOLDER.debian),
    { name: `${documentation}/copyright`, text: formatDebianCopyright(licence) },
    { name: `${documentation}/THIRD-PARTY-LICENSES.txt.gz`, text: compress(licences) },
    { name: `${documentation}/changelog.Debian.gz`, text: compress(formatDebianChangelog(changelog)) },
  ];
  await stageFiles(join(folder, 'files'), files, release.epochSeconds);
  const unpacked = join(folder, 'unpacked');
  const made = await runNfpm(source, {
    packager: 'deb',
    architecture,
    folder,
    files,
    settings: {
      depends: ['libc6 (>= 2.28)', 'libstdc++6 (>= 7)', 'libgcc-s1 (>= 4.2)', 'libatomic1 (>= 4.8)'],
      recommends: ['ca-certificates'],
      deb: { compression: 'none', fields: { Enhances: 'docker.io, docker-ce-cli, podman, buildah, skopeo' } },
    },
  });
  await runTool(DPKG_DEB, ['--raw-extract', made, unpacked]);
  await runTool(
    DPKG_DEB,
    [
      ...(release.isFast ? ['-Znone'] : ['-Zxz', '-z9', '--threads-max=1']),
      ...['--root-owner-group', '--build', unpacked, join(release.output, file)],
    ],
    { environment: { SOURCE_DATE_EPOCH: String(release.epochSeconds) } },
  );
  await rm(folder, { recursive: true, force: true });
  return file;
}
