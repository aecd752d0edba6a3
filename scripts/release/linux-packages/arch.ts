/** The package for Arch Linux. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool, type Tool } from '../packing-tool.ts';
import { AUTHORS, PROGRAM, SUMMARY } from '../project.ts';
import { stageFiles } from '../stage.ts';
import { runNfpm } from './nfpm.ts';
import { listLicences, type PackageSource, REVISION, ZSH_FOLDER, zshCompletion } from './package-source.ts';

const ZSTD: Tool = { name: 'zstd', debianPackage: 'zstd' };
const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' };

/**
 * Makes it with nfpm, and compresses it again: Arch's own packages are compressed with level 20, which nfpm cannot do.
 *
 * @returns its file name.
 */
export async function makeArchPackage(source: PackageSource): Promise<string> {
  const { release, executable } = source;
  const architecture = ARCHITECTURES[executable.target.cpu];
  const file = `${PROGRAM}-${release.version}-${REVISION}-${architecture}.pkg.tar.zst`;
  const folder = join(release.scratch, `arch-${architecture}`);
  const files = [...source.files, zshCompletion(source, ZSH_FOLDER.others), ...listLicences(source)];
  await stageFiles(join(folder, 'files'), files, release.epochSeconds);
  const made = await runNfpm(source, {
    packager: 'archlinux',
    architecture,
    folder,
    files,
    settings: { description: SUMMARY, depends: ['glibc', 'gcc-libs'], archlinux: { packager: AUTHORS } },
  });
  const tar = join(folder, 'package.tar');
  await runTool(ZSTD, ['--quiet', '--decompress', made, '-o', tar]);
  const level = release.isFast ? ['-1'] : ['--ultra', '-20'];
  // One worker: the number of the machine's cores does not change the bytes.
  await runTool(ZSTD, ['--quiet', '--force', '--threads=1', ...level, tar, '-o', join(release.output, file)]);
  await rm(folder, { recursive: true, force: true });
  return file;
}
