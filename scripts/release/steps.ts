/** The steps of a release, in their order: a later one may need the sums of what earlier ones have made. */

import { makeArchives } from './archives.ts';
import { makeBillsOfMaterials } from './bill-of-materials.ts';
import { makeHomebrewFormula } from './homebrew.ts';
import { makeImage } from './image.ts';
import { makeInstallScript } from './install-script.ts';
import { makeLinuxPackages } from './linux-packages.ts';
import { makeNpmPackage } from './npm-package.ts';
import type { Step } from './release.ts';
import { makeScoopManifest } from './scoop.ts';
import { makeWingetManifests } from './winget.ts';

export const STEPS: readonly Step[] = [
  { name: 'npm package', make: makeNpmPackage },
  { name: 'bills of materials', make: makeBillsOfMaterials },
  { name: 'archives', make: makeArchives },
  { name: 'Linux packages', make: makeLinuxPackages },
  { name: 'container image', make: makeImage },
  { name: 'install script', make: makeInstallScript },
  { name: 'Homebrew formula', make: makeHomebrewFormula },
  { name: 'Scoop manifest', make: makeScoopManifest },
  { name: 'winget manifests', make: makeWingetManifests },
];
