/** Makes the executable of one target from the program's code. */

import { chmod, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packWithNode } from './build-sea.ts';
import type { Part } from './chunks.ts';
import { type Finish, finishExecutable } from './finish.ts';
import { findNodePart, readPinnedNodeVersion, stripNode } from './node-part.ts';
import { type Packing, runNodeRepeatably } from './packing.ts';
import { packWithPkg } from './pkg.ts';
import { useScratchFolder } from './scratch.ts';
import { findHostTarget, type Target } from './target.ts';

export interface Binary {
  readonly target: Target;
  readonly path: string;
  readonly nodeVersion: string;
  readonly sizeBytes: number;
  readonly codeCache: boolean;
  /** The licences of Node and of what is in it. */
  readonly licencePath: string;
  readonly finish: Finish;
  /** Why Node still has its symbols; `undefined` when it has none. */
  readonly notStripped?: string;
  readonly warnings: readonly string[];
}

export interface BinaryOptions {
  readonly root: string;
  readonly target: Target;
  /** The program, as one CommonJS file. */
  readonly code: string;
  /** The code that the program loads when it needs it. */
  readonly parts?: readonly Part[];
  /** The path of the executable. An existing one, which may be running, is replaced and not overwritten. */
  readonly output: string;
}

/** The name of the main program, which its stack traces show. */
const MAIN = 'docker-credential-acr.cjs';

/** @throws when the target's Node is not available or the program cannot be injected into it. */
export async function makeBinary({ root, target, code, parts: late = [], output }: BinaryOptions): Promise<Binary> {
  const parts = join(root, '.parts');
  const host = findHostTarget();
  const pinned = await readPinnedNodeVersion(root);
  const node = await findNodePart(root, parts, target, pinned);
  const { path: stripped, notStripped } = await stripNode(parts, target, node);
  // The layout of the blob depends on Node's version, so the same version must make it.
  const generator = host ? await findNodePart(root, parts, { ...host, nodeVersion: node.version }, pinned) : undefined;
  // V8's code cache is valid only for the processor and the build of V8 that made it.
  const codeCache = target === host && node.version === pinned;

  await mkdir(dirname(output), { recursive: true });
  return await useScratchFolder(join(dirname(output), '.build-'), async (scratch) => {
    const executable = join(scratch, 'executable');
    const generatorPath = generator?.path ?? process.execPath;
    await writeFile(join(scratch, MAIN), code);
    const assets = await writeParts(scratch, late, codeCache ? generatorPath : undefined);
    const warnings = await packProgram({
      ...{ target, generatorPath, assets, folder: scratch, main: MAIN, nodePath: stripped },
      ...{ hasCodeCache: codeCache, output: executable },
    });
    const finish = await finishExecutable(executable, target, node.version);
    await chmod(executable, 0o755);
    const { size } = await stat(executable);
    await rename(executable, output);
    return {
      target,
      path: output,
      nodeVersion: node.version,
      sizeBytes: size,
      codeCache,
      licencePath: node.licencePath,
      finish,
      ...(notStripped === undefined ? {} : { notStripped }),
      warnings,
    };
  });
}

/**
 * What pkg makes of Node for macOS has a table of segments that lacks the program's own.
 * @returns the warnings of the packer.
 */
async function packProgram(packing: Packing): Promise<readonly string[]> {
  if (packing.target.os !== 'macos') return await packWithPkg(packing);
  await packWithNode(packing);
  return [];
}

/**
 * Writes the parts of the program and their V8 code caches.
 * @param node the Node whose V8 will read the caches; `undefined` when it cannot run here.
 * @returns the file of each asset, by its name.
 */
async function writeParts(
  folder: string,
  parts: readonly Part[],
  node: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  const assets: Record<string, string> = {};
  for (const { name, code, isCalledInPart } of parts) {
    const [source, cache] = [`${name}.js`, `${name}.cache`];
    await writeFile(join(folder, source), code);
    assets[source] = source;
    if (node === undefined) continue;
    const extent = isCalledInPart ? 'load' : 'all';
    await runNodeRepeatably(node, [join(import.meta.dirname, 'compile.ts'), extent, source, cache], folder);
    assets[cache] = cache;
  }
  return assets;
}
