/** The script that installs a release on Linux and macOS. */

import type { Release, StepResult } from './release.ts';

export async function makeInstallScript(_release: Release): Promise<StepResult> {
  return { files: [] };
}
