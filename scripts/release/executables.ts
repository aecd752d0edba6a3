/** Builds the executables of a release. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeBinary } from '../build/binary.ts';
import { bundleProgram } from '../build/bundle.ts';
import { collectLicences } from '../build/licences.ts';
import { readPinnedNodeVersion } from '../build/node-part.ts';
import { ENTRY, makeProgramCode } from '../build/program.ts';
import { executableName, type Target } from '../build/target.ts';
import type { ReleasedExecutable } from './release.ts';

export interface ExecutableOptions {
  readonly root: string;
  readonly commit: string;
  readonly targets: readonly Target[];
  /** Where the executables go, each in a folder of its own. */
  readonly folder: string;
}

/** @throws when one of them cannot be built. */
export async function buildExecutables({
  root,
  commit,
  targets,
  folder,
}: ExecutableOptions): Promise<readonly ReleasedExecutable[]> {
  const nodeVersion = await readPinnedNodeVersion(root);
  const [bundle, { start, parts, files: codeFiles }] = await Promise.all([
    bundleProgram({ entry: ENTRY, root, nodeVersion, commit }),
    makeProgramCode({ root, nodeVersion, commit }),
  ]);
  const executables: ReleasedExecutable[] = [];
  for (const target of targets) {
    const output = join(folder, target.name, executableName('docker-credential-acr', target));
    const { path, nodeVersion: packaged } = await makeBinary({ root, target, code: start, parts, output });
    const licencesPath = join(folder, target.name, 'THIRD-PARTY-LICENSES.txt');
    await writeFile(licencesPath, await collectLicences(root, bundle));
    executables.push({ target, path, nodeVersion: packaged, licencesPath, codeFiles });
  }
  return executables;
}
