/** The tools that make a release, installed as the tests install their parts. */

import { mkdirSync } from 'node:fs';
import { isExecutable } from '../parts/command.ts';
import { installPackages, RELEASE_PACKAGES } from '../parts/debian.ts';
import { hasGo } from '../parts/go-programs.ts';
import { installNfpm, NFPM_PROGRAM } from '../parts/nfpm.ts';
import { PARTS_FOLDER, type PartReport } from '../parts/part.ts';

/** Installs the tools that are missing. A step whose tool is missing afterwards fails, and says so. */
export async function installReleaseTools(): Promise<readonly PartReport[]> {
  mkdirSync(PARTS_FOLDER, { recursive: true });
  const toolchain = isExecutable(NFPM_PROGRAM) || hasGo() ? [] : ['golang-go'];
  return [...(await installPackages(RELEASE_PACKAGES, toolchain)), await installNfpm()];
}
