/** The manifests for winget. */

import type { Release, StepResult } from './release.ts';

export async function makeWingetManifests(_release: Release): Promise<StepResult> {
  return { files: [] };
}
