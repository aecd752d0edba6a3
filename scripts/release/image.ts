/** The container image. */

import type { Release, StepResult } from './release.ts';

export async function makeImage(_release: Release): Promise<StepResult> {
  return { files: [] };
}
