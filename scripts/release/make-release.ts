/** Makes a release: the executables, everything that is made from them, their checksums and signatures. */

import { chmod, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sumFile, writeChecksums } from '../build/checksums.ts';
import { useScratchFolder } from '../build/scratch.ts';
import { readSource } from '../build/source.ts';
import type { Target } from '../build/target.ts';
import { writeDocuments } from './documents.ts';
import { buildExecutables } from './executables.ts';
import { findOutputFolder, replaceRelease } from './output-folder.ts';
import type { Release, StepResult } from './release.ts';
import { makeSignatures } from './signatures.ts';
import { STEPS } from './steps.ts';
import { signWindowsExecutables } from './windows-signature.ts';

export interface ReleaseOptions {
  /** The checkout. */
  readonly root: string;
  readonly targets: readonly Target[];
  /** The folder of the release. An earlier release in it is replaced once the new one is complete. */
  readonly output: string;
  readonly isFast: boolean;
  /** Gets each line of the report. */
  readonly report: (line: string) => void;
}

export interface ReleasedFile {
  readonly file: string;
  readonly sizeBytes: number;
}

/**
 * @returns the files of the release, without its checksums and signatures.
 * @throws when a step fails, or when the folder has other things than a release in it.
 */
export async function makeRelease(options: ReleaseOptions): Promise<readonly ReleasedFile[]> {
  const { root, targets, isFast, report } = options;
  const output = await findOutputFolder(options.output);
  const source = await readSource(root);
  if (source.commit === '') throw new Error('A release is made from a commit, and git finds none here');
  if (source.commit.endsWith('-modified')) report('warning: there are changes that are not committed');
  await mkdir(dirname(output), { recursive: true });
  // Beside the output, so that it can take its place.
  return await useScratchFolder(join(dirname(output), '.release-'), async (scratch) => {
    const made = join(scratch, 'made');
    await mkdir(made, { mode: 0o755 });
    const executables = await buildExecutables({ root, commit: source.commit, targets, folder: scratch, report });
    const skipped = await signWindowsExecutables(executables, { env: process.env, epochSeconds: source.epochSeconds });
    reportSkipped({ files: [], skipped }, report);
    const documents = await writeDocuments(root, scratch);
    const sums = new Map<string, string>();
    const release: Release = { root, ...source, output: made, scratch, isFast, executables, documents, sums };
    const released = await runSteps(release, sums, report);
    await writeChecksums(made, sums);
    reportSkipped(await makeSignatures(release), report);
    await openForEveryone(made);
    await replaceRelease(made, output, join(scratch, 'former'));
    return released;
  });
}

/** A release is public, whatever the umask of the person who makes it. */
async function openForEveryone(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const file of await readdir(folder)) await chmod(join(folder, file), file === 'install.sh' ? 0o755 : 0o644);
}

/** Runs the steps, and adds what they make to `sums`, which the steps after them see. */
async function runSteps(release: Release, sums: Map<string, string>, report: ReleaseOptions['report']) {
  const released: ReleasedFile[] = [];
  for (const { name, make } of STEPS) {
    const startedAtMs = Date.now();
    const result = await make(release);
    for (const file of result.files) {
      const { sum, sizeBytes } = await sumFile(join(release.output, file));
      sums.set(file, sum);
      released.push({ file, sizeBytes });
    }
    reportSkipped(result, report);
    report(`${name}: ${result.files.length} files in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
  }
  return released;
}

function reportSkipped({ skipped = [] }: StepResult, report: ReleaseOptions['report']): void {
  for (const line of skipped) report(`skipped: ${line}`);
}
