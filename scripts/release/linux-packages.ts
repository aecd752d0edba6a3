/** Packages for Debian, for Fedora and its relatives, and for Arch Linux. */

import type { Release, StepResult } from './release.ts';

export async function makeLinuxPackages(_release: Release): Promise<StepResult> {
  return { files: [] };
}
