/** Makes the program's code for the executables. */

import type { BundleOptions } from './bundle.ts';
import { bundleChunks, type Chunks } from './chunks.ts';
import { compileAhead } from './eager.ts';
import { findCalledFunctions } from './training.ts';

/** The program's entry file, relative to the project's root. */
export const ENTRY = 'src/main.ts';

export async function makeProgramCode(options: Omit<BundleOptions, 'entry'>): Promise<Chunks> {
  const { start, ...others } = await bundleChunks({ entry: ENTRY, ...options });
  return { start: compileAhead(start, await findCalledFunctions(process.execPath, start)), ...others };
}
