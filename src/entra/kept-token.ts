/** The Entra token that is exchanged for a registry's: got once for all registries of one identity, and kept for its life. */

import {
  type Cache,
  type CachedToken,
  type CacheKey,
  dropCache,
  eraseCache,
  isFresh,
  readCache,
} from '../cache/cache.ts';
import { readMarker, writeMarker } from '../cache/markers.ts';
import { obtainShared } from '../cache/shared-token.ts';
import { CLOUDS, type Cloud } from '../clouds.ts';
import { CredentialError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isNotSetUp, type NotSetUp } from '../not-set-up.ts';
import type { Runtime } from '../system/runtime.ts';

export interface EntraToken {
  readonly token: string;
  /** Whether it was there already, so that a new one may be worth more. */
  readonly isKept: boolean;
}

export interface EntraTokenRequest {
  readonly runtime: Runtime;
  readonly cloud: Cloud;
  /** Whose token it is. */
  readonly identity: {
    readonly source: string;
    readonly description: string;
    readonly readSecret?: () => string;
    /** @param audience without `/.default`. */
    readonly getToken: (audience: string) => Promise<string | NotSetUp>;
  };
  /** What the configuration asks the token for; `undefined` where the cloud says it. */
  readonly audience: string | undefined;
  /** Whether it may be kept for other registries. */
  readonly isKept: boolean;
  readonly cache: Cache | undefined;
  /** Called when another process is already signing in. */
  readonly onWait: () => void;
  /** When everything has to be over, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** What the cache calls Entra, which is not a registry: no login server can have such a name. */
const ENTRA_SERVICE = '@entra';
/** A tenant does not learn of the registry's audience within a day. */
const AUDIENCE_MARKER_SECONDS = 24 * 3600;
/** Tokens for all of Azure: they are never written. */
const ARM_AUDIENCES = CLOUDS.map(({ armAudience }) => armAudience);
/** That the tenant does not know the registry's audience. */
const ARM_ONLY = { isArmOnly: true } as const;

/**
 * Gets the Entra token for the registry's audience; for the cloud's ARM audience only where Entra or the managed
 * identity says that it does not know the registry's.
 *
 * A kept token says who somebody is, not what they may do: that the registry decides at each exchange. So it belongs to
 * the identity, and `erase` of a registry leaves it.
 *
 * @param refused a token that the registry did not accept: it is dropped.
 * @throws CredentialError of the identity, or BUSY.
 */
export async function obtainEntraToken(request: EntraTokenRequest, refused?: string): Promise<EntraToken | NotSetUp> {
  const { runtime, cloud, identity, cache, log } = request;
  const armAudience = request.audience === undefined ? cloud.armAudience : undefined;
  const marker = `audience ${identity.description}`;
  const isArmOnly = () =>
    armAudience !== undefined && readMarker(cache, marker, runtime.now() / 1000) === armAudience ? ARM_ONLY : undefined;
  const signIn = async (audience: string) => asNew(await identity.getToken(audience));
  const signInForArm = () => signIn(armAudience ?? cloud.audience);
  if (!request.isKept && cache !== undefined) eraseCache(cache, ENTRA_SERVICE);
  if (isArmOnly() !== undefined) return await signInForArm();
  try {
    if (!isKeepable(request)) return await signIn(request.audience ?? cloud.audience);
    const found = await obtainKept(request, isArmOnly, refused);
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
      throw cause; // the first failure is the telling one
    }
    writeMarker(cache, marker, armAudience, runtime.now() / 1000, AUDIENCE_MARKER_SECONDS);
    return found;
  }
}

/** Only a token that is good for nothing but registries is kept, and only where the person lets it. */
function isKeepable({ cloud, audience = cloud.audience, isKept }: EntraTokenRequest): boolean {
  return isKept && audience === cloud.audience && !ARM_AUDIENCES.includes(trimUrl(audience));
}

async function obtainKept(
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
    return { token: cached.token, isKept: true };
  }
  let isKept = true;
  const found = await obtainShared<NotSetUp | typeof ARM_ONLY>({ ...request, readSecret: identity.readSecret }, key, {
    isUsable,
    refused,
    peek: isArmOnly,
    onWait,
    get: async () => {
      isKept = false;
      const token = await identity.getToken(audience);
      return isNotSetUp(token) ? token : { token, expiresAtSeconds: await readExpiryFor(token, audience) };
    },
  });
  return typeof found === 'string' ? { token: found, isKept } : found;
}

/** @returns when a token expires that says it is for this audience; `undefined` for one that must not be kept. */
async function readExpiryFor(token: string, audience: string): Promise<number | undefined> {
  const { readAudiences, readClaims, readExpiry } = await import('./claims.ts');
  const audiences = readAudiences(readClaims(token));
  // A program that the person names may answer with a token of any kind.
  const isMeant = audiences.length > 0 && audiences.every((one) => trimUrl(String(one)) === trimUrl(audience));
  return isMeant ? readExpiry(token) : undefined;
}

function asNew(found: string | NotSetUp): EntraToken | NotSetUp {
  return typeof found === 'string' ? { token: found, isKept: false } : found;
}

function trimUrl(url: string): string {
  return url.replace(/\/+$/, '');
}
