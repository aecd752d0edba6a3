/**
 * Gets the Entra token of an identity. All registries of the identity share it, and the cache keeps it until it
 * expires.
 */

import {
  type Cache,
  type CachedToken,
  type CacheKey,
  dropCache,
  ENTRA_SERVICE,
  eraseCache,
  isFresh,
  readCache,
} from '../cache/cache.ts';
import type { Erasure } from '../cache/erasure.ts';
import { readMarker, writeMarker } from '../cache/markers.ts';
import { obtainShared } from '../cache/shared-token.ts';
import { CLOUDS, type Cloud } from '../clouds.ts';
import { CredentialError } from '../errors.ts';
import type { Log } from '../log.ts';
import { trimSlashes } from '../network/plain-url.ts';
import { isNotSetUp, type NotSetUp } from '../not-set-up.ts';
import type { Runtime } from '../system/runtime.ts';

/** An access token of Entra ID. */
export interface EntraToken {
  readonly token: string;
  /** Whether it comes from the cache. If the registry refuses it, a new one may still work. */
  readonly isCached: boolean;
}

/** What an Entra token is requested with. */
export interface EntraTokenRequest {
  readonly runtime: Runtime;
  readonly cloud: Cloud;
  /** The identity that signs in. */
  readonly identity: {
    readonly source: string;
    readonly description: string;
    readonly readSecret?: () => string;
    /** Signs in for an audience, without `/.default`. */
    readonly getToken: (audience: string) => Promise<string | NotSetUp>;
  };
  /** The audience that the configuration names; `undefined` for that of the cloud. */
  readonly audience: string | undefined;
  /** Whether the token may be cached for other registries (`cacheEntraTokens` of the configuration). */
  readonly isCacheable: boolean;
  readonly cache: Cache | undefined;
  /** The last erasure when the sign-in began. */
  readonly erasure?: Erasure | undefined;
  /** Called when another process is already signing in. */
  readonly onWait: () => void;
  /** When the program must be done, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** How long to remember that a tenant does not know the registry's audience. */
const AUDIENCE_MARKER_SECONDS = 24 * 3600;
/** Tokens for these audiences can manage all of Azure, so they are never cached. */
const ARM_AUDIENCES = CLOUDS.map(({ armAudience }) => armAudience);
/** Says that the tenant does not know the registry's audience. */
const ARM_ONLY = { isArmOnly: true } as const;

/**
 * Gets the Entra token for the registry's audience. It uses the cloud's ARM audience only if Entra or the managed
 * identity does not know the registry's audience.
 *
 * A cached token proves who the identity is, not what it may do: the registry decides that at each exchange.
 *
 * @param refused a token that the registry did not accept; it is removed from the cache.
 * @returns `NotSetUp` when the identity turns out not to exist on this machine.
 * @throws the error of the identity; BUSY when another process is still signing in at the deadline.
 */
export async function obtainEntraToken(request: EntraTokenRequest, refused?: string): Promise<EntraToken | NotSetUp> {
  const { runtime, cloud, identity, cache, log } = request;
  const armAudience = request.audience === undefined ? cloud.armAudience : undefined;
  const marker = `audience ${identity.description}`;
  const isArmOnly = () =>
    armAudience !== undefined && readMarker(cache, marker, runtime.now() / 1000) === armAudience ? ARM_ONLY : undefined;
  const signIn = async (audience: string) => asNew(await identity.getToken(audience));
  const signInForArm = () => signIn(armAudience ?? cloud.audience);
  if (!request.isCacheable && cache !== undefined) eraseCache(cache, ENTRA_SERVICE);
  if (isArmOnly() !== undefined) return await signInForArm();
  try {
    if (!mayCache(request)) return await signIn(request.audience ?? cloud.audience);
    const found = await obtainCached(request, isArmOnly, refused);
    return 'isArmOnly' in found ? await signInForArm() : found;
  } catch (cause) {
    if (armAudience === undefined || !(cause instanceof CredentialError) || cause.code !== 'AUDIENCE_UNKNOWN') {
      throw cause;
    }
    log?.({ step: 'sign-in', outcome: 'arm-audience', source: identity.source, reason: cause.message });
    let found: EntraToken | NotSetUp;
    try {
      found = await signInForArm();
    } catch {
      throw cause; // the first error names the cause; the second is only about the fallback
    }
    writeMarker(cache, marker, armAudience, runtime.now() / 1000, AUDIENCE_MARKER_SECONDS);
    return found;
  }
}

/** Whether the configuration allows caching, and the token is for registries only. */
function mayCache({ cloud, audience = cloud.audience, isCacheable }: EntraTokenRequest): boolean {
  return isCacheable && audience === cloud.audience && !ARM_AUDIENCES.includes(trimSlashes(audience));
}

async function obtainCached(
  request: EntraTokenRequest,
  isArmOnly: () => typeof ARM_ONLY | undefined,
  refused: string | undefined,
): Promise<EntraToken | NotSetUp | typeof ARM_ONLY> {
  const { runtime, cloud, identity, cache, onWait } = request;
  const { audience } = cloud;
  const key: CacheKey = { service: ENTRA_SERVICE, identity: identity.description, kind: `entra-token ${audience}` };
  const isUsable = (cached: CachedToken) => isFresh(cached, runtime.now() / 1000);
  if (cache !== undefined && refused !== undefined) dropCache(cache, key, refused);
  const cached = cache === undefined ? undefined : readCache(cache, key, runtime.now() / 1000);
  if (cached !== undefined && cached.token !== refused && isUsable(cached)) {
    return { token: cached.token, isCached: true };
  }
  let isCached = true;
  const found = await obtainShared<NotSetUp | typeof ARM_ONLY>({ ...request, readSecret: identity.readSecret }, key, {
    isUsable,
    refused,
    peek: isArmOnly,
    onWait,
    get: async () => {
      isCached = false;
      const token = await identity.getToken(audience);
      return isNotSetUp(token) ? token : { token, expiresAtSeconds: await readExpiryFor(token, audience) };
    },
  });
  return typeof found === 'string' ? { token: found, isCached } : found;
}

/** @returns when the token expires; `undefined` if it is for another audience, so that it must not be cached. */
async function readExpiryFor(token: string, audience: string): Promise<number | undefined> {
  const { readAudiences, readClaims, readExpiry } = await import('./claims.ts');
  const audiences = readAudiences(readClaims(token));
  // A program that the user configured may print a token of any kind.
  const isForAudience = audiences.length > 0 && audiences.every((one) => trimSlashes(one) === trimSlashes(audience));
  return isForAudience ? readExpiry(token) : undefined;
}

function asNew(found: string | NotSetUp): EntraToken | NotSetUp {
  return typeof found === 'string' ? { token: found, isCached: false } : found;
}
