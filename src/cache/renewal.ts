/** Renewal before the end: whether a cached token is due for it, and the process of our own that sees to it. */

import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { makeOwnFolder } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';
import {
  type Cache,
  type CachedToken,
  type CacheKey,
  keyFileName,
  limitMinimumLife,
  measureRenewalLead,
} from './cache.ts';
import { hashText } from './hash.ts';
import { LockAttempt } from './lock.ts';
import { readMarker, writeMarker } from './markers.ts';

export interface RenewalRequest {
  readonly runtime: Runtime;
  readonly cache: Cache;
  readonly key: CacheKey;
  readonly cached: CachedToken;
  readonly minimumLifeSeconds: number;
  /** The registry that the token is for. */
  readonly host: string;
  readonly log: Log | undefined;
}

/** How long nobody tries again. */
export const RENEWAL_PAUSE_SECONDS = 60;
/** What is noted of a renewal. */
const STARTED = 'started';
export const FAILED = 'failed';

const HASH_CHARACTERS = 6;

/** The note on what was last done to renew a token. */
export function renewalMarker(key: CacheKey): string {
  return `renewal ${keyFileName(key)}`;
}

/**
 * Whether a token is to be renewed: from some moment on in the first half of the time between `measureRenewalLead` and
 * the last minutes. The token itself decides which, so that a farm whose machines signed in together does not renew
 * together, while every process of one machine comes to the same answer.
 */
export function isRenewalDue(cached: CachedToken, nowSeconds: number, minimumLifeSeconds = 0): boolean {
  const leadSeconds = measureRenewalLead(cached, minimumLifeSeconds);
  const spreadSeconds = (leadSeconds - limitMinimumLife(cached, minimumLifeSeconds)) / 2;
  const share = Number.parseInt(hashText(cached.token).slice(-HASH_CHARACTERS), 16) / 16 ** HASH_CHARACTERS;
  return cached.expiresAtSeconds - nowSeconds < leadSeconds - share * Math.max(0, spreadSeconds);
}

/**
 * Starts the renewal of a token that is due, once a minute at most for all processes. Never fails: whoever asked has
 * the old token, and without this it is renewed in its last minutes.
 */
export async function startRenewal({ runtime, cache, key, cached, ...request }: RenewalRequest): Promise<void> {
  const { minimumLifeSeconds, host, log } = request;
  try {
    if (runtime.startRenewal === undefined || !isRenewalDue(cached, runtime.now() / 1000, minimumLifeSeconds)) return;
    if (!claimRenewal(cache, key, runtime.now() / 1000)) return;
    const isStarted = await runtime.startRenewal(host);
    log?.({ step: 'sign-in', outcome: isStarted ? 'renewal-started' : 'renewal-not-started', host });
  } catch (cause) {
    log?.({ step: 'sign-in', outcome: 'renewal-not-started', host, reason: describeCause(cause) });
  }
}

/** @returns whether it is this process that renews, which is sure only where that can be written down. */
function claimRenewal(cache: Cache, key: CacheKey, nowSeconds: number): boolean {
  const marker = renewalMarker(key);
  const isClaimed = () => readMarker(cache, marker, nowSeconds) !== undefined;
  if (isClaimed() || !makeOwnFolder(cache.lockFolder)) return false;
  const lock = new LockAttempt(cache.lockFolder, `${keyFileName(key)}.renewal`).try();
  if (lock === undefined) return false;
  try {
    if (isClaimed()) return false;
    writeMarker(cache, marker, STARTED, nowSeconds, RENEWAL_PAUSE_SECONDS);
    return isClaimed();
  } finally {
    lock.release();
  }
}
