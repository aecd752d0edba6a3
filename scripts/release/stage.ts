/** Lays files out in a folder as an archive or a package will hold them: only their names, modes and bytes count. */

import { chmod, copyFile, mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** One file of an archive or a package. */
export type StagedFile = {
  /** Below the folder, with `/` between its parts. */
  readonly name: string;
  readonly isExecutable?: boolean;
} & ({ readonly source: string } | { readonly text: string | Buffer });

/**
 * Copies or writes the files. Each gets the mode 0755 or 0644, whatever the umask and the mode of its source, and all
 * get one time, as do their folders.
 */
export async function stageFiles(folder: string, files: readonly StagedFile[], epochSeconds: number): Promise<void> {
  for (const file of files) {
    const path = join(folder, file.name);
    await mkdir(dirname(path), { recursive: true });
    if ('source' in file) await copyFile(file.source, path);
    else await writeFile(path, file.text);
    await chmod(path, file.isExecutable === true ? 0o755 : 0o644);
    await utimes(path, epochSeconds, epochSeconds);
  }
  const folders = listFolders(files.map(({ name }) => name)).map((name) => join(folder, name));
  for (const path of [...folders, folder]) {
    await chmod(path, 0o755);
    await utimes(path, epochSeconds, epochSeconds);
  }
}

function listFolders(names: readonly string[]): readonly string[] {
  const parents = (name: string): readonly string[] => {
    const parent = dirname(name);
    return parent === '.' ? [] : [parent, ...parents(parent)];
  };
  return [...new Set(names.flatMap(parents))];
}
