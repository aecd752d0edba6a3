/** `POST /oauth2/exchange`: an Entra token for an ACR refresh token. */
import { emptyResponse, notFound, refuseToken, tokenHeaders, tokenResponse } from './acr-error.ts';
import { findRole, listPermissions } from './acr-scope.ts';
import { type Identity, issueRefreshToken } from './acr-token.ts';
import { parseString } from './json.ts';
import { type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';

import { ARM_AUDIENCES, type Context, type Registry } from './state.ts';
import { verifyToken } from './tokens.ts';

/** Answers the exchange; nearly every problem with the identity is the same 401. */
export function answerExchange(registry: Registry, request: EmulatedRequest, context: Context): EmulatedResponse {
  if (request.method !== 'POST') {
    return notFound(context);
  }
  const grantType = request.form.get('grant_type') ?? '';
  const service = request.form.get('service') ?? '';
  if (grantType === '' || service === '') {
    return badRequest(`${grantType === '' ? 'grant_type' : 'service'} is missing`, context);
  }
  const isAccessGrant = grantType === 'access_token' || grantType === 'access_token_refresh_token';
  if (!isAccessGrant && grantType !== 'refresh_token') {
    return badRequest('unsupported grant_type', context);
  }
  const presented = request.form.get(isAccessGrant ? 'access_token' : 'refresh_token') ?? '';
  const read = isAccessGrant ? readAccessToken : readRefreshToken;
  const claimed = service === registry.loginServer ? read(presented, registry, context) : undefined;
  const identity = claimed !== undefined && isWelcome(claimed, registry) ? claimed : undefined;
  if (identity === undefined) {
    return registry.emptyRefusals ? emptyResponse(401, context) : refuseToken(registry, context);
  }
  return tokenResponse({ refresh_token: issueRefreshToken(context.state, registry, identity, context.now) }, context);
}

function readAccessToken(token: string, registry: Registry, context: Context): Identity | undefined {
  const claims = verifyToken('entra', token, context.now);
  const objectId = parseString(claims?.['oid']);
  const tenantId = parseString(claims?.['tid']);
  const audience = parseString(claims?.['aud'])?.replace(/\/+$/, '') ?? '';
  const isAudienceGood = audience === registry.audience || (registry.armTokens && ARM_AUDIENCES.includes(audience));
  if (objectId === undefined || tenantId === undefined || !isAudienceGood) {
    return undefined;
  }
  return { objectId, tenantId, name: parseString(claims?.['upn']) ?? objectId };
}

/** The deprecated grant, with an Entra refresh token. */
function readRefreshToken(token: string, _registry: Registry, context: Context): Identity | undefined {
  const issued = context.state.signIn.refreshTokens.get(token);
  return issued === undefined || issued.isRevoked || issued.expiresAtSeconds <= context.now
    ? undefined
    : { ...issued, name: context.state.signIn.user.name };
}

function isWelcome({ objectId, tenantId }: Identity, registry: Registry): boolean {
  // In ABAC mode the exchange proves the identity only; what it may do is checked later.
  const hasRole = registry.mode === 'abac' || listPermissions(findRole(registry, objectId)).length > 0;
  return hasRole && tenantId.toLowerCase() === registry.homeTenant.toLowerCase();
}

function badRequest(message: string, context: Context): EmulatedResponse {
  const response = jsonResponse(400, { errors: [{ code: 'BAD_REQUEST', message }] }, tokenHeaders(context));
  return { ...response, body: `${response.body}\n` };
}
