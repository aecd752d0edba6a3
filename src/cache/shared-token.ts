/**
 * Shares a token between processes: reads it from the cache, or gets it once for all waiting processes and caches it.
 */

import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Cache, type CachedToken, type CacheKey, dropCache, readCache, writeCache } from './cache.ts';
import { type Erasure, readErasure } from './erasure.ts';
import { readMarker, writeMarker } from './markers.ts';
import { FAILED, RENEWAL_PAUSE_SECONDS, renewalMarker } from './renewal.ts';
import { runSingleFlight } from './single-flight.ts';

/** A new token. */
export interface ExpiringToken {
  readonly token: string;
  /** `undefined` when the expiry is unknown or the token must not be cached: then it is used only once. */
  readonly expiresAtSeconds: number | undefined;
}

/** What `obtainShared` needs besides the key. */
export interface SharedTokenRequest {
  readonly runtime: Runtime;
  /** Reads the secret that the identity signs in with, if another process may have a different one. */
  readonly readSecret?: (() => string) | undefined;
  readonly cache: Cache | undefined;
  /** The last erasure when the work began that needs the token; by default, that when `get` begins. */
  readonly erasure?: Erasure | undefined;
  /** When to give up, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/**
 * How to get a token once for many processes.
 * @typeParam T the result that `get` may return instead of a token.
 */
export interface TokenFlight<T extends object> {
  /** Whether a cached token can be used without renewal. */
  readonly isUsable: (cached: CachedToken) => boolean;
  /** Gets a new token. @param erasure the last erasure before it began. */
  readonly get: (erasure: Erasure | undefined) => Promise<ExpiringToken | T>;
  /** Looks for the result that another process got instead of a token. */
  readonly peek?: () => T | undefined;
  /** Called when another process is already getting the token. */
  readonly onWait?: () => void;
  /** A token that the service has refused, and that may still be in the cache. */
  readonly refused?: string | undefined;
}

/**
 * Returns the cached token if it is usable. Otherwise gets a new token once for all processes that wait for it, and
 * caches it. If that fails, returns the old token as long as it has not expired.
 * @throws CredentialError of `get`; BUSY when another process is still getting the token at the deadline.
 */
export async function obtainShared<T extends object>(
  { runtime, readSecret = () => '', cache, deadlineMs, log, ...request }: SharedTokenRequest,
  key: CacheKey,
  { isUsable, get, peek, onWait, refused }: TokenFlight<T>,
): Promise<string | T> {
  const nowSeconds = () => runtime.now() / 1000;
  const readLiving = () => {
    const cached = cache === undefined ? undefined : readCache(cache, key, nowSeconds());
    return cached === undefined || cached.token === refused || cached.expiresAtSeconds <= nowSeconds()
      ? undefined
      : cached;
  };
  /**
   * Right after a failed renewal, use the old token while it has life left. Another attempt would delay every `get`.
   */
  const isPaused = ({ expiresAtSeconds }: CachedToken) =>
    expiresAtSeconds - nowSeconds() > 2 * RENEWAL_PAUSE_SECONDS &&
    readMarker(cache, renewalMarker(key), nowSeconds()) === FAILED;
  return await runSingleFlight<string | T>(cache, key, {
    runtime,
    readSecret,
    deadlineMs,
    log,
    ...(onWait === undefined ? {} : { onWait }),
    peek: () => {
      const cached = readLiving();
      if (cached === undefined) return peek?.();
      return isUsable(cached) || isPaused(cached) ? cached.token : peek?.();
    },
    run: async () => {
      const erasure = request.erasure ?? (cache && readErasure(cache));
      let found: ExpiringToken | T;
      try {
        found = await get(erasure);
      } catch (cause) {
        // The old token is valid to its last second. The failure matters only if there is no valid token.
        const old = readLiving();
        if (old === undefined || runtime.signal?.aborted === true) throw cause;
        log?.({ step: 'sign-in', outcome: 'old-token', reason: describeCause(cause) });
        writeMarker(cache, renewalMarker(key), FAILED, nowSeconds(), RENEWAL_PAUSE_SECONDS);
        return old.token;
      }
      if (!isToken(found)) return found;
      if (cache !== undefined) save(cache, key, found, { nowSeconds: nowSeconds(), erasure, log });
      return found.token;
    },
  });
}

function isToken<T extends object>(found: ExpiringToken | T): found is ExpiringToken {
  return 'token' in found;
}

interface Saving {
  readonly nowSeconds: number;
  readonly erasure: Erasure | undefined;
  readonly log: Log | undefined;
}

/** Saves a token, unless something was erased since its sign-in began. */
function save(
  cache: Cache,
  key: CacheKey,
  { token, expiresAtSeconds }: ExpiringToken,
  { nowSeconds, erasure, log }: Saving,
): void {
  if (expiresAtSeconds === undefined) return;
  const assertNotErased = () => {
    if (readErasure(cache) !== erasure) throw new Error('a logout came in between');
  };
  try {
    assertNotErased();
    writeCache(cache, key, { token, expiresAtSeconds, savedAtSeconds: Math.floor(nowSeconds) });
    try {
      assertNotErased();
    } catch (cause) {
      dropCache(cache, key, token);
      throw cause;
    }
    log?.({ step: 'cache', outcome: 'saved', expiresAtSeconds });
  } catch (cause) {
    log?.({ step: 'cache', outcome: 'not-saved', reason: describeCause(cause) });
  }
}
