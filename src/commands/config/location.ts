/** Where the configuration file is, and what decides that. */

import { existsSync } from 'node:fs';
import { CredentialError } from '../../errors.ts';
import { findConfigFile } from '../../system/paths.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';

/** The configuration file of this machine. */
export interface ConfigLocation {
  readonly file: string;
  /** Whether the person named the file, so that it must exist. */
  readonly isExplicit: boolean;
  readonly exists: boolean;
  /** The variable that names the file or its folder; `undefined` where it is in its default place. */
  readonly namedBy: string | undefined;
}

/**
 * Finds the configuration file, whether it exists or not.
 * @throws CONFIG_INVALID when no variable names a file, and there is no home folder.
 */
export async function locateConfig(runtime: Runtime): Promise<ConfigLocation> {
  const found = await findConfigFile(runtime);
  if (found === undefined) {
    throw new CredentialError('CONFIG_INVALID', 'Cannot find the configuration: there is no home folder', {
      hint: 'set DOCKER_CREDENTIAL_ACR_CONFIG to the absolute path of a file',
    });
  }
  const { file, isExplicit } = found;
  const namedBy = isExplicit ? 'DOCKER_CREDENTIAL_ACR_CONFIG' : findFolderVariable(runtime);
  return { file, isExplicit, exists: existsSync(file), namedBy };
}

function findFolderVariable(runtime: Runtime): string | undefined {
  if (runtime.platform === 'darwin') return undefined;
  const variable = runtime.platform === 'win32' ? 'APPDATA' : 'XDG_CONFIG_HOME';
  return readVariable(runtime, variable) === undefined ? undefined : variable;
}
