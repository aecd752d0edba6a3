/** Makes the executable of one target from the program's code. */

import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Part } from './chunks.ts';
import { findNodePart, readPinnedNodeVersion, stripNode } from './node-part.ts';
import { environmentWithoutNodeSettings, runProgram } from './run.ts';
import { findHostTarget, type Target } from './target.ts';

export interface Binary {
  readonly target: Target;
  readonly path: string;
  readonly nodeVersion: string;
  readonly sizeBytes: number;
  readonly codeCache: boolean;
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
  const scratch = await mkdtemp(join(dirname(output), '.build-'));
  try {
    const bundle = join(scratch, 'bundle.cjs');
    const executable = join(scratch, 'executable');
    await writeFile(bundle, code);
    const generatorPath = generator?.path ?? process.execPath;
    const assets: string[] = [];
    for (const part of late) assets.push(...(await writePart(scratch, part, codeCache ? generatorPath : undefined)));
    const said = await runProgram(
      generatorPath,
      [
        join(import.meta.dirname, 'inject.ts'),
        ...['--target', target.name, '--bundle', bundle, '--node', stripped, '--output', executable],
        ...(codeCache ? ['--code-cache'] : []),
        ...assets.flatMap((asset) => ['--asset', asset]),
      ],
      { env: environmentWithoutNodeSettings() },
    );
    await chmod(executable, 0o755);
    const { size } = await stat(executable);
    await rename(executable, output);
    return {
      target,
      path: output,
      nodeVersion: node.version,
      sizeBytes: size,
      codeCache,
      ...(notStripped === undefined ? {} : { notStripped }),
      warnings: findWarnings(said),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Writes a part of the program and its V8 code cache.
 * @param node the Node whose V8 will read it; `undefined` when it cannot run here.
 * @returns `NAME=FILE` of each asset.
 */
async function writePart(folder: string, { name, code }: Part, node: string | undefined): Promise<readonly string[]> {
  const source = join(folder, `${name}.js`);
  await writeFile(source, code);
  if (node === undefined) return [`${name}.js=${source}`];
  const cache = join(folder, `${name}.cache`);
  await runProgram(node, [join(import.meta.dirname, 'compile.ts'), source, cache], {
    env: environmentWithoutNodeSettings(),
  });
  return [`${name}.js=${source}`, `${name}.cache=${cache}`];
}

/** Pkg prints all its steps; only its warnings are of interest. */
function findWarnings(said: string): readonly string[] {
  return said
    .split('\n> ')
    .filter((text) => /^(> )?\S*Warning/.test(text))
    .map((text) =>
      text
        .replace(/^(> )?\S*Warning\S*/, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    );
}
