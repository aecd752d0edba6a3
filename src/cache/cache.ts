/**
 * The token cache: one file per token, in a folder that only its owner can open.
 *
 * A cache that is damaged, untrusted or missing counts as empty. That costs time, but no verb fails because of it.
 */

import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { readErrorCode } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import { readOwnFile, removeFile, replaceOwnFile } from '../system/files.ts';
import { listTemporaryFiles, makeOwnFolder } from '../system/folders.ts';
import { findCacheFolder } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';
import { hashText } from './hash.ts';

/** Identifies a token: whose it is, and for which registry. */
export interface CacheKey {
  /** The global login server, which regional endpoints share. */
  readonly service: string;
  /** A stable description of the identity that signed in, or `STORED_IDENTITY`. */
  readonly identity: string;
  /** `refresh-token`, or `access-token` followed by its scopes. */
  readonly kind: string;
}

/**
 * The identity of a token that a client stored. Such a token takes precedence over signing in, since a person chose it.
 */
export const STORED_IDENTITY = 'stored';

/** The `service` of an Entra token: no login server can have this name. */
export const ENTRA_SERVICE = '@entra';

/** The key of a token that a client stored for a registry. */
export function storedTokenKey(service: string): CacheKey {
  return { service, identity: STORED_IDENTITY, kind: 'refresh-token' };
}

/** A token of the cache, with its times in seconds since the epoch. */
export interface CachedToken {
  readonly token: string;
  /** When the token itself expires. */
  readonly expiresAtSeconds: number;
  readonly savedAtSeconds: number;
}

/** The folders of the cache. They may not exist yet. */
export interface Cache {
  readonly folder: string;
  readonly lockFolder: string;
  readonly markerFolder: string;
}

/** The largest file of an entry. A real token takes a few kilobytes. */
export const MAX_ENTRY_BYTES = 64 * 1024;
/** A token with less life left is renewed before it is used: a pull may take a while to begin. */
const MIN_LIFE_SECONDS = 300;
/**
 * How long a token may live at most: three hours for a registry's, a day for one of Entra. A later expiry is a mistake,
 * and must not keep the token in the cache.
 */
export const MAX_REGISTRY_SECONDS = 3 * 3600;
const MAX_ENTRA_SECONDS = 24 * 3600;
/** A token "saved in the future" shows that the clock was turned back, so its expiry cannot be trusted either. */
const CLOCK_TOLERANCE_SECONDS = 300;

/**
 * The `kind` of a token in its `CacheKey`. An identity token is a refresh token with another user name.
 * @param secret the kind of secret that the configuration asks for.
 */
export function tokenKind(secret: string, scope: readonly string[]): string {
  return secret === 'access-token' ? `access-token ${[...scope].sort().join(' ')}` : 'refresh-token';
}

/**
 * Whether a token has enough life left to be given to a client.
 * @param minimumLifeSeconds the configured minimum; `limitMinimumLife` limits it.
 */
export function isFresh(cached: CachedToken, nowSeconds: number, minimumLifeSeconds = 0): boolean {
  return cached.expiresAtSeconds - nowSeconds > limitMinimumLife(cached, minimumLifeSeconds);
}

/** Whether a token is so close to its expiry that `isRenewalDue` has to decide about its renewal. */
export function isNearRenewal(cached: CachedToken, nowSeconds: number, minimumLifeSeconds = 0): boolean {
  return cached.expiresAtSeconds - nowSeconds < measureRenewalLead(cached, minimumLifeSeconds);
}

/**
 * How many seconds before its expiry a token may be renewed at the earliest. That is a third of its life; with a long
 * configured minimum, it is the minimum and a third of the life before it.
 */
export function measureRenewalLead(cached: CachedToken, minimumLifeSeconds = 0): number {
  const lifeSeconds = cached.expiresAtSeconds - cached.savedAtSeconds;
  const leastSeconds = limitMinimumLife(cached, minimumLifeSeconds);
  if (leastSeconds <= lifeSeconds / 3) return lifeSeconds / 3;
  return leastSeconds + Math.max(0, lifeSeconds - leastSeconds) / 3;
}

/**
 * Limits the configured minimum to five sixths of the token's life: with a longer minimum, even a new token would not
 * be fresh. The result is never less than five minutes.
 */
export function limitMinimumLife(
  { expiresAtSeconds, savedAtSeconds }: Omit<CachedToken, 'token'>,
  minimumLifeSeconds: number,
): number {
  const possibleSeconds = ((expiresAtSeconds - savedAtSeconds) * 5) / 6;
  return Math.max(MIN_LIFE_SECONDS, Math.min(minimumLifeSeconds, possibleSeconds));
}

