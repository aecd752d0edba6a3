/** What a token says of itself. Nobody but its issuer's own servers checks that, so nothing is decided by it. */

import { decodeJwt } from 'jose/jwt/decode';

export type Claims = Readonly<Record<string, unknown>>;

/** @returns no claims when the token cannot be read. */
export function readClaims(token: string): Claims {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}

/** @returns the end of a token in seconds since the epoch; `undefined` for one that does not say it. */
export function readExpiry(token: string): number | undefined {
  const { exp } = readClaims(token);
  return typeof exp === 'number' && Number.isFinite(exp) ? exp : undefined;
}

/** Whom a token is for: one, several or nobody. */
export function readAudiences({ aud }: Claims): readonly unknown[] {
  return [aud ?? []].flat();
}
