/** The variables that name certificate authorities. Node and OpenSSL read them by themselves, and take any path. */

import { delimiter } from 'node:path';
import { checkAbsolutePath, readPathVariable } from '../system/path-variable.ts';
import type { Runtime } from '../system/runtime.ts';

/**
 * Checks the paths of certificate authorities. It must be called before TLS is loaded, since Node then reads the files.
 * @throws CONFIG_INVALID when a path is relative: whoever wrote the files of the working directory must not become an
 * authority.
 */
export function checkCertificatePaths(runtime: Runtime): void {
  for (const name of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']) readPathVariable(runtime, name, 'CONFIG_INVALID');
  // OpenSSL takes several folders, as in PATH.
  const folders = readPathVariable(runtime, 'SSL_CERT_DIR', 'CONFIG_INVALID')?.split(delimiter) ?? [];
  for (const folder of folders) if (folder !== '') checkAbsolutePath(folder, 'SSL_CERT_DIR', 'CONFIG_INVALID');
}
