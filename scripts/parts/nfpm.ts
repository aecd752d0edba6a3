/** nfpm, which makes the packages for Debian and Arch Linux. */
import { join } from 'node:path';
import { type GoProgram, installPrograms } from './go-programs.ts';
import { PARTS_FOLDER, type PartReport } from './part.ts';

/** Later releases need a module that not every proxy has. */
const NFPM: GoProgram = { name: 'nfpm', source: 'github.com/goreleaser/nfpm/v2/cmd/nfpm', version: 'v2.45.2' };

export const NFPM_PROGRAM = join(PARTS_FOLDER, 'bin', NFPM.name);

/** Builds it with Go if it is missing. */
export async function installNfpm(): Promise<PartReport> {
  const [report] = await installPrograms([NFPM]);
  return report ?? { part: NFPM.name, state: 'missing', detail: 'it was not built' };
}
