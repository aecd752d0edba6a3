/** The paths of files that the environment names. They must not depend on the working directory. */

import { isAbsolute } from 'node:path';
import { CredentialError } from '../errors.ts';
import { type Runtime, readVariable } from './runtime.ts';

/** The kind of setting that a variable belongs to. */
type SettingCode = 'CONFIG_INVALID' | 'IDENTITY_INVALID';

/**
 * Reads an environment variable that names a file. A relative path would name a file of the working directory, whose
 * author could then choose the certificates to trust or the token to sign in with.
 *
 * @param code the code of the error.
 * @returns `undefined` when it is not set or empty.
 * @throws that code when the path is relative.
 */
export function readPathVariable(runtime: Runtime, name: string, code: SettingCode): string | undefined {
  const path = readVariable(runtime, name);
  if (path !== undefined) checkAbsolutePath(path, name, code);
  return path;
}

/** @throws that code when the path, which comes from this variable, is relative. */
export function checkAbsolutePath(path: string, variable: string, code: SettingCode): void {
  if (isAbsolute(path)) return;
  const what = code === 'CONFIG_INVALID' ? `Cannot use ${variable}: it is` : `${variable} is`;
  throw new CredentialError(code, `${what} not an absolute path`, {
    hint: `set ${variable} to an absolute path, or unset it`,
  });
}
