/** Packages for Debian, for Fedora and its relatives, and for Arch Linux. */

import { readChangelog } from './changelog.ts';
import { makeArchPackage } from './linux-packages/arch.ts';
import { makeDebianPackage } from './linux-packages/debian.ts';
import { listPackageFiles, type PackageSource } from './linux-packages/package-source.ts';
import { makeRpm } from './linux-packages/rpm.ts';
import type { Release, StepResult } from './release.ts';

/** Makes a `.deb`, an `.rpm` and a `.pkg.tar.zst` of each executable for Linux. */
export async function makeLinuxPackages(release: Release): Promise<StepResult> {
  const files: string[] = [];
  const changelog = await readChangelog(release.root);
  for (const executable of release.executables.filter(({ target }) => target.os === 'linux')) {
    const source: PackageSource = {
      release,
      executable,
      changelog,
      files: await listPackageFiles(release, executable),
    };
    files.push(...(await Promise.all([makeDebianPackage(source), makeRpm(source), makeArchPackage(source)])));
  }
  return { files };
}
