/** Renews a cached token before it expires, in a background process that a `get` starts. */

import { isAbsolute } from 'node:path';
import { findCache, readCache, storedTokenKey } from './cache/cache.ts';
import { readErasure } from './cache/erasure.ts';
import { isRenewalDue } from './cache/renewal.ts';
import { loadConfig } from './config/config.ts';
import { BUDGET_MS } from './credential.ts';
import { describeEnd } from './errors.ts';
import { isSkipped, searchIdentities } from './identity/chain.ts';
import type { Log } from './log.ts';
import { findEntry } from './logins/login-index.ts';
import { obtainToken, readFreshToken } from './registry-token.ts';
import { parseServerName } from './server-name.ts';
import { readClockMs } from './system/clock.ts';
import { type Runtime, readVariable } from './system/runtime.ts';
import { chooseSettings, findWantedRegistry, type WantedCredential } from './wanted-credential.ts';

/**
 * Renews a token in a process that nobody waits for: in time, and without a word except in the log. Never throws.
 * @param wanted what the caller wanted that started this process.
 */
export async function renewInBackground(
  runtime: Runtime,
  serverUrl: string,
  log: Log | undefined,
  wanted: WantedCredential = {},
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, BUDGET_MS); // the process must end, whatever hangs
  });
  const renewed = renewToken(runtime, serverUrl, BUDGET_MS, log, wanted).catch((cause: unknown) =>
    log?.({ step: 'end', outcome: 'not-renewed', ...describeEnd(cause) }),
  );
  await Promise.race([renewed, timeout]);
  clearTimeout(timer);
}

/**
 * Opens the log of a process in the background. A relative path was meant for the client's working directory, which is
 * not the one of this process.
 */
export async function openBackgroundLog(runtime: Runtime): Promise<Log | undefined> {
  if (!isAbsolute(readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_LOG') ?? '')) return undefined;
  return (await import('./log.ts')).openRequestedLog(runtime);
}

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
