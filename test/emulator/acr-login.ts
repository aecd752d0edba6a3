/** Identifies the caller behind a `user:password` pair of the Basic scheme or the password grant. */
import type { Grant } from './acr-scope.ts';
import { findRole, listPermissions } from './acr-scope.ts';
import { grantOfClaims, readRegistryToken } from './acr-token.ts';
import { parseString } from './json.ts';

import { type Context, NULL_GUID, type Registry } from './state.ts';

/** An authenticated caller. */
export interface Caller {
  readonly subject: string;
  readonly grant: Grant;
  /** The refresh token it came with, which an offline request gets back. */
  readonly refreshToken?: string;
}

export interface Refusal {
  /** ACR's error text; `undefined` is the generic one. */
  readonly message: string | undefined;
}

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Tries the pair as a token, the admin user, a repository token and a service principal, in the order of the service. */
export function judgeLogin(user: string, password: string, registry: Registry, context: Context): Caller | Refusal {
  if (user === NULL_GUID) {
    return readTokenLogin(password, registry, context) ?? { message: undefined };
  }
  if (user === registry.adminUser?.username) {
    return registry.adminUser.passwords.includes(password)
      ? { subject: user, grant: { kind: 'admin' } }
      : { message: undefined };
  }
  const token = registry.repositoryTokens.get(user);
  if (token !== undefined) {
    return token.passwords.includes(password)
      ? { subject: user, grant: { kind: 'token', token } }
      : { message: undefined };
  }
  return judgeServicePrincipal(user, password, registry, context);
}

/** @returns the holder of a valid refresh token. */
export function readRefreshLogin(token: string, registry: Registry, context: Context): Caller | undefined {
  const claims = readRegistryToken(context.state, registry, 'refresh_token', token, context.now);
  return claims === undefined
    ? undefined
    : { subject: parseString(claims['sub']) ?? '', grant: grantOfClaims(claims), refreshToken: token };
}

function readTokenLogin(token: string, registry: Registry, context: Context): Caller | undefined {
  const claims = readRegistryToken(context.state, registry, 'access_token', token, context.now);
  return claims === undefined
    ? readRefreshLogin(token, registry, context)
    : { subject: parseString(claims['sub']) ?? '', grant: grantOfClaims(claims) };
}

function judgeServicePrincipal(user: string, password: string, registry: Registry, context: Context): Caller | Refusal {
  const tenant = context.state.tenants.get(registry.homeTenant.toLowerCase());
  const application = GUID.test(user) ? tenant?.applications.get(user.toLowerCase()) : undefined;
  if (application === undefined) {
    return { message: 'Application not registered with AAD.' };
  }
  const isSecretGood = application.secrets.some(
    ({ value, expiresAtSeconds }) => value === password && (expiresAtSeconds ?? Infinity) > context.now,
  );
  if (!isSecretGood || !application.enabled) {
    return { message: 'Invalid clientid or client secret.' };
  }
  const { objectId } = application;
  return {
    subject: objectId,
    grant:
      registry.mode === 'abac'
        ? { kind: 'identity', objectId }
        : { kind: 'permissions', actions: listPermissions(findRole(registry, objectId)) },
  };
}
