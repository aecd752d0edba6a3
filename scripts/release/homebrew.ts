/** The formula for Homebrew. */

import type { Release, StepResult } from './release.ts';

export async function makeHomebrewFormula(_release: Release): Promise<StepResult> {
  return { files: [] };
}
