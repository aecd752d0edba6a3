/** What tries a release: the systems on which it is installed, and what checks its files. */

import { installActionlint } from './actionlint.ts';
import { CYCLONEDX } from './cyclonedx.ts';
import { installPackages, RELEASE_PACKAGES, TRIAL_PACKAGES } from './debian.ts';
import { fetchForeignNodes } from './foreign-nodes.ts';
import { LIEF } from './lief.ts';
import { installMinbase } from './minbase.ts';
import { installMuslNode } from './musl-node.ts';
import { installNfpm } from './nfpm.ts';
import { installNodeVersions } from './node-versions.ts';
import { installPackageCheckers } from './package-checkers.ts';
import type { PartReport } from './part.ts';
import { installPythonPackage } from './python-package.ts';
import { installWine } from './wine.ts';
import { ZIZMOR } from './zizmor.ts';

/**
 * Installs what makes a release, and what tries its packages. Downloads run side by side; Debian's packages come first.
 * @param builds what keeps every core busy: only then come the programs that Go builds.
 */
export async function installTrialParts(builds: Promise<unknown>): Promise<readonly PartReport[]> {
  const packages = await installPackages({ ...RELEASE_PACKAGES, ...TRIAL_PACKAGES });
  const others = await Promise.all([
    installPythonPackages().then(async (reports) => [...reports, await installMuslNode()]),
    installSystems(),
    installNodeVersions().then(async (reports) => [...reports, ...(await installPackageCheckers())]),
    builds.then(async () => [await installNfpm(), ...(await installActionlint())]),
  ]);
  return [...packages, ...others.flat()];
}

async function installPythonPackages(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const wanted of [ZIZMOR, LIEF, CYCLONEDX]) reports.push(await installPythonPackage(wanted));
  return reports;
}

async function installSystems(): Promise<readonly PartReport[]> {
  return [await installMinbase(), ...(await installWine()), ...(await fetchForeignNodes())];
}
