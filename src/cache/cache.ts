/**
 * The tokens that are still good, a file each, in a folder that only their owner can open.
 *
 * A cache that is broken, foreign or cannot be had is an empty one: it costs speed, never the answer.
 */

import { readdirSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { asText, parseJsonObject } from '../json.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../system/files.ts';
import { findCacheFolder } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';
import { hashText } from './hash.ts';

/** Whose token for which registry. */
export interface CacheKey {
  /** The global login server, which regional endpoints share. */
  readonly service: string;
  /** Who signs in: a stable description of the identity, or that a client stored the token. */
  readonly identity: string;
  /** `refresh-token`, or `access-token` followed by its scopes. */
  readonly kind: string;
}

/** The identity of a token that a client gave us to keep: it wins over signing in, since a person chose it. */
export const STORED_IDENTITY = 'stored';

export interface CachedToken {
  readonly token: string;
  /** The token's own end. */
  readonly expiresAtSeconds: number;
  readonly savedAtSeconds: number;
}

export interface Cache {
  readonly folder: string;
  readonly lockFolder: string;
  readonly markerFolder: string;
}

const MAX_ENTRY_BYTES = 64 * 1024;
/** A token that ends sooner is renewed first: a pull may take a while to begin. */
const MIN_LIFE_SECONDS = 300;
/** A token that was "saved in the future" tells that the clock was turned back: its end cannot be trusted either. */
const CLOCK_TOLERANCE_SECONDS = 300;

/** What the cache calls a token that `get` answers with: an identity token is a refresh token by another user name. */
export function tokenKind(secret: string, scope: readonly string[]): string {
  return secret === 'access-token' ? `access-token ${[...scope].sort().join(' ')}` : 'refresh-token';
}

/**
 * Whether a token has enough life left to be given to a client.
 * @param minimumLifeSeconds what the person asks for; no more than a token has when it is new.
 */
export function isFresh(cached: CachedToken, nowSeconds: number, minimumLifeSeconds = 0): boolean {
  return cached.expiresAtSeconds - nowSeconds > limitMinimumLife(cached, minimumLifeSeconds);
}

/** Whether a token is so near its end that `renewal.ts` has to tell whether it is renewed ahead of it. */
export function isNearRenewal(cached: CachedToken, nowSeconds: number, minimumLifeSeconds = 0): boolean {
  return cached.expiresAtSeconds - nowSeconds < measureRenewalLead(cached, minimumLifeSeconds);
}

/** How many seconds before its end a token is renewed at the earliest: a third of its life, or of what may be used of it. */
export function measureRenewalLead(cached: CachedToken, minimumLifeSeconds = 0): number {
  const lifeSeconds = cached.expiresAtSeconds - cached.savedAtSeconds;
  const leastSeconds = limitMinimumLife(cached, minimumLifeSeconds);
  if (leastSeconds <= lifeSeconds / 3) return lifeSeconds / 3;
  return leastSeconds + Math.max(0, lifeSeconds - leastSeconds) / 3;
}

/** At most five sixths of its life, or a token that lives shorter than the person thinks would never be good enough. */
export function limitMinimumLife(
  { expiresAtSeconds, savedAtSeconds }: CachedToken,
  minimumLifeSeconds: number,
): number {
  const possibleSeconds = ((expiresAtSeconds - savedAtSeconds) * 5) / 6;
  return Math.max(MIN_LIFE_SECONDS, Math.min(minimumLifeSeconds, possibleSeconds));
}

/** @returns `undefined` where there is no folder to keep anything in. */
export async function findCache(runtime: Runtime): Promise<Cache | undefined> {
  const folder = await findCacheFolder(runtime);
  // A folder of its own below, since the person may name one that others can write in, such as a mounted volume.
  if (folder === undefined) return undefined;
  return { folder: `${folder}${sep}tokens`, lockFolder: `${folder}${sep}locks`, markerFolder: `${folder}${sep}notes` };
}

/** @returns the token, expired or not; `undefined` when there is none that can be trusted. */
export function readCache(cache: Cache, key: CacheKey, nowSeconds: number): CachedToken | undefined {
  const text = readOwnFile(cacheFile(cache, key), MAX_ENTRY_BYTES);
  const entry = text === undefined ? undefined : parseJsonObject(text);
  if (entry === undefined) return undefined;
  const { service, identity, kind, token, expiresAtSeconds, savedAtSeconds } = entry;
  if (service !== key.service || identity !== key.identity || kind !== key.kind) return undefined;
  if (typeof expiresAtSeconds !== 'number' || typeof savedAtSeconds !== 'number') return undefined;
  if (savedAtSeconds > nowSeconds + CLOCK_TOLERANCE_SECONDS) return undefined;
  const secret = asText(token);
  return secret === undefined ? undefined : { token: secret, expiresAtSeconds, savedAtSeconds };
}

/** @throws the system's error when the token cannot be kept. */
export function writeCache(cache: Cache, key: CacheKey, token: CachedToken): void {
  if (!makeOwnFolder(cache.folder)) throw new Error(`${cache.folder} is not a folder that only you can write to`);
  const { service, identity, kind } = key;
  replaceOwnFile(cacheFile(cache, key), `${JSON.stringify({ service, identity, kind, ...token })}\n`);
}

/** Forgets one token, unless another has taken its place. */
export function dropCache(cache: Cache, key: CacheKey, token: string): void {
  try {
    if (readCache(cache, key, Number.POSITIVE_INFINITY)?.token === token)
      rmSync(cacheFile(cache, key), { force: true });
  } catch {
    // A disk that lets nothing be removed: what is there ends by itself.
  }
}

/** Forgets every token for a registry, whoever signed in. */
export function eraseCache(cache: Cache, service: string): void {
  let names: string[];
  try {
    names = readdirSync(cache.folder);
  } catch {
    return; // no folder, nothing to forget
  }
  for (const name of names) {
    if (!name.startsWith(`${service}_`)) continue;
    try {
      rmSync(join(cache.folder, name), { force: true });
    } catch {
      // A disk that lets nothing be removed: what is there ends by itself.
    }
  }
}

/** What the files of a key are called; what they hold is believed only when it names the same key. */
export function keyFileName({ service, identity, kind }: CacheKey): string {
  return `${service}_${hashText(`${identity}\n${kind}`)}`;
}

function cacheFile(cache: Cache, key: CacheKey): string {
  return `${cache.folder}${sep}${keyFileName(key)}.json`;
}
