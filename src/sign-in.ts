/** The cold path: an identity of this machine becomes a token of the registry. */

import { type Cache, type CacheKey, isFresh, nameKind, readCache, writeCache } from './cache.ts';
import { REGISTRY_AUDIENCE } from './clouds.ts';
import type { RegistrySettings } from './config.ts';
import { describeCause } from './errors.ts';
import { exchangeToken, type RegistryToken, requestAccessToken } from './exchange.ts';
import { createHttp, type HttpClient } from './http.ts';
import { type Identity, isNotSetUp, type NotSetUp } from './identity/identity.ts';
import type { Log } from './log.ts';
import type { Machine } from './machine.ts';
import type { Registry } from './registry.ts';
import { flySingle } from './single-flight.ts';

/** What a sign-in works with. */
export interface SignInTools {
  readonly machine: Machine;
  readonly http: HttpClient;
  /** What the Entra token is for, without `/.default`. */
  readonly audience: string;
  /** The beginning of every error's text: "Cannot sign in for …". */
  readonly purpose: string;
  /** When everything has to be over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

export interface SignInRequest {
  readonly machine: Machine;
  readonly registry: Registry;
  readonly settings: RegistrySettings;
  readonly identity: Identity;
  readonly cache: Cache | undefined;
  /** When everything has to be over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/**
 * Gets the token that the registry's settings ask for, from the cache or by signing in, one process at a time.
 * @returns `NotSetUp` when the identity is not there after all.
 * @throws CredentialError
 */
export async function obtainToken(request: SignInRequest): Promise<string | NotSetUp> {
  const { machine, registry, settings, deadlineMs, log } = request;
  const http = createHttp(machine, { deadlineMs, log });
  const purpose = `Cannot sign in for ${registry.host}`;
  const tools: SignInTools = { machine, http, audience: REGISTRY_AUDIENCE, purpose, deadlineMs, log };
  try {
    const refresh = () => obtainRefreshToken(request, tools);
    if (settings.secret !== 'access-token') return await refresh();
    return await obtain(request, tools, keyOf(request, nameKind(settings.secret, settings.scope)), async () => {
      const refreshToken = await refresh();
      if (isNotSetUp(refreshToken)) return refreshToken;
      return await requestAccessToken(tools, registry, refreshToken, settings.scope);
    });
  } finally {
    http.close();
  }
}

function obtainRefreshToken(request: SignInRequest, tools: SignInTools): Promise<string | NotSetUp> {
  const { registry, settings, identity } = request;
  return obtain(request, tools, keyOf(request, 'refresh-token'), async () => {
    const entraToken = await identity.getToken(tools);
    if (isNotSetUp(entraToken)) return entraToken;
    return await exchangeToken(tools, registry, entraToken, settings.tenantId);
  });
}

function keyOf({ registry, identity }: SignInRequest, kind: string): CacheKey {
  return { service: registry.service, identity: identity.description, kind };
}

/** Answers from the cache, else gets the token once for all processes that wait for it, and keeps it. */
async function obtain(
  { machine, identity, cache, log }: SignInRequest,
  tools: SignInTools,
  key: CacheKey,
  get: () => Promise<RegistryToken | NotSetUp>,
): Promise<string | NotSetUp> {
  const nowSeconds = () => machine.now() / 1000;
  const read = () => (cache === undefined ? undefined : readCache(cache, key, nowSeconds()));
  return await flySingle<string | NotSetUp>(cache, key, {
    secret: identity.secret ?? '',
    deadlineMs: tools.deadlineMs,
    log,
    peek: () => {
      const cached = read();
      return cached !== undefined && isFresh(cached, nowSeconds()) ? cached.token : undefined;
    },
    run: async () => {
      let found: RegistryToken | NotSetUp;
      try {
        found = await get();
      } catch (cause) {
        // The old token is good to its last second; only a failure that leaves nothing is one.
        const old = read();
        if (old === undefined || old.expiresAtSeconds <= nowSeconds()) throw cause;
        log?.({ step: 'sign-in', outcome: 'old-token', reason: describeCause(cause) });
        return old.token;
      }
      if (isNotSetUp(found)) return found;
      keep(cache, key, found, nowSeconds(), log);
      return found.token;
    },
  });
}

/** A token is kept until its own end; one that does not tell its end is good for this answer only. */
function keep(
  cache: Cache | undefined,
  key: CacheKey,
  { token, expiresAtSeconds }: RegistryToken,
  now: number,
  log?: Log,
): void {
  if (cache === undefined || expiresAtSeconds === undefined) return;
  try {
    writeCache(cache, key, { token, expiresAtSeconds, savedAtSeconds: Math.floor(now) });
    log?.({ step: 'cache', outcome: 'saved', expiresAtSeconds });
  } catch (cause) {
    log?.({ step: 'cache', outcome: 'not-saved', reason: describeCause(cause) });
  }
}
