/** Stores and erases the credentials that clients send (`docker login`, `az acr login`). */

import { findCache, storedTokenKey, writeCache } from '../cache/cache.ts';
import { eraseRegistryTokens } from '../cache/erase-tokens.ts';
import { pruneCache } from '../cache/prune.ts';
import { loadConfig } from '../config/config.ts';
import { readExpiry } from '../entra/claims.ts';
import { CredentialError, describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from '../protocol.ts';
import { createQuote, createRedactor } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { parseServerName } from '../server-name.ts';
import type { Runtime } from '../system/runtime.ts';
import { eraseLogin } from './erase-login.ts';
import { storeLogin } from './login.ts';

type Refuse = (what: string, hint: string) => CredentialError;

/**
 * Stores a credential, for the verb `store`.
 * @returns a warning for the person if this is the first secret that is stored unencrypted.
 * @throws STORE_REFUSED when the credential cannot be stored: the client must not report "Login Succeeded" then.
 * @throws CONFIG_INVALID
 */
export async function storeCredential(
  runtime: Runtime,
  credential: Credential,
  log?: Log,
): Promise<string | undefined> {
  const { serverUrl, username, secret } = credential;
  const config = await loadConfig(runtime);
  const registry = config.findRegistry(serverUrl);
  const server = createQuote(runtime)(serverUrl, 100);
  const refuse: Refuse = (what, hint) =>
    new CredentialError('STORE_REFUSED', `Cannot store the credential for ${server}: ${what}`, { hint });
  const name = parseServerName(serverUrl, registry);
  const { backend, forbiddenBy, file: configFile } = config.loginSettingsOf(registry, name);
  if (forbiddenBy !== undefined) {
    throw refuse(`${forbiddenBy} forbids it`, 'pull without docker login, or change "store" there');
  }
  if (registry !== undefined && (username === TOKEN_USERNAME || username === IDENTITY_TOKEN_USERNAME)) {
    const { isStrict, cacheTokens } = config.settingsOf(registry);
    if (isStrict || !cacheTokens) {
      const setting = isStrict ? '"strict"' : '"cacheTokens": false';
      throw refuse(`${setting} in ${configFile} forbids it`, 'pull without docker login: the identity signs in');
    }
    await storeToken(runtime, registry, secret, refuse);
    // A new login replaces the old one, even if that is of the other kind.
    const kept = await eraseLogin({ runtime, name, log });
    if (kept !== undefined)
      throw refuse(`the old login cannot be removed: ${kept}`, 'docker logout, then log in again');
    return undefined;
  }
  const listed = registry === undefined ? serverUrl : name;
  try {
    const { firstInFile } = await storeLogin({ runtime, name, backend, log }, listed, { username, secret });
    await eraseTokens(runtime, registry);
    if (firstInFile === undefined) return undefined;
    const { file, reason } = firstInFile;
    return createRedactor(runtime)(`credentials are stored unencrypted in ${file}, which only you can open: ${reason}`);
  } catch (cause) {
    if (cause instanceof CredentialError) throw cause;
    const hint =
      backend === 'keychain'
        ? `fix the keychain, or write "store": "file" in ${configFile ?? 'config.json'}`
        : 'set DOCKER_CREDENTIAL_ACR_DATA_DIR to a folder that only you can write to';
    throw refuse(describeCause(cause), hint);
  }
}

/**
 * Erases everything that is stored or cached for a server, for the verb `erase`, and the Entra tokens, which every
 * registry can use. Clients may name the server in any form. Never fails.
 * @returns a warning for the person if something could not be erased.
 */
export async function eraseCredential(runtime: Runtime, serverUrl: string, log?: Log): Promise<string | undefined> {
  let registry: Registry | undefined;
  try {
    registry = (await loadConfig(runtime)).findRegistry(serverUrl);
  } catch {
    // The configuration of its cloud has a mistake: erase what is stored under the server's name all the same.
  }
  const name = parseServerName(serverUrl, registry);
  // With `credHelpers`, `docker logout` names only the host.
  const names = name.includes('://') ? [name] : [name, `http://${name}`];
  let kept: string | undefined;
  for (const one of names) kept = (await eraseLogin({ runtime, name: one, log })) ?? kept;
  const areTokensGone = await eraseTokens(runtime, registry);
  if (kept === undefined && areTokensGone) return undefined;
  const what = kept === undefined ? 'a token' : `the login (${kept})`;
  return createRedactor(runtime)(`cannot erase ${what} of ${createQuote(runtime)(serverUrl, 100)}; it is still there`);
}

/** Stores an ACR token. It expires and is too long for some keychains, so it goes to the token cache. */
async function storeToken(runtime: Runtime, { service }: Registry, secret: string, refuse: Refuse): Promise<void> {
  const expiresAtSeconds = readExpiry(secret);
  if (expiresAtSeconds === undefined) {
    throw refuse('the secret is not an ACR token', 'get a token with: az acr login -n NAME --expose-token');
  }
  const nowSeconds = runtime.now() / 1000;
  if (expiresAtSeconds <= nowSeconds)
    throw refuse('the token has expired', 'get a new one, or pull without docker login');
  const cache = await findCache(runtime);
  if (cache === undefined)
    throw refuse('there is no folder to store it in', 'set HOME or DOCKER_CREDENTIAL_ACR_CACHE_DIR');
  try {
    writeCache(cache, storedTokenKey(service), {
      token: secret,
      expiresAtSeconds,
      savedAtSeconds: Math.floor(nowSeconds),
    });
  } catch (cause) {
    throw refuse(describeCause(cause), 'set DOCKER_CREDENTIAL_ACR_CACHE_DIR to a folder that you can write to');
  }
  pruneCache(cache, nowSeconds);
}

/** @returns whether no token is left. */
async function eraseTokens(runtime: Runtime, registry: Registry | undefined): Promise<boolean> {
  const cache = await findCache(runtime);
  if (registry === undefined || cache === undefined) return true;
  return eraseRegistryTokens(cache, registry.service, runtime.now() / 1000).isComplete;
}
