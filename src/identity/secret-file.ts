/** Reads the files with the secrets that identities sign in with. */

import { CredentialError, describeCause } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { readForeignFile } from '../system/files.ts';

const MAX_BYTES = 256 * 1024;

/**
 * Reads a file that contains a secret.
 * @param what the kind of secret, for the error: "client secret".
 * @returns the whole text, including any line end at the end.
 * @throws IDENTITY_INVALID when the file does not exist, cannot be read, is too large or is blank.
 */
export function readSecretFile(file: string, what: string): string {
  const fail = (problem: string) =>
    new CredentialError('IDENTITY_INVALID', problem, { hint: `ls -l ${shellWord(file)}` });
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_BYTES);
  } catch (cause) {
    throw fail(`the ${what} in ${file} cannot be read (${describeCause(cause)})`);
  }
  if (text === undefined) throw fail(`there is no file ${file}, which should hold the ${what}`);
  if (text.trim() === '') throw fail(`there is no ${what} in ${file}`);
  return text;
}

/**
 * Reads a file that contains a secret, to tell one secret from another.
 * @returns the whole text; the path when the file cannot be read.
 */
export function identifySecretFile(file: string): string {
  try {
    return readForeignFile(file, MAX_BYTES) ?? file;
  } catch {
    return file;
  }
}
