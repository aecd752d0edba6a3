/** Packs a program with Node's own `--build-sea`, which can also fill the executable of another platform. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeProgram, type Packing, runNodeRepeatably } from './packing.ts';

/** In the folder of the program. */
const CONFIG = 'build-sea.json';

/**
 * Packs a program.
 * @throws when Node cannot put the program into the executable.
 * @see https://nodejs.org/api/single-executable-applications.html
 */
export async function packWithNode(packing: Packing): Promise<void> {
  const { folder, nodePath, generatorPath, output } = packing;
  const config = { ...describeProgram(packing), executable: nodePath, output };
  await writeFile(join(folder, CONFIG), JSON.stringify(config));
  await runNodeRepeatably(generatorPath, ['--build-sea', CONFIG], folder);
}
