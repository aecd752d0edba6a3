/** The environment of the programs that this one runs. They need none of its secrets. */

import { listSecrets, SECRET_VARIABLES } from '../redact.ts';
import type { Runtime } from './runtime.ts';

/** Lists the environment variables without the secrets that this program reads from them. */
export function withoutSecrets(runtime: Runtime): Record<string, string> {
  // On Windows, the case of a name does not matter.
  const fold = (name: string) => (runtime.platform === 'win32' ? name.toUpperCase() : name);
  const names = new Set([...SECRET_VARIABLES, ...runtime.secretVariables].map(fold));
  const secrets = new Set([...listSecrets(runtime), ...runtime.secrets]);
  return Object.fromEntries(
    Object.entries(runtime.env).flatMap(([name, value]) =>
      value === undefined || names.has(fold(name)) || secrets.has(value) ? [] : [[name, value]],
    ),
  );
}
