/** Reads the claims of a token without checking its signature. They must not decide whether to trust the token. */

import { decodeJwt } from 'jose/jwt/decode';

/** The payload of a JWT, not verified. */
export type Claims = Readonly<Record<string, unknown>>;

/** JavaScript has no later date. @see https://tc39.es/ecma262/#sec-time-values-and-time-range */
const MAX_DATE_SECONDS = 8.64e12;

/**
 * Decodes the claims of a JWT.
 * @returns an empty object when the token is not a JWT.
 */
export function readClaims(token: string): Claims {
  try {
    return decodeJwt(token);
  } catch {
    return {};
  }
}

/**
 * Reads when a token expires. An expiry beyond any date is the last or the first date.
 * @returns seconds since the epoch; `undefined` when the token is not a JWT or has no `exp` claim.
 */
export function readExpiry(token: string): number | undefined {
  const { exp } = readClaims(token);
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return undefined;
  return Math.max(-MAX_DATE_SECONDS, Math.min(exp, MAX_DATE_SECONDS));
}

/**
 * Reads when a token that has just been issued expires, by a clock that may be behind the issuer's: never later than the
 * life that the issuer gave it.
 * @param nowSeconds the time by this machine's clock, in seconds since the epoch.
 * @returns seconds since the epoch; `undefined` as for `readExpiry`.
 */
export function readExpiryFrom(token: string, nowSeconds: number): number | undefined {
  const expiresAtSeconds = readExpiry(token);
  const { iat } = readClaims(token);
  if (expiresAtSeconds === undefined || typeof iat !== 'number' || iat > expiresAtSeconds) return expiresAtSeconds;
  return Math.min(expiresAtSeconds, nowSeconds + (expiresAtSeconds - iat));
}

/**
 * Reads the audiences of a token. One that is not a string is an empty text.
 * @returns an empty list when there is no `aud` claim.
 */
export function readAudiences({ aud }: Claims): readonly string[] {
  return [aud ?? []].flat().map((one: unknown) => (typeof one === 'string' ? one : ''));
}
