/** Gets a registry's token for one identity: from the cache, or by signing in once for all processes that want it. */

import { type CachedToken, type CacheKey, isFresh, readCache, tokenKind } from './cache/cache.ts';
import { obtainShared } from './cache/shared-token.ts';
import type { NotSetUp } from './not-set-up.ts';
import type { SignInRequest } from './sign-in/request.ts';

/** The cache key of the token that a request is for. */
export function tokenKey({ registry, settings, identity }: SignInRequest): CacheKey {
  const { secret, scope } = settings;
  return { service: registry.service, identity: identity.description, kind: tokenKind(secret, scope) };
}

/**
 * Reads the token from the cache.
 * @returns `undefined` when there is none with as much life left as the settings require.
 */
export function readFreshToken(request: SignInRequest): CachedToken | undefined {
  const { runtime, registry, settings, identity, cache, log } = request;
  const nowSeconds = runtime.now() / 1000;
  const cached = cache === undefined ? undefined : readCache(cache, tokenKey(request), nowSeconds);
  const isHit = cached !== undefined && isFresh(cached, nowSeconds, settings.minimumLifeSeconds);
  log?.({ step: 'cache', outcome: isHit ? 'hit' : 'miss', host: registry.host, source: identity.source });
  return isHit ? cached : undefined;
}

/**
 * Signs in, or waits for another process that is signing in and returns its token.
 * @param isUsable whether a cached token can be used without renewal.
 * @returns `NotSetUp` when the identity turns out not to be set up.
 * @throws CredentialError whose message says why, without "Cannot sign in for …".
 */
export async function obtainToken(
  request: SignInRequest,
  isUsable: (cached: CachedToken) => boolean,
): Promise<string | NotSetUp> {
  const { runtime, identity, cache } = request;
  let hasSignedIn = false;
  try {
    return await obtainShared<NotSetUp>({ ...request, readSecret: identity.readSecret }, tokenKey(request), {
      isUsable,
      // Only the process that signs in loads this module; the others need no more than for a cached token.
      get: async (erasure) => {
        hasSignedIn = true;
        return (await import('./sign-in/sign-in.ts')).signIn({ ...request, erasure });
      },
    });
  } finally {
    if (hasSignedIn && cache !== undefined) (await import('./cache/prune.ts')).pruneCache(cache, runtime.now() / 1000);
  }
}
