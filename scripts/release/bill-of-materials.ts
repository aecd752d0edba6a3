/** The CycloneDX bill of materials of each executable. */

import type { Release, StepResult } from './release.ts';

export async function makeBillsOfMaterials(_release: Release): Promise<StepResult> {
  return { files: [] };
}
