/**
 * The response to a kubelet. A kubelet ignores a response with an unknown field, or with text around it.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/
 */

import { type CachedToken, limitMinimumLife } from '../cache/cache.ts';

/** A user name and a password; both are empty for an anonymous pull. */
export interface ImageCredential {
  readonly username: string;
  readonly password: string;
}

/** The credentials of an image. */
export interface ImageCredentials {
  /** For which images the kubelet may use the response: all of the registry, or only this one. */
  readonly cacheKeyType: 'Registry' | 'Image';
  /** How long the kubelet may use it, in seconds; `undefined` for as long as its configuration says. */
  readonly cacheSeconds: number | undefined;
  /** By pattern, which the kubelet compares with the image. */
  readonly auth: ReadonlyMap<string, ImageCredential>;
}

/** The times of a token, in seconds since the epoch. */
type TokenTimes = Omit<CachedToken, 'token'>;

const KIND = 'CredentialProviderResponse';
/** How much life a token must have left: the pull may take a while to begin. */
const MARGIN_SECONDS = 300;
/** How long a kubelet may use a token that is being replaced. */
const REPLACED_SECONDS = 60;

/** Formats the response. */
export function formatResponse(apiVersion: string, { cacheKeyType, cacheSeconds, auth }: ImageCredentials): string {
  const cacheDuration = cacheSeconds === undefined ? {} : { cacheDuration: `${Math.floor(cacheSeconds)}s` };
  return `${JSON.stringify({ kind: KIND, apiVersion, cacheKeyType, ...cacheDuration, auth: Object.fromEntries(auth) })}\n`;
}

/** Formats the response that there is no credential. The kubelet does not keep it, and asks again for the next pull. */
export function formatNothing(apiVersion: string): string {
  return `${JSON.stringify({ kind: KIND, apiVersion, cacheKeyType: 'Registry', cacheDuration: '0s' })}\n`;
}

/**
 * Returns how long a kubelet may use a token: until a sixth of its life is left, or the configured minimum. At that time
 * the renewal of the token is due: the kubelet's next request starts it, and gets the old token at once. That one it may
 * use only for another minute, so that it soon has the new one.
 * @param minimumLifeSeconds the configured minimum; 0 for none.
 * @returns seconds; 0 when the kubelet must ask for each pull.
 */
export function measureCacheSeconds(times: TokenTimes, nowSeconds: number, minimumLifeSeconds: number): number {
  const { expiresAtSeconds, savedAtSeconds } = times;
  const leastSeconds = limitMinimumLife(times, minimumLifeSeconds);
  const keptSeconds = Math.max((expiresAtSeconds - savedAtSeconds) / 6, leastSeconds);
  const leftSeconds = expiresAtSeconds - nowSeconds;
  if (leftSeconds > keptSeconds) return leftSeconds - keptSeconds;
  return Math.max(0, Math.min(REPLACED_SECONDS, leftSeconds - MARGIN_SECONDS));
}
