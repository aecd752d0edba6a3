/** The archives of each target: the executable with its licences, manual page and completions. */

import type { Release, StepResult } from './release.ts';

export async function makeArchives(_release: Release): Promise<StepResult> {
  return { files: [] };
}
