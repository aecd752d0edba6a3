/** Random bytes that nobody can guess. */

import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Reads random bytes from the system. Node's own module for them takes milliseconds to load, so it serves only the
 * systems without `/dev/urandom`.
 * @returns twice as many hexadecimal digits.
 */
export function readRandomHex(bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  let descriptor: number | undefined;
  try {
    descriptor = openSync('/dev/urandom', 'r');
    if (readSync(descriptor, buffer, 0, bytes, null) === bytes) return buffer.toString('hex');
  } catch {
    // Windows, or a container without devices.
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  return process.getBuiltinModule('node:crypto').randomBytes(bytes).toString('hex');
}