/**
 * Finds the cache of this machine.
 * @returns `undefined` when there is no cache folder.
 */
export async function findCache(runtime: Runtime): Promise<Cache | undefined> {
  const folder = await findCacheFolder(runtime);
  // In subfolders, since the person may name a folder that others can write to, such as a mounted volume.
  if (folder === undefined) return undefined;
  return { folder: `${folder}${sep}tokens`, lockFolder: `${folder}${sep}locks`, markerFolder: `${folder}${sep}notes` };
}

/**
 * Reads a token.
 * @returns the token, expired or not; `undefined` when there is none, or none that can be trusted.
 */
export function readCache(cache: Cache, key: CacheKey, nowSeconds: number): CachedToken | undefined {
  const text = readOwnFile(cacheFile(cache, key), MAX_ENTRY_BYTES);
  const entry = text === undefined ? undefined : parseEntry(text);
  if (entry === undefined) return undefined;
  const { service, identity, kind, cached } = entry;
  if (service !== key.service || identity !== key.identity || kind !== key.kind) return undefined;
  return isSavedInFuture(cached, nowSeconds) ? undefined : cached;
}

/** Whether a token was saved when the clock was wrong, so that its expiry cannot be trusted. */
export function isSavedInFuture({ savedAtSeconds }: CachedToken, nowSeconds: number): boolean {
  return savedAtSeconds > nowSeconds + CLOCK_TOLERANCE_SECONDS;
}

/**
 * Parses the text of an entry.
 * @returns `undefined` when it is damaged.
 */
export function parseEntry(text: string): (CacheKey & { readonly cached: CachedToken }) | undefined {
  const { service, identity, kind, token, expiresAtSeconds, savedAtSeconds } = parseJsonObject(text) ?? {};
  if (typeof service !== 'string' || typeof identity !== 'string' || typeof kind !== 'string') return undefined;
  if (typeof expiresAtSeconds !== 'number' || typeof savedAtSeconds !== 'number') return undefined;
  const secret = asText(token);
  if (secret === undefined) return undefined;
  const lastSeconds = savedAtSeconds + (service === ENTRA_SERVICE ? MAX_ENTRA_SECONDS : MAX_REGISTRY_SECONDS);
  const cached = { token: secret, expiresAtSeconds: Math.min(expiresAtSeconds, lastSeconds), savedAtSeconds };
  return { service, identity, kind, cached };
}

/**
 * Stores a token in place of the old one of its key.
 * @throws the system's error when the file cannot be written; an error without a code when others can write to the
 * folder, or the token is too long.
 */
export function writeCache(cache: Cache, key: CacheKey, token: CachedToken): void {
  if (!makeOwnFolder(cache.folder)) throw new Error(`${cache.folder} is not a folder that only you can write to`);
  const { service, identity, kind } = key;
  const text = `${JSON.stringify({ service, identity, kind, ...token })}\n`;
  if (Buffer.byteLength(text) > MAX_ENTRY_BYTES) throw new Error('the token is too long for the cache');
  replaceOwnFile(cacheFile(cache, key), text);
}

/** Removes a token from the cache, unless another one has replaced it. Never fails. */
export function dropCache(cache: Cache, key: CacheKey, token: string): void {
  if (readCache(cache, key, Number.POSITIVE_INFINITY)?.token === token) removeFile(cacheFile(cache, key));
}

/**
 * Removes all tokens of a registry from the cache, whoever signed in. Never fails.
 * @returns whether all of them are gone.
 */
export function eraseCache(cache: Cache, service: string): boolean {
  let names: string[];
  try {
    names = readdirSync(cache.folder).filter((name) => name.startsWith(`${service}_`));
  } catch (cause) {
    return ['ENOENT', 'ENOTDIR'].includes(readErrorCode(cause) ?? '');
  }
  return names.map((name) => removeFile(join(cache.folder, name))).every((isGone) => isGone);
}

/**
 * Removes the temporary files among the tokens. Nobody can tell whose tokens are in them. A process that is writing one
 * does not save its token then. Never fails.
 */
export function eraseTemporaryTokens(cache: Cache): void {
  for (const { file } of listTemporaryFiles(cache.folder)) removeFile(file);
}

/** The base name of a key's files. Keys may share it (see `hashText`), so a file is valid only if it names its key. */
export function keyFileName({ service, identity, kind }: CacheKey): string {
  return `${service}_${hashText(`${identity}\n${kind}`)}`;
}

function cacheFile(cache: Cache, key: CacheKey): string {
  return `${cache.folder}${sep}${keyFileName(key)}.json`;
}
