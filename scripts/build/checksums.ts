/** Writes `SHA256SUMS`, in the format that `sha256sum --check` reads. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** @param files the files to sum, all inside `folder`, to which the sums are written. */
export async function writeChecksums(folder: string, files: readonly string[]): Promise<void> {
  const lines: string[] = [];
  for (const file of files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    lines.push(`${hash.digest('hex')}  ${relative(folder, file).replaceAll(sep, '/')}\n`);
  }
  const scratch = join(folder, `.SHA256SUMS.${process.pid}`);
  await writeFile(scratch, lines.join(''));
  await rename(scratch, join(folder, 'SHA256SUMS'));
}
