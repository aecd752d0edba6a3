/** Writes `SHA256SUMS`, in the format that `sha256sum --check` reads. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The name of the file with the sums. */
export const CHECKSUMS = 'SHA256SUMS';

export interface FileSum {
  /** SHA-256 in hexadecimal digits. */
  readonly sum: string;
  readonly sizeBytes: number;
}

export async function sumFile(path: string): Promise<FileSum> {
  const hash = createHash('sha256');
  const stream = createReadStream(path);
  await pipeline(stream, hash);
  return { sum: hash.digest('hex'), sizeBytes: stream.bytesRead };
}

/** @param sums by the path of the file below `folder`, with `/` between its parts. */
export async function writeChecksums(folder: string, sums: ReadonlyMap<string, string>): Promise<void> {
  const lines = [...sums]
    .map(([file, sum]) => `${sum}  ${file}\n`)
    .sort((one, other) => (one.slice(66) < other.slice(66) ? -1 : 1));
  const scratch = join(folder, `.${CHECKSUMS}.${process.pid}`);
  await writeFile(scratch, lines.join(''));
  await rename(scratch, join(folder, CHECKSUMS));
}
