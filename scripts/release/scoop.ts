/** The manifest for Scoop. */

import type { Release, StepResult } from './release.ts';

export async function makeScoopManifest(_release: Release): Promise<StepResult> {
  return { files: [] };
}
