/** Builds the executables of a release. */

import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Binary, makeBinary } from '../build/binary.ts';
import { bundleProgram } from '../build/bundle.ts';
import { findLibatomic, LIBRARY_NAME, nameLibatomicPackage, readLibatomicLicence } from '../build/libatomic.ts';
import { collectLicences, readNodeLicence } from '../build/licences.ts';
import { readPinnedNodeVersion } from '../build/node-part.ts';
import { ENTRY, makeProgramCode } from '../build/program.ts';
import { executableName, type Target } from '../build/target.ts';
import { PROGRAM } from './project.ts';
import type { ReleasedExecutable } from './release.ts';

export interface ExecutableOptions {
  readonly root: string;
  readonly commit: string;
  readonly targets: readonly Target[];
  /** Where the executables go, each in a folder of its own. */
  readonly folder: string;
  /** Gets each line of the report. */
  readonly report: (line: string) => void;
}

/** @throws when one of them cannot be built. */
export async function buildExecutables({
  root,
  commit,
  targets,
  folder,
  report,
}: ExecutableOptions): Promise<readonly ReleasedExecutable[]> {
  const nodeVersion = await readPinnedNodeVersion(root);
  const [bundle, { start, parts, files: codeFiles }] = await Promise.all([
    bundleProgram({ entry: ENTRY, root, nodeVersion, commit }),
    makeProgramCode({ root, nodeVersion, commit }),
  ]);
  const executables: ReleasedExecutable[] = [];
  for (const target of targets) {
    const output = join(folder, target.name, executableName(PROGRAM, target));
    const binary = await makeBinary({ root, target, code: start, parts, output });
    assertComplete(binary);
    const node = await readNodeLicence(binary.licencePath, binary.nodeVersion);
    const library = target.os === 'linux' ? await shipLibatomic(root, target, dirname(output)) : undefined;
    const licencesPath = join(dirname(output), 'THIRD-PARTY-LICENSES.txt');
    const licences = [node, ...(library === undefined ? [] : [library.licence])];
    await writeFile(licencesPath, await collectLicences(root, bundle, licences));
    const { path, nodeVersion: packaged } = binary;
    executables.push({
      ...{ target, path, nodeVersion: packaged, licencesPath, codeFiles },
      ...(library === undefined ? {} : { libraryPath: library.path, libraryPackage: nameLibatomicPackage(target.cpu) }),
    });
    report(describeBinary(binary));
  }
  return executables;
}

/**
 * Checks that nothing was left out: a release must not depend on the tools of the machine.
 * @throws when something was; the message says what to install.
 */
export function assertComplete({
  target,
  notStripped,
  finish,
}: Pick<Binary, 'target' | 'notStripped' | 'finish'>): void {
  // Node for Windows comes without symbols.
  const missing = [
    ...(notStripped === undefined || target.os === 'win' ? [] : [`not stripped: ${notStripped}`]),
    ...(finish.isComplete ? [] : [finish.text]),
  ];
  if (missing.length === 0) return;
  throw new Error(`Cannot release ${target.name}: ${missing.join('; ')}; install binutils, llvm and patchelf`);
}

function describeBinary({ target, nodeVersion, sizeBytes, finish }: Binary): string {
  return `${target.name}: Node ${nodeVersion}, ${(sizeBytes / 1e6).toFixed(1)} MB, ${finish.text}`;
}

async function shipLibatomic(root: string, { cpu }: Target, folder: string) {
  const path = join(folder, LIBRARY_NAME);
  await copyFile(await findLibatomic(join(root, '.parts'), cpu), path);
  await chmod(path, 0o644);
  return { path, licence: await readLibatomicLicence() };
}
