/** Reads a secret that the user stored in the system's keychain, under the name that the configuration gives. */

import { describeCause } from '../../errors.ts';
import { findKeychain, listKeychains, readKeychain } from '../../system/keychain.ts';
import type { Runtime } from '../../system/runtime.ts';

/**
 * Looks for a secret in every keychain of the system.
 * @param entry the server URL of the keychain entry.
 * @returns the secret, or the reason why there is none.
 */
export async function findKeychainSecret(
  runtime: Runtime,
  entry: string,
): Promise<{ readonly secret: string } | { readonly reason: string }> {
  const reasons: string[] = [];
  for (const name of listKeychains(runtime)) {
    const program = `docker-credential-${name}`;
    const keychain = findKeychain(runtime, name);
    try {
      const login = keychain === undefined ? undefined : await readKeychain(runtime, keychain, entry, undefined);
      if (login !== undefined && login.secret !== '') return { secret: login.secret };
      reasons.push(keychain === undefined ? `${program} is not on PATH` : `${program} has no such entry`);
    } catch (cause) {
      reasons.push(describeCause(cause));
    }
  }
  return { reason: reasons.join('; ') };
}
