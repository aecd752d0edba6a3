/** Detached signatures of the checksums, when there is a key. */

import type { Release, StepResult } from './release.ts';

export async function makeSignatures(_release: Release): Promise<StepResult> {
  return { files: [] };
}
