/** Renewal before expiry: decides whether a cached token is due for renewal, and starts the process that renews it. */

import { sep } from 'node:path';
import { describeCause, readErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { createOwnFile, removeFile } from '../system/files.ts';
import { makeOwnFolder } from '../system/folders.ts';
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
import { readMarker, writeMarker } from './markers.ts';

/** Which token may need renewal, and for which registry. */
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

/** How long no process tries to renew the token again after an attempt. */
export const RENEWAL_PAUSE_SECONDS = 60;
const STARTED = 'started';
/** The middle of the name of a file by which one process claims the renewal in a minute. */
export const CLAIM = '.renewal-';
/** The value of a renewal marker after a failed renewal. */
export const FAILED = 'failed';

const HASH_CHARACTERS = 6;

/** The name of the marker that records the last renewal of a token. */
export function renewalMarker(key: CacheKey): string {
  return `renewal ${keyFileName(key)}`;
}

/**
 * Whether a token is due for renewal. The moment lies in the first half of the time between `measureRenewalLead` and
 * the minimum life. A hash of the token selects it: machines of a farm that signed in together do not renew together,
 * while all processes of one machine agree.
 */
export function isRenewalDue(cached: CachedToken, nowSeconds: number, minimumLifeSeconds = 0): boolean {
  return findRenewalSeconds(cached, minimumLifeSeconds) < nowSeconds;
}

/** When the renewal of a token becomes due, in seconds since the epoch. */
export function findRenewalSeconds(cached: CachedToken, minimumLifeSeconds = 0): number {
  const leadSeconds = measureRenewalLead(cached, minimumLifeSeconds);
  const spreadSeconds = (leadSeconds - limitMinimumLife(cached, minimumLifeSeconds)) / 2;
  const share = Number.parseInt(hashText(cached.token).slice(-HASH_CHARACTERS), 16) / 16 ** HASH_CHARACTERS;
  return cached.expiresAtSeconds - (leadSeconds - share * Math.max(0, spreadSeconds));
}

/**
 * Starts the renewal of a token if it is due; at most once a minute for all processes together. Never fails: the caller
 * has the old token, and a later `get` renews it in its last minutes.
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

/**
 * Claims the renewal for this process. Of all that see no marker, one can create the claim. A process that dies here
 * keeps it for no more than this minute, on whatever machine it was.
 * @returns whether this process may start the renewal. It may only if it could write the marker for the others.
 */
function claimRenewal(cache: Cache, key: CacheKey, nowSeconds: number): boolean {
  const marker = renewalMarker(key);
  const isClaimed = () => readMarker(cache, marker, nowSeconds) !== undefined;
  if (isClaimed() || !makeOwnFolder(cache.lockFolder)) return false;
  const minute = Math.floor(nowSeconds / RENEWAL_PAUSE_SECONDS);
  const claim = `${cache.lockFolder}${sep}${keyFileName(key)}${CLAIM}${minute}`;
  try {
    createOwnFile(claim, '');
  } catch (cause) {
    if (readErrorCode(cause) === 'EEXIST') return false;
    throw cause;
  }
  try {
    if (isClaimed()) return false;
    writeMarker(cache, marker, STARTED, nowSeconds, RENEWAL_PAUSE_SECONDS);
    return isClaimed();
  } finally {
    removeFile(claim);
  }
}
