/** The cold path: signs in with an identity of this machine, and gets a token from the registry. */

import { type CachedToken, isFresh } from '../cache/cache.ts';
import { type ExpiringToken, obtainShared } from '../cache/shared-token.ts';
import { type EntraToken, obtainEntraToken } from '../entra/entra-token.ts';
import { CredentialError } from '../errors.ts';
import { isNotSetUp, type NotSetUp } from '../not-set-up.ts';
import type { SignInRequest } from './request.ts';
import { Session } from './session.ts';

/**
 * Signs in and gets the token that the registry's settings ask for: a refresh token, or an access token for a scope.
 * @returns `NotSetUp` when the identity turns out not to exist on this machine.
 * @throws CredentialError when the sign-in or a request to the registry fails.
 */
export async function signIn(request: SignInRequest): Promise<ExpiringToken | NotSetUp> {
  const session = new Session(request);
  try {
    if (request.settings.secret !== 'access-token') return await requestRefreshToken(request, session);
    return await requestScopedToken(request, session);
  } finally {
    session.close();
  }
}

async function requestRefreshToken(request: SignInRequest, session: Session): Promise<ExpiringToken | NotSetUp> {
  const { runtime, registry, settings, log } = request;
  const entraToken = await requestEntraToken(request, session);
  if (isNotSetUp(entraToken)) return entraToken;
  const { exchangeToken } = await import('../acr/exchange.ts');
  const { http } = await session.open([]);
  try {
    return await exchangeToken(runtime, http, registry, entraToken.token, settings.tenantId);
  } catch (cause) {
    // The identity may have changed since the token was issued; a new token reflects that.
    if (!entraToken.isCached || !isTokenRefused(cause)) throw cause;
    log?.({ step: 'sign-in', outcome: 'kept-token-refused', host: registry.host });
  }
  const renewed = await requestEntraToken(request, session, entraToken.token);
  return isNotSetUp(renewed) ? renewed : await exchangeToken(runtime, http, registry, renewed.token, settings.tenantId);
}

/**
 * Gets the Entra token of a request's identity, for the audience that its registry wants.
 * @param refused a token that the registry did not accept.
 * @returns `NotSetUp` when the identity turns out not to exist on this machine.
 * @throws the error of the identity; BUSY when another process is still signing in at the deadline.
 */
export function requestEntraToken(
  request: SignInRequest,
  session: Session,
  refused?: string,
): Promise<EntraToken | NotSetUp> {
  const { registry, settings, identity } = request;
  const { source, description, origins, readSecret } = identity;
  const getToken = async (audience: string) => identity.getToken({ ...(await session.open(origins)), audience });
  return obtainEntraToken(
    {
      ...request,
      cloud: registry.cloud,
      identity: { source, description, getToken, ...(readSecret === undefined ? {} : { readSecret }) },
      audience: settings.identity?.audience,
      isCacheable: settings.cacheEntraTokens,
      // Meanwhile, the connection to the registry can be opened.
      onWait: () => void (origins === undefined ? undefined : session.open([]).catch(() => {})),
    },
    refused,
  );
}

async function requestScopedToken(request: SignInRequest, session: Session): Promise<ExpiringToken | NotSetUp> {
  const { runtime, registry, settings, identity } = request;
  const key = { service: registry.service, identity: identity.description, kind: 'refresh-token' };
  const obtainRefreshToken = (refused?: string) =>
    obtainShared<NotSetUp>({ ...request, readSecret: identity.readSecret }, key, {
      isUsable: (cached: CachedToken) => isFresh(cached, runtime.now() / 1000),
      get: () => requestRefreshToken(request, session),
      refused,
    });
  const refreshToken = await obtainRefreshToken();
  if (isNotSetUp(refreshToken)) return refreshToken;
  const { requestAccessToken } = await import('../acr/access-token.ts');
  const { http } = await session.open([]);
  try {
    return await requestAccessToken(runtime, http, registry, refreshToken, settings.scope);
  } catch (cause) {
    // A registry revokes all its tokens when it changes between RBAC and ABAC mode, including the cached one.
    if (!isTokenRefused(cause)) throw cause;
  }
  const renewed = await obtainRefreshToken(refreshToken);
  return isNotSetUp(renewed) ? renewed : await requestAccessToken(runtime, http, registry, renewed, settings.scope);
}

function isTokenRefused(cause: unknown): boolean {
  return cause instanceof CredentialError && cause.code === 'TOKEN_REFUSED';
}
