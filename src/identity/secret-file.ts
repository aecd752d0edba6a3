/** Files that hold what an identity signs in with. */

import { CredentialError, describeCause } from '../errors.ts';
import { readForeignFile } from '../system/files.ts';

const MAX_BYTES = 256 * 1024;

/**
 * @param what is in it, such as "client secret".
 * @returns the whole text, which is not blank.
 * @throws IDENTITY_INVALID when it is not there or cannot be read.
 */
export function readSecretFile(file: string, what: string): string {
  const fail = (problem: string) => new CredentialError('IDENTITY_INVALID', problem, { hint: `ls -l ${file}` });
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
