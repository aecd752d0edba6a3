/** A token that many processes want: from the cache, or got once for all that wait for it, and kept. */

import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Cache, type CachedToken, type CacheKey, readCache, writeCache } from './cache.ts';
import { readMarker, writeMarker } from './markers.ts';
import { FAILED, RENEWAL_PAUSE_SECONDS, renewalMarker } from './renewal.ts';
import { runSingleFlight } from './single-flight.ts';

export interface ExpiringToken {
  readonly token: string;
  /** `undefined` when nobody knows it, or when the token must not be kept: then it is good for this answer only. */
  readonly expiresAtSeconds: number | undefined;
}

export interface SharedTokenRequest {
  readonly runtime: Runtime;
  /** What the identity signs in with, where others may have another value of it. */
  readonly readSecret?: (() => string) | undefined;
  readonly cache: Cache | undefined;
  /** When everything has to be over, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** @typeParam T what may come instead of a token. */
export interface TokenFlight<T extends object> {
  /** Whether a token of the cache need not be renewed. */
  readonly isUsable: (cached: CachedToken) => boolean;
  /** Gets a new one. */
  readonly get: () => Promise<ExpiringToken | T>;
  /** Looks for what another process found instead. */
  readonly peek?: () => T | undefined;
  /** Called when another process is already getting it. */
  readonly onWait?: () => void;
  /** A token that is not accepted any more, though it may stand in the cache. */
  readonly refused?: string | undefined;
}

/**
 * Answers from the cache, else gets the token once for all processes that wait for it, and keeps it.
 * @throws CredentialError of `get`, or BUSY.
 */
export async function obtainShared<T extends object>(
  { runtime, readSecret, cache, deadlineMs, log }: SharedTokenRequest,
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
  /** A process that could not renew a token with life left does not try again at once: it would delay every answer. */
  const isPaused = ({ expiresAtSeconds }: CachedToken) =>
    expiresAtSeconds - nowSeconds() > 2 * RENEWAL_PAUSE_SECONDS &&
    readMarker(cache, renewalMarker(key), nowSeconds()) === FAILED;
  return await runSingleFlight<string | T>(cache, key, {
    runtime,
    secret: readSecret?.() ?? '',
    deadlineMs,
    log,
    ...(onWait === undefined ? {} : { onWait }),
    peek: () => {
      const cached = readLiving();
      if (cached === undefined) return peek?.();
      return isUsable(cached) || isPaused(cached) ? cached.token : peek?.();
    },
    run: async () => {
      let found: ExpiringToken | T;
      try {
        found = await get();
      } catch (cause) {
        // The old token is good to its last second; only a failure that leaves nothing is one.
        const old = readLiving();
        if (old === undefined) throw cause;
        log?.({ step: 'sign-in', outcome: 'old-token', reason: describeCause(cause) });
        writeMarker(cache, renewalMarker(key), FAILED, nowSeconds(), RENEWAL_PAUSE_SECONDS);
        return old.token;
      }
      if (!isToken(found)) return found;
      keep(cache, key, found, nowSeconds(), log);
      return found.token;
    },
  });
}

function isToken<T extends object>(found: ExpiringToken | T): found is ExpiringToken {
  return 'token' in found;
}

/** A token is kept until it expires. */
function keep(
  cache: Cache | undefined,
  key: CacheKey,
  { token, expiresAtSeconds }: ExpiringToken,
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
