/** Writes `SHA256SUMS`, in the format that `sha256sum --check` reads. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Sums every executable under `folder` whose name begins with `stem`. */
export async function writeChecksums(folder: string, stem: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const executables = entries
    .filter((entry) => entry.isFile() && (entry.name === stem || entry.name === `${stem}.exe`))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const lines: string[] = [];
  for (const file of executables) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    lines.push(`${hash.digest('hex')}  ${relative(folder, file).replaceAll(sep, '/')}\n`);
  }
  const scratch = join(folder, `.SHA256SUMS.${process.pid}`);
  await writeFile(scratch, lines.join(''));
  await rename(scratch, join(folder, 'SHA256SUMS'));
}
