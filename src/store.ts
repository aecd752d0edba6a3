/** Keeps the ACR token that a client got by itself (`docker login`, `az acr login`) until its end, and forgets it. */

import { eraseCache, findCache, writeCache } from './cache.ts';
import { findRegistry } from './config.ts';
import { STORED_IDENTITY } from './credential.ts';
import { CredentialError, describeCause } from './errors.ts';
import { readExpiry } from './exchange.ts';
import type { Machine } from './machine.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from './protocol.ts';
import { quoteForeignText } from './redact.ts';

/**
 * Answers `store`.
 * @throws STORE_REFUSED: saying "Login Succeeded" of what is not kept would be a lie.
 */
export async function storeCredential(machine: Machine, { serverUrl, username, secret }: Credential): Promise<void> {
  const registry = await findRegistry(machine, serverUrl);
  const server = quoteForeignText(serverUrl, 100);
  const refuse = (what: string, hint: string) =>
    new CredentialError('STORE_REFUSED', `Cannot keep the credential of ${server}: ${what}`, { hint });
  if (registry === undefined) {
    throw refuse('it is not an Azure container registry', `remove ${server} from credHelpers in Docker's config.json`);
  }
  if (username !== TOKEN_USERNAME && username !== IDENTITY_TOKEN_USERNAME) {
    throw refuse(
      `only ACR tokens are kept, and ${quoteForeignText(username, 60)} is another user`,
      `pull without docker login: az login, or set AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID`,
    );
  }
  const expiresAtSeconds = readExpiry(secret);
  if (expiresAtSeconds === undefined) {
    throw refuse('the secret is not an ACR token', 'az acr login -n NAME --expose-token gives one');
  }
  const nowSeconds = machine.now() / 1000;
  if (expiresAtSeconds <= nowSeconds)
    throw refuse('the token has expired', 'get a new one, or pull without docker login');
  const cache = await findCache(machine);
  if (cache === undefined)
    throw refuse('there is no folder to keep it in', 'set HOME or DOCKER_CREDENTIAL_ACR_CACHE_DIR');
  const key = { service: registry.service, identity: STORED_IDENTITY, kind: 'refresh-token' };
  try {
    writeCache(cache, key, { token: secret, expiresAtSeconds, savedAtSeconds: Math.floor(nowSeconds) });
  } catch (cause) {
    throw refuse(describeCause(cause), 'set DOCKER_CREDENTIAL_ACR_CACHE_DIR to a folder that you can write in');
  }
}

/** Answers `erase`: nothing is left for the registry, in whatever form it was named. Never fails. */
export async function eraseCredential(machine: Machine, serverUrl: string): Promise<void> {
  const registry = await findRegistry(machine, serverUrl);
  const cache = await findCache(machine);
  if (registry !== undefined && cache !== undefined) eraseCache(cache, registry.service);
}
