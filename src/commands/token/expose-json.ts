/** Formats a token as `az acr login --expose-token` does, so that scripts can read either. */

import type { ExposedToken } from './find-token.ts';

/**
 * Formats the object with the Azure CLI's keys, in its order. As there, `accessToken` is the password, whatever kind of
 * token it is. `refreshToken` is left out if it is no refresh token.
 */
export function formatExposedToken({ loginServer, username, secret, kind }: ExposedToken): string {
  const refresh = kind === 'refresh-token' ? { refreshToken: secret } : {};
  return `${JSON.stringify({ accessToken: secret, loginServer, ...refresh, username }, undefined, 2)}\n`;
}
