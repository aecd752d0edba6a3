/** A secret that a person put into the system's keychain by himself, under a name that the configuration tells. */

import { describeCause } from '../../errors.ts';
import { findKeychain, listKeychains, readKeychain } from '../../system/keychain.ts';
import type { Runtime } from '../../system/runtime.ts';

/**
 * @param entry the server URL of the keychain's entry.
 * @returns the secret, or why there is none.
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
