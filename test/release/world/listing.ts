/** The files of a folder, to compare what a package leaves behind. */
import { lstatSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Lists everything below a folder by its path, with type and mode; `without` are folders that are left out. */
export function listTree(folder: string, without: readonly string[] = []): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !without.some((name) => `${path}/`.startsWith(`${join(folder, name)}/`)))
    .map((path) => `${relative(folder, path)} ${lstatSync(path).mode.toString(8)}`)
    .sort();
}
