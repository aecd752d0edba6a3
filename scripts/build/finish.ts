/** Finishes an executable after the program is in it, as its platform needs. */

import { PROGRAM } from '../release/project.ts';
import { setLibraryPath } from './elf.ts';
import { signFileAdHoc } from './macho-signature.ts';
import type { Target } from './target.ts';
import { describeFile } from './windows-version.ts';

export interface Finish {
  /** What was done, or why it was not, such as `library path: yes`. */
  readonly text: string;
  /** Whether a release may contain the executable. */
  readonly isComplete: boolean;
}

/** @throws when the executable is damaged. */
export async function finishExecutable(file: string, target: Target, nodeVersion: string): Promise<Finish> {
  if (target.os === 'macos') {
    await signFileAdHoc(file, PROGRAM);
    return { text: 'signed ad hoc', isComplete: true };
  }
  if (target.os === 'win') {
    await describeFile(file, nodeVersion);
    return { text: 'version information', isComplete: true };
  }
  const missing = await setLibraryPath(file, target);
  return {
    text: `library path: ${missing === undefined ? 'yes' : `no, ${missing}`}`,
    isComplete: missing === undefined,
  };
}
