/** Releases whose archives exist only as sums. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Release, StepResult } from '../../../scripts/release/release.ts';

/** 2026-11-28T18:00:00Z. */
export const EPOCH_SECONDS = 1_795_888_800;

/** The sum of a file with its own name in it. */
export function sumOf(file: string): string {
  return createHash('sha256').update(file).digest('hex');
}

/**
 * Runs a step of a release of version 1.2.3.
 *
 * @param files what earlier steps have made.
 * @returns the step's result, and the text of each file.
 */
export async function runStep(
  step: (release: Release) => Promise<StepResult>,
  files: readonly string[],
): Promise<{ readonly result: StepResult; readonly texts: Readonly<Record<string, string>> }> {
  const output = mkdtempSync(join(tmpdir(), 'acr-release-'));
  try {
    const result = await step({
      ...{ root: output, scratch: output, output, version: '1.2.3', commit: '0123456789ab' },
      ...{ epochSeconds: EPOCH_SECONDS, isFast: true, executables: [] },
      documents: { manPagePath: '', completionPaths: { bash: '', zsh: '', fish: '', powershell: '' } },
      sums: new Map(files.map((file) => [file, sumOf(file)])),
    });
    return {
      result,
      texts: Object.fromEntries(result.files.map((file) => [file, readFileSync(join(output, file), 'utf8')])),
    };
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

/** The archives of a release of version 1.2.3 for every target. */
export const ARCHIVES: readonly string[] = ['linux', 'macos', 'windows'].flatMap((os) =>
  ['x64', 'arm64'].flatMap((cpu) =>
    ['.tar.xz', '.zip'].map((extension) => `docker-credential-acr-1.2.3-${os}-${cpu}${extension}`),
  ),
);
