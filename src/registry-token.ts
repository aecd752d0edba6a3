/** A registry's token for one identity: from the cache, or signed in for once by one of all the processes that want it. */

import { type CachedToken, type CacheKey, isFresh, readCache, tokenKind } from './cache/cache.ts';
import { obtainShared } from './cache/shared-token.ts';
import type { NotSetUp } from './not-set-up.ts';
import type { SignInRequest } from './sign-in/request.ts';

export function tokenKey({ registry, settings, identity }: SignInRequest): CacheKey {
  const { secret, scope } = settings;
  return { service: registry.service, identity: identity.description, kind: tokenKind(secret, scope) };
}

/** @returns the token of the cache, with as much life left as the settings ask for. */
export function readFreshToken(request: SignInRequest): CachedToken | undefined {
  const { runtime, registry, settings, identity, cache, log } = request;
  const nowSeconds = runtime.now() / 1000;
  const cached = cache === undefined ? undefined : readCache(cache, tokenKey(request), nowSeconds);
  const isHit = cached !== undefined && isFresh(cached, nowSeconds, settings.minimumLifeSeconds);
  log?.({ step: 'cache', outcome: isHit ? 'hit' : 'miss', host: registry.host, source: identity.source });
  return isHit ? cached : undefined;
}

/**
 * Signs in, unless another process does and has a token first.
 * @param isUsable whether a token of the cache need not be renewed.
 * @returns `NotSetUp` when the identity is not there after all.
 * @throws CredentialError that tells what is the case, without "Cannot sign in for …".
 */
export function obtainToken(
  request: SignInRequest,
  isUsable: (cached: CachedToken) => boolean,
): Promise<string | NotSetUp> {
  return obtainShared<NotSetUp>({ ...request, readSecret: request.identity.readSecret }, tokenKey(request), {
    isUsable,
    // Loaded only by the process that signs in: the others need what a cached answer needs.
    get: async () => (await import('./sign-in/sign-in.ts')).signIn(request),
  });
}
