/** The CycloneDX bill of materials of each executable and of the npm package. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleProgram, listBundledFiles } from '../build/bundle.ts';
import { sumFile } from '../build/checksums.ts';
import { findNodePart, readPinnedNodeVersion } from '../build/node-part.ts';
import { ENTRY } from '../build/program.ts';
import { environmentWithoutNodeSettings } from '../build/run.ts';
import { findHostTarget } from '../build/target.ts';
import { type Bill, formatBill } from './bill-of-materials/cyclonedx.ts';
import { describeExecutable } from './bill-of-materials/executable.ts';
import { askNode, checkSettings, type NodeFacts } from './bill-of-materials/node-parts.ts';
import { describeNpmPackage } from './bill-of-materials/npm-package.ts';
import { readLockedPackages } from './bill-of-materials/npm-packages.ts';
import { PROGRAM } from './project.ts';
import type { Release, ReleasedExecutable, StepResult } from './release.ts';

/** @throws when it cannot be told what is in an executable, or in the npm package that an earlier step has made. */
export async function makeBillsOfMaterials(release: Release): Promise<StepResult> {
  const files: string[] = [];
  const packageSum = release.sums.get(`${PROGRAM}-${release.version}.tgz`);
  if (packageSum !== undefined) {
    const file = billName(release.version, 'npm');
    await writeFile(join(release.output, file), formatBill(await describeReleasedPackage(release, packageSum)));
    files.push(file);
  }
  for (const executable of release.executables) {
    const file = billName(release.version, executable.target.name);
    await writeFile(join(release.output, file), formatBill(await describeReleased(release, executable)));
    files.push(file);
  }
  return { files };
}

/** @param target such as `linux-x64`, or `npm`. */
export function billName(version: string, target: string): string {
  return `${PROGRAM}-${version}-${target}.cdx.json`;
}

/** @throws when it cannot be told what is in the executable. */
export async function describeReleased(release: Release, executable: ReleasedExecutable): Promise<Bill> {
  const { root } = release;
  const { nodeVersion, path } = executable;
  const [locked, node, { sum }] = await Promise.all([
    readLockedPackages(root),
    askNodeOfVersion(root, nodeVersion),
    sumFile(path),
  ]);
  await checkSettings(path, node);
  return describeExecutable(release, executable, { locked, node, sum });
}

async function describeReleasedPackage(release: Release, sum: string): Promise<Bill> {
  const { root, commit } = release;
  const nodeVersion = await readPinnedNodeVersion(root);
  // Its library has the code of the program, or less.
  const { metafile } = await bundleProgram({ entry: ENTRY, root, commit, nodeVersion });
  const codeFiles = [...new Set(listBundledFiles(metafile))];
  return describeNpmPackage(release, codeFiles, { locked: await readLockedPackages(root), sum });
}

/** Asks this machine's Node of the version: those of other platforms cannot run here. */
async function askNodeOfVersion(root: string, nodeVersion: string): Promise<NodeFacts> {
  const host = findHostTarget();
  if (host === undefined) throw new Error('Cannot tell what is in Node: there is none for this machine');
  const pinned = await readPinnedNodeVersion(root);
  const { path } = await findNodePart(root, join(root, '.parts'), { ...host, nodeVersion }, pinned);
  return await askNode(path, environmentWithoutNodeSettings());
}
