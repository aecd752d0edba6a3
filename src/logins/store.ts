/** Keeps what a client brings (`docker login`, `az acr login`), and forgets it. */

import { eraseCache, findCache, STORED_IDENTITY, writeCache } from '../cache/cache.ts';
import { loadConfig } from '../config/config.ts';
import { readExpiry } from '../entra/claims.ts';
import { CredentialError, describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from '../protocol.ts';
import { createRedactor, quoteForeignText } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { parseServerName } from '../server-name.ts';
import type { Runtime } from '../system/runtime.ts';
import { forgetLogin, keepLogin } from './login.ts';

type Refuse = (what: string, hint: string) => CredentialError;

/**
 * Answers `store`.
 * @returns a warning for the person, when this is the first secret that is kept in the clear.
 * @throws STORE_REFUSED: saying "Login Succeeded" of what is not kept would be a lie.
 */
export async function storeCredential(
  runtime: Runtime,
  credential: Credential,
  log?: Log,
): Promise<string | undefined> {
  const { serverUrl, username, secret } = credential;
  const config = await loadConfig(runtime);
  const registry = config.findRegistry(serverUrl);
  const server = quoteForeignText(serverUrl, 100);
  const refuse: Refuse = (what, hint) =>
    new CredentialError('STORE_REFUSED', `Cannot keep the credential of ${server}: ${what}`, { hint });
  const name = parseServerName(serverUrl, registry);
  const { backend, forbiddenBy, file: configFile } = config.loginSettingsOf(registry, name);
  if (forbiddenBy !== undefined) {
    throw refuse(`${forbiddenBy} forbids it`, 'pull without docker login, or remove "store": false');
  }
  if (registry !== undefined && (username === TOKEN_USERNAME || username === IDENTITY_TOKEN_USERNAME)) {
    await storeToken(runtime, registry, secret, refuse);
    // A login replaces the one before, of whatever kind.
    await forgetLogin({ runtime, name, log });
    return undefined;
  }
  const listed = registry === undefined ? serverUrl : name;
  try {
    const { firstInFile } = await keepLogin({ runtime, name, backend, log }, listed, { username, secret });
    await forgetTokens(runtime, registry);
    if (firstInFile === undefined) return undefined;
    const { file, reason } = firstInFile;
    return createRedactor(runtime)(`credentials are kept unencrypted in ${file}, which only you can open: ${reason}`);
  } catch (cause) {
    if (cause instanceof CredentialError) throw cause;
    const hint =
      backend === 'keychain'
        ? `make the keychain work, or write "store": "file" in ${configFile ?? 'config.json'}`
        : 'set DOCKER_CREDENTIAL_ACR_DATA_DIR to a folder that only you can write in';
    throw refuse(describeCause(cause), hint);
  }
}

/**
 * Answers `erase`: nothing is left for the server, stored or cached, in whatever form it was named. Never fails.
 */
export async function eraseCredential(runtime: Runtime, serverUrl: string, log?: Log): Promise<void> {
  let registry: Registry | undefined;
  try {
    registry = (await loadConfig(runtime)).findRegistry(serverUrl);
  } catch {
    // A mistake in the configuration of its cloud: what is kept by its name goes all the same.
  }
  await forgetLogin({ runtime, name: parseServerName(serverUrl, registry), log });
  await forgetTokens(runtime, registry);
}

/** An ACR token ends by itself, and is too long for some keychains: it is kept with the others. */
async function storeToken(runtime: Runtime, { service }: Registry, secret: string, refuse: Refuse): Promise<void> {
  const expiresAtSeconds = readExpiry(secret);
  if (expiresAtSeconds === undefined) {
    throw refuse('the secret is not an ACR token', 'az acr login -n NAME --expose-token gives one');
  }
  const nowSeconds = runtime.now() / 1000;
  if (expiresAtSeconds <= nowSeconds)
    throw refuse('the token has expired', 'get a new one, or pull without docker login');
  const cache = await findCache(runtime);
  if (cache === undefined)
    throw refuse('there is no folder to keep it in', 'set HOME or DOCKER_CREDENTIAL_ACR_CACHE_DIR');
  const key = { service, identity: STORED_IDENTITY, kind: 'refresh-token' };
  try {
    writeCache(cache, key, { token: secret, expiresAtSeconds, savedAtSeconds: Math.floor(nowSeconds) });
  } catch (cause) {
    throw refuse(describeCause(cause), 'set DOCKER_CREDENTIAL_ACR_CACHE_DIR to a folder that you can write in');
  }
}

async function forgetTokens(runtime: Runtime, registry: Registry | undefined): Promise<void> {
  const cache = await findCache(runtime);
  if (registry !== undefined && cache !== undefined) eraseCache(cache, registry.service);
}
