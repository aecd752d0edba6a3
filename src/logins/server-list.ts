/** Lists the servers for which this program has a credential, as the verb `list` shows them. */

import { findCache, keyFileName, readCache, storedTokenKey } from '../cache/cache.ts';
import { TOKEN_USERNAME } from '../protocol.ts';
import { listNames } from '../system/folders.ts';
import type { Runtime } from '../system/runtime.ts';
import { listRegistries } from './docker-config.ts';
import { listEntries } from './login-index.ts';

/**
 * Lists the registries that Docker's configuration assigns to this program, the stored tokens and the stored logins.
 * Works offline, and starts no program. Never fails.
 * @returns user names by server.
 */
export async function listServers(runtime: Runtime): Promise<ReadonlyMap<string, string>> {
  const servers = new Map(listRegistries(runtime).map((host) => [host, TOKEN_USERNAME]));
  for (const service of await listTokens(runtime)) servers.set(service, TOKEN_USERNAME);
  for (const { server, username } of (await listEntries(runtime)).values()) servers.set(server, username);
  return servers;
}

/** The registries with a stored token that has not expired. */
async function listTokens(runtime: Runtime): Promise<readonly string[]> {
  const cache = await findCache(runtime);
  if (cache === undefined) return [];
  const ending = `${keyFileName(storedTokenKey(''))}.json`;
  const nowSeconds = runtime.now() / 1000;
  const services = listNames(cache.folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
  return services.filter((service) => {
    const token = readCache(cache, storedTokenKey(service), nowSeconds);
    return token !== undefined && token.expiresAtSeconds > nowSeconds;
  });
}
