/** Refresh and access tokens of ACR: what is in them, and whether one is still good. */
import { type Access, findRole, type Grant, listPermissions, parseAccess } from './acr-scope.ts';
import { type JsonRecord, parseRecord, parseString, parseStrings } from './json.ts';
import type { EmulatorState, Registry } from './state.ts';
import { decodeToken, issueToken, tokenId, verifyToken } from './tokens.ts';

const ISSUER = 'Azure Container Registry';

/** The identity that an Entra token names. */
export interface Identity {
  readonly objectId: string;
  readonly tenantId: string;
  /** The name of a person, the object id of an application. */
  readonly name: string;
}

/** Issues the refresh token of the exchange: with permissions in RBAC mode, with only the identity in ABAC mode. */
export function issueRefreshToken(state: EmulatorState, registry: Registry, identity: Identity, now: number): string {
  const rights =
    registry.mode === 'abac'
      ? { aad_identity: identity.objectId }
      : { permissions: { actions: listPermissions(findRole(registry, identity.objectId)), notActions: [] } };
  return issue(state, registry, now, registry.refreshTokenSeconds, {
    sub: identity.name,
    grant_type: 'refresh_token',
    tenant: identity.tenantId,
    ...rights,
    roles: [],
  });
}

/** Issues the access token of the token endpoint for the granted scopes. */
export function issueAccessToken(
  state: EmulatorState,
  registry: Registry,
  subject: string,
  access: readonly Access[],
  now: number,
): string {
  return issue(state, registry, now, registry.accessTokenSeconds, {
    sub: subject,
    access,
    roles: [],
    grant_type: 'access_token',
  });
}

/** @returns the claims of a valid token of this registry, of the kind asked for. */
export function readRegistryToken(
  state: EmulatorState,
  registry: Registry,
  kind: 'refresh_token' | 'access_token',
  token: string,
  now: number,
): JsonRecord | undefined {
  const claims = verifyToken('acr', token, now);
  if (claims === undefined || claims['aud'] !== registry.loginServer || claims['grant_type'] !== kind) {
    return undefined;
  }
  return state.tokenGenerations.get(tokenId(claims)) === generationOf(registry) ? claims : undefined;
}

/** What the holder of a refresh or access token with these claims may do. */
export function grantOfClaims(claims: JsonRecord): Grant {
  if (claims['grant_type'] === 'access_token') {
    return { kind: 'access', access: parseAccess(claims) };
  }
  const objectId = parseString(claims['aad_identity']);
  return objectId === undefined
    ? { kind: 'permissions', actions: parseStrings(parseRecord(claims['permissions'])?.['actions']) }
    : { kind: 'identity', objectId };
}

/** Switching to ABAC mode or raising the epoch invalidates every token issued before. */
function generationOf(registry: Registry): string {
  return `${registry.mode} ${registry.epoch}`;
}

function issue(state: EmulatorState, registry: Registry, now: number, seconds: number, claims: JsonRecord): string {
  const token = issueToken(state, 'acr', {
    nbf: now,
    exp: now + seconds,
    iat: now,
    iss: ISSUER,
    aud: registry.loginServer,
    version: '1.0',
    ...claims,
  });
  state.tokenGenerations.set(tokenId(decodeToken(token)?.claims ?? {}), generationOf(registry));
  return token;
}
