/** Renews a cached token before it expires, in a background process that a `get` starts. */

import { findCache, readCache, storedTokenKey } from './cache/cache.ts';
import { readErasure } from './cache/erasure.ts';
import { isRenewalDue } from './cache/renewal.ts';
import { loadConfig } from './config/config.ts';
import { isSkipped, searchIdentities } from './identity/chain.ts';
import type { Log } from './log.ts';
import { findEntry } from './logins/login-index.ts';
import { obtainToken, readFreshToken } from './registry-token.ts';
import { parseServerName } from './server-name.ts';
import { readClockMs } from './system/clock.ts';
import type { Runtime } from './system/runtime.ts';
import { chooseSettings, findWantedRegistry, type WantedCredential } from './wanted-credential.ts';

/**
 * Renews the token that `get` would return, if its renewal is due. Does nothing for a registry with a stored login or
 * without a cached token.
 * @param budgetMs how long the renewal may take.
 * @param wanted what the `get` wanted.
 * @throws CredentialError when the renewal fails.
 */
export async function renewToken(
  runtime: Runtime,
  serverUrl: string,
  budgetMs: number,
  log: Log | undefined,
  wanted: WantedCredential = {},
): Promise<void> {
  const config = await loadConfig(runtime);
  const registry = findWantedRegistry(config, serverUrl, wanted);
  const cache = await findCache(runtime);
  if (registry === undefined || cache === undefined) return;
  const erasure = readErasure(cache);
  const settings = chooseSettings(config, registry, wanted);
  const { identity: chosen, tenantId, minimumLifeSeconds, isStrict } = settings;
  if (!settings.cacheTokens || settings.anonymous || (isStrict && chosen === undefined)) return;
  const nowSeconds = () => runtime.now() / 1000;
  const isLoggedIn =
    wanted.identity === undefined &&
    ((await findEntry(runtime, parseServerName(serverUrl, registry))) !== undefined ||
      (readCache(cache, storedTokenKey(registry.service), nowSeconds())?.expiresAtSeconds ?? 0) > nowSeconds());
  if (isLoggedIn && !isStrict) return;
  const deadlineMs = readClockMs() + budgetMs;
  for (const identity of searchIdentities({ runtime, registry, tenantId, chosen })) {
    if (isSkipped(identity)) continue;
    const request = { runtime, registry, settings, identity, cache, erasure, deadlineMs, log };
    const cached = readFreshToken(request);
    if (cached === undefined) continue; // a token that was erased in the meantime must not come back
    const isDue = (token: typeof cached) => isRenewalDue(token, nowSeconds(), minimumLifeSeconds);
    if (isDue(cached)) await obtainToken(request, (found) => !isDue(found));
    return;
  }
}
