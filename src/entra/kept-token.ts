/** The Entra token that is exchanged for a registry's: got once for all registries of one identity, and kept for its life. */

import { type CachedToken, type CacheKey, dropCache, eraseCache, isFresh, readCache } from '../cache/cache.ts';
import { readMarker, writeMarker } from '../cache/markers.ts';
import { obtainShared } from '../cache/shared-token.ts';
import { CLOUDS } from '../clouds.ts';
import { CredentialError } from '../errors.ts';
import { isNotSetUp, type NotSetUp } from '../identity/identity.ts';
import type { SignInRequest, TokenContext } from '../sign-in/sign-in.ts';

export interface EntraToken {
  readonly token: string;
  /** Whether it was there already, so that a new one may be worth more. */
  readonly isKept: boolean;
}

/** What the cache calls Entra, which is no registry: no login server has such a name, whatever the configuration says. */
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
 * @param open the connections, to Entra too or only to the registry.
 * @param refused a token that the registry did not take: it is dropped.
 */
export async function obtainEntraToken(
  request: SignInRequest,
  open: (signsIn: boolean) => Promise<TokenContext>,
  refused?: string,
): Promise<EntraToken | NotSetUp> {
  const { runtime, registry, identity, parameters, cache, log } = request;
  const armAudience = parameters.audience === undefined ? registry.cloud.armAudience : undefined;
  const marker = `audience ${identity.description}`;
  const isArmOnly = () =>
    armAudience !== undefined && readMarker(cache, marker, runtime.now() / 1000) === armAudience ? ARM_ONLY : undefined;
  const signIn = async (audience?: string) => {
    const context = await open(true);
    return asNew(await identity.getToken(audience === undefined ? context : { ...context, audience }));
  };
  if (!request.settings.cacheEntraTokens && cache !== undefined) eraseCache(cache, ENTRA_SERVICE);
  if (isArmOnly() !== undefined) return await signIn(armAudience);
  try {
    const found = isKeepable(request) ? await obtainKept(request, open, isArmOnly, refused) : await signIn();
    return 'isArmOnly' in found ? await signIn(armAudience) : found;
  } catch (cause) {
    if (armAudience === undefined || !(cause instanceof CredentialError) || cause.code !== 'AUDIENCE_UNKNOWN') {
      throw cause;
    }
    log?.({ step: 'sign-in', outcome: 'arm-audience', source: identity.source, reason: cause.message });
    let found: EntraToken | NotSetUp;
    try {
      found = await signIn(armAudience);
    } catch {
      throw cause; // the first answer is the telling one
    }
    writeMarker(cache, marker, armAudience, runtime.now() / 1000, AUDIENCE_MARKER_SECONDS);
    return found;
  }
}

/** Only a token that is good for nothing but registries is kept, and only where the person lets it. */
function isKeepable({ registry, settings, parameters }: SignInRequest): boolean {
  const { audience } = registry.cloud;
  const isOfRegistries = (parameters.audience ?? audience) === audience && !ARM_AUDIENCES.includes(trimUrl(audience));
  return settings.cacheEntraTokens && isOfRegistries;
}

async function obtainKept(
  request: SignInRequest,
  open: (signsIn: boolean) => Promise<TokenContext>,
  isArmOnly: () => typeof ARM_ONLY | undefined,
  refused: string | undefined,
): Promise<EntraToken | NotSetUp | typeof ARM_ONLY> {
  const { runtime, registry, identity, cache } = request;
  const { audience } = registry.cloud;
  const key: CacheKey = { service: ENTRA_SERVICE, identity: identity.description, kind: `entra-token ${audience}` };
  const isUsable = (cached: CachedToken) => isFresh(cached, runtime.now() / 1000);
  if (cache !== undefined && refused !== undefined) dropCache(cache, key, refused);
  const cached = cache === undefined ? undefined : readCache(cache, key, runtime.now() / 1000);
  if (cached !== undefined && cached.token !== refused && isUsable(cached))
    return { token: cached.token, isKept: true };
  let isKept = true;
  try {
    const found = await obtainShared<NotSetUp | typeof ARM_ONLY>(request, key, {
      isUsable,
      refused,
      peek: isArmOnly,
      // Whoever waits has time to open the connection to its own registry.
      onWait: () => void (identity.origins === undefined ? undefined : open(false).catch(() => {})),
      get: async () => {
        isKept = false;
        const token = await identity.getToken(await open(true));
        return isNotSetUp(token) ? token : { token, expiresAtSeconds: await readEnd(token, audience) };
      },
    });
    return typeof found === 'string' ? { token: found, isKept } : found;
  } catch (cause) {
    throw nameRegistry(cause, registry.host);
  }
}

/** @returns the end of a token that says it is for this audience; `undefined` for one that must not be kept. */
async function readEnd(token: string, audience: string): Promise<number | undefined> {
  const { readAudiences, readClaims, readExpiry } = await import('./claims.ts');
  const audiences = readAudiences(readClaims(token));
  // A program that the person names may answer with a token of any kind.
  const isMeant = audiences.length > 0 && audiences.every((one) => trimUrl(String(one)) === trimUrl(audience));
  return isMeant ? readExpiry(token) : undefined;
}

/** The failure of a process that signed in for another registry, as if it had been for ours. */
function nameRegistry(failure: unknown, host: string): unknown {
  if (!(failure instanceof CredentialError)) return failure;
  const message = failure.message.replace(/^Cannot sign in for [^ :]+(?=:)/, `Cannot sign in for ${host}`);
  return message === failure.message ? failure : failure.with({ message });
}

function asNew(found: string | NotSetUp): EntraToken | NotSetUp {
  return typeof found === 'string' ? { token: found, isKept: false } : found;
}

function trimUrl(url: string): string {
  return url.replace(/\/+$/, '');
}
