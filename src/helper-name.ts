/** The names by which the configurations of clients call this program. */

import type { Runtime } from './system/runtime.ts';

/** Clients put it before the name of a helper. */
export const HELPER_PREFIX = 'docker-credential-';

/** How the name begins by which a kubelet calls this program. A kubelet needs one name for each of its configurations. */
export const PROVIDER_PREFIX = 'acr-credential-provider';

/** The name of this program as a helper, such as `acr`: what follows the prefix. */
export function helperNameOf({ programName }: Runtime): string {
  return programName.slice(HELPER_PREFIX.length);
}

/** Every name that a client's configuration may have for this program: its own, and the one it was called by. */
export function listHelperNames(runtime: Runtime): readonly string[] {
  return ['acr', helperNameOf(runtime)];
}
