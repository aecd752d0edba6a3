/** The npm package: the program as plain JavaScript, and a library. */

import type { Release, StepResult } from './release.ts';

export async function makeNpmPackage(_release: Release): Promise<StepResult> {
  return { files: [] };
}
