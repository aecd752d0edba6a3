/** Makes the program's code for the executables. */

import { bundleChunks, type Chunks } from './chunks.ts';
import { compileAhead } from './eager.ts';
import { findCalledFunctions } from './training.ts';

/** The program's entry file, relative to the project's root. */
export const ENTRY = 'src/main.ts';

export async function makeProgramCode(root: string, nodeVersion: string): Promise<Chunks> {
  const { start, parts } = await bundleChunks({ entry: ENTRY, root, nodeVersion });
  return { start: compileAhead(start, await findCalledFunctions(process.execPath, start)), parts };
}
