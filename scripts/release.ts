/**
 * `npm run release`: makes everything that people install, in `dist/release`. The same commit gives the same bytes.
 *
 * `--target linux-x64` leaves out the other platforms, `--fast` compresses little, `--output DIR` writes elsewhere.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { sumFile, writeChecksums } from './build/checksums.ts';
import { readSource } from './build/source.ts';
import { formatTable } from './build/table.ts';
import { parseTargets, TARGETS } from './build/target.ts';
import { writeDocuments } from './release/documents.ts';
import { buildExecutables } from './release/executables.ts';
import type { Release } from './release/release.ts';
import { makeSignatures } from './release/signatures.ts';
import { STEPS } from './release/steps.ts';

const root = join(import.meta.dirname, '..');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: 'all' },
      fast: { type: 'boolean', default: false },
      output: { type: 'string', default: join(root, 'dist/release') },
    },
  });
  const targets = parseTargets(values.target);
  if (!targets) {
    console.error(`error: no such target; give --target all or one of ${TARGETS.map(({ name }) => name).join(', ')}`);
    return 1;
  }
  const output = resolve(values.output);
  const source = await readSource(root);
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  await mkdir(join(root, 'dist'), { recursive: true });
  const scratch = await mkdtemp(join(root, 'dist', '.release-'));
  try {
    const executables = await buildExecutables({ root, commit: source.commit, targets, folder: scratch });
    const documents = await writeDocuments(root, scratch);
    const sums = new Map<string, string>();
    const sizes = new Map<string, number>();
    const release: Release = {
      ...{ root, ...source, output, scratch, isFast: values.fast, executables, documents, sums },
    };
    for (const { name, make } of STEPS) {
      const startedAtMs = Date.now();
      const { files, skipped = [] } = await make(release);
      for (const file of files) {
        const { sum, sizeBytes } = await sumFile(join(output, file));
        sums.set(file, sum);
        sizes.set(file, sizeBytes);
      }
      for (const line of skipped) console.log(`skipped: ${line}`);
      console.log(`${name}: ${files.length} files in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
    }
    await writeChecksums(output, sums);
    const { skipped = [] } = await makeSignatures(release);
    for (const line of skipped) console.log(`skipped: ${line}`);
    console.log(formatTable([...sizes].map(([file, bytes]) => ({ file, size: `${(bytes / 1e6).toFixed(1)} MB` }))));
    return 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

process.exitCode = await main();
