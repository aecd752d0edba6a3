/** What tries a release: the systems on which it is installed, and what checks its files. */

import { installReleaseTools } from '../release/tools.ts';
import { installActionlint } from './actionlint.ts';
import { CYCLONEDX } from './cyclonedx.ts';
import { installPackages, TRIAL_PACKAGES } from './debian.ts';
import { fetchForeignNodes } from './foreign-nodes.ts';
import { LIEF } from './lief.ts';
import { installMinbase } from './minbase.ts';
import { installMuslNode } from './musl-node.ts';
import { installNodeVersions } from './node-versions.ts';
import { installPackageCheckers } from './package-checkers.ts';
import type { PartReport } from './part.ts';
import { installPythonPackage } from './python-package.ts';
import { installWine } from './wine.ts';
import { ZIZMOR } from './zizmor.ts';

/** Installs what makes a release, and what tries its packages. Downloads run side by side; Debian's packages come first. */
export async function installTrialParts(): Promise<readonly PartReport[]> {
  const packages = [...(await installReleaseTools()), ...(await installPackages(TRIAL_PACKAGES))];
  const others = await Promise.all([
    installPythonPackages(),
    installSystems(),
    installNodeVersions().then(async (reports) => [...reports, ...(await installPackageCheckers())]),
    installActionlint(),
  ]);
  return [...packages, ...others.flat()];
}

async function installPythonPackages(): Promise<readonly PartReport[]> {
  const reports: PartReport[] = [];
  for (const wanted of [ZIZMOR, LIEF, CYCLONEDX]) reports.push(await installPythonPackage(wanted));
  return reports;
}

async function installSystems(): Promise<readonly PartReport[]> {
  return [await installMinbase(), await installMuslNode(), ...(await installWine()), ...(await fetchForeignNodes())];
}
