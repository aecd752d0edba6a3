/** Writes what people read and what shells load: the manual page and the completions. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentWithoutNodeSettings, runProgram } from '../build/run.ts';
import type { Documents } from './release.ts';

/** Writes them with the program's own commands, from its sources. */
export async function writeDocuments(root: string, folder: string): Promise<Documents> {
  const write = async (name: string, ...args: readonly string[]) => {
    const path = join(folder, name);
    const program = join(root, 'src/main.ts');
    const text = await runProgram(process.execPath, [program, ...args], { env: environmentWithoutNodeSettings() });
    await writeFile(path, text);
    return path;
  };
  const [manPagePath, bash, zsh, fish, powershell] = await Promise.all([
    write('docker-credential-acr.1', 'man'),
    write('docker-credential-acr.bash', 'completion', 'bash'),
    write('_docker-credential-acr', 'completion', 'zsh'),
    write('docker-credential-acr.fish', 'completion', 'fish'),
    write('docker-credential-acr.ps1', 'completion', 'powershell'),
  ]);
  return { manPagePath, completionPaths: { bash, zsh, fish, powershell } };
}
