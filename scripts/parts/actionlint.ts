/** actionlint, which checks workflows and actions of GitHub. */
import { join } from 'node:path';
import { type GoProgram, installPrograms } from './go-programs.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

const ACTIONLINT: GoProgram = {
  name: 'actionlint',
  source: 'github.com/rhysd/actionlint/cmd/actionlint',
  version: 'v1.7.12',
};

/** The program, once it is installed. */
export const ACTIONLINT_PROGRAM = join(PARTS_FOLDER, 'bin', ACTIONLINT.name);

/** Builds it with Go, unless it is there. */
export function installActionlint(): Promise<readonly PartReport[]> {
  return installPrograms([ACTIONLINT]);
}
