/** Reads small texts of a node, byte for byte. */

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { readErrorCode } from '../../errors.ts';
import { decodeText } from '../../system/person-file.ts';

const { O_NONBLOCK = 0, O_RDONLY } = constants;
const MAX_BYTES = 1024 * 1024;

/** The SHA-256 of a text in hexadecimal digits. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Reads a small text of a node, whose bytes are exactly those of the text.
 * @returns `undefined` when there is no such file.
 * @throws the system's error; an error without a code when it is no regular file, too large, or no text.
 */
export function readText(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, O_RDONLY | O_NONBLOCK);
  } catch (cause) {
    const code = readErrorCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw cause;
  }
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) throw new Error('it is a folder; name a file in it');
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return decodeText(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}
