/** The grants of a user: device code, authorization code and refresh token, and their answers. */
import { createHash, randomBytes } from 'node:crypto';
import { entraResponse } from './entra-error.ts';

import { formatMissing, parseUserScope } from './entra-scope.ts';
import { issueIdToken, issueUserToken } from './entra-token.ts';
import type { EmulatedRequest, EmulatedResponse } from './message.ts';

import {
  type Application,
  AZURE_CLI_CLIENT_ID,
  AZURE_POWERSHELL_CLIENT_ID,
  type Context,
  type EmulatorState,
  type Tenant,
} from './state.ts';
import type { EntraError, User, UserRefreshToken } from './state-sign-in.ts';

/** A request to a tenant, and which of its applications sends it. */
export interface GrantRequest {
  readonly tenant: Tenant;
  readonly client: Application;
  readonly request: EmulatedRequest;
  readonly context: Context;
}

/** `POST …/devicecode`: starts a sign-in that the state's `signIn` decides. */
export function answerDeviceCode({ client, request, context }: GrantRequest): EmulatedResponse {
  const { signIn } = context.state;
  const deviceCode = createSecret(context.state);
  const userCode = randomBytes(5).toString('hex').slice(0, 9).toUpperCase();
  signIn.deviceCodes.set(deviceCode, {
    clientId: client.clientId,
    scope: request.form.get('scope') ?? '',
    expiresAtSeconds: context.now + 900,
    claims: request.form.get('claims') ?? undefined,
    polls: 0,
  });
  const verificationUri = 'https://microsoft.com/devicelogin';
  return entraResponse(
    200,
    {
      user_code: userCode,
      device_code: deviceCode,
      verification_uri: verificationUri,
      expires_in: 900,
      interval: signIn.intervalSeconds,
      message: `To sign in, use a web browser to open the page ${verificationUri} and enter the code ${userCode} to authenticate.`,
    },
    context,
    request,
  );
}

export function grantDeviceCode(asked: GrantRequest): EmulatedResponse | EntraError {
  const { client, request, context } = asked;
  const { signIn } = context.state;
  const code = request.form.get('device_code') ?? '';
  const pending = signIn.deviceCodes.get(code);
  if (pending === undefined || pending.clientId !== client.clientId) {
    return { error: 'bad_verification_code', code: 70_018, text: 'Invalid verification code.' };
  }
  if (pending.expiresAtSeconds <= context.now) {
    return { error: 'expired_token', code: 70_019, text: 'Verification code expired.' };
  }
  pending.polls += 1;
  if (pending.polls <= signIn.pendingPolls) {
    const text = 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.';
    return { error: 'authorization_pending', code: 70_016, text };
  }
  if (signIn.declines) {
    return { error: 'authorization_declined', code: 70_020, text: 'The end user denied the authorization request.' };
  }
  signIn.deviceCodes.delete(code);
  return answerUser(asked, { scope: pending.scope, claims: pending.claims });
}

export function grantAuthorizationCode(asked: GrantRequest): EmulatedResponse | EntraError {
  const { client, request, context } = asked;
  const { authorizationCodes } = context.state.signIn;
  const code = request.form.get('code') ?? '';
  const issued = authorizationCodes.get(code);
  if (issued === undefined || issued.clientId !== client.clientId) {
    const text = 'OAuth2 Authorization code was already redeemed, please retry with a new valid code.';
    return { error: 'invalid_grant', code: 54_005, text };
  }
  authorizationCodes.delete(code);
  if (issued.expiresAtSeconds <= context.now) {
    return { error: 'invalid_grant', code: 70_008, text: 'The provided authorization code has expired.' };
  }
  if (request.form.get('redirect_uri') !== issued.redirectUri) {
    const text = 'The reply address does not match the one of the authorization request.';
    return { error: 'invalid_client', code: 500_112, text };
  }
  const verifier = request.form.get('code_verifier') ?? '';
  if (createHash('sha256').update(verifier).digest('base64url') !== issued.codeChallenge) {
    const text = 'The Code_Verifier does not match the code_challenge supplied in the authorization request.';
    return { error: 'invalid_grant', code: 501_481, text };
  }
  const scope = request.form.get('scope') ?? issued.scope;
  return answerUser(asked, { scope, nonce: issued.nonce, claims: issued.claims });
}

export function grantRefreshToken(asked: GrantRequest): EmulatedResponse | EntraError {
  const { client, request, context } = asked;
  const token = request.form.get('refresh_token');
  if (token === null) {
    return formatMissing('refresh_token');
  }
  const issued = context.state.signIn.refreshTokens.get(token);
  if (issued === undefined || (issued.clientId !== client.clientId && !isOfFamily(issued.clientId))) {
    const text = 'Invalid request. Request is malformed or invalid.';
    return { error: 'invalid_grant', code: 9_002_313, text };
  }
  if (issued.clientId !== client.clientId && !isOfFamily(client.clientId)) {
    const text = 'The refresh token was issued to a family of clients, and the client is not a member of it.';
    return { error: 'invalid_grant', code: 70_000, text, suberror: 'client_mismatch' };
  }
  if (issued.isRevoked || issued.expiresAtSeconds <= context.now) {
    const text = issued.isRevoked
      ? 'The provided grant has expired due to it being revoked, a fresh auth token is needed.'
      : 'The refresh token has expired due to inactivity.';
    return { error: 'invalid_grant', code: issued.isRevoked ? 50_173 : 700_082, text, suberror: 'bad_token' };
  }
  const { demandedClaims: claims, revokesUsedTokens } = context.state.signIn;
  if (claims !== undefined && issued.claims !== claims) {
    const text = 'The user must sign in again, as a policy of the tenant demands.';
    return { error: 'interaction_required', code: 50_076, text, suberror: 'basic_action', claims };
  }
  const answer = answerUser(asked, { scope: request.form.get('scope') ?? '', claims: issued.claims }, issued.user);
  if (revokesUsedTokens && !('error' in answer)) {
    issued.isRevoked = true;
  }
  return answer;
}

/** Whether a client shares its refresh tokens with the others of the family. */
function isOfFamily(clientId: string): boolean {
  return [AZURE_CLI_CLIENT_ID, AZURE_POWERSHELL_CLIENT_ID].includes(clientId);
}

/** An unguessable text, known to the leak scans. */
export function createSecret(state: EmulatorState): string {
  const secret = `1.A${randomBytes(48).toString('base64url')}`;
  state.issuedSecrets.add(secret);
  return secret;
}

/** What a sign-in was asked for. */
interface Asked {
  readonly scope: string;
  readonly nonce?: string | undefined;
  readonly claims: string | undefined;
}

function answerUser(
  asked: GrantRequest,
  { scope, nonce, claims }: Asked,
  user = asked.context.state.signIn.user,
): EmulatedResponse | EntraError {
  const { tenant, client, request, context } = asked;
  const { clientId } = client;
  const { state, now } = context;
  const { refusal } = state.signIn;
  if (refusal !== undefined) {
    return refusal;
  }
  const audience = parseUserScope(scope, tenant);
  if (typeof audience !== 'string') {
    return audience;
  }
  const words = scope.split(' ');
  const seconds = state.entraTokenSeconds;
  const of = { tenant, user, clientId, audience };
  return entraResponse(
    200,
    {
      token_type: 'Bearer',
      scope: `${audience}/user_impersonation`,
      expires_in: seconds,
      ext_expires_in: seconds,
      access_token: issueUserToken(state, of, now),
      ...(words.includes('offline_access')
        ? { refresh_token: issueRefreshToken(state, { user, tenantId: tenant.id, clientId, claims }, now) }
        : {}),
      ...(words.includes('openid') ? { id_token: issueIdToken(state, { ...of, nonce }, now) } : {}),
      ...(request.form.get('client_info') === '1' ? { client_info: encodeClientInfo(user, tenant) } : {}),
      ...(isOfFamily(clientId) ? { foci: '1' } : {}),
    },
    context,
    request,
  );
}

/** Issues a refresh token, as a sign-in of the user does. Each use issues a new one. */
export function issueRefreshToken(
  state: EmulatorState,
  of: Pick<UserRefreshToken, 'user' | 'tenantId' | 'clientId'> & { readonly claims?: string | undefined },
  now: number,
): string {
  const token = createSecret(state);
  state.signIn.refreshTokens.set(token, {
    ...of,
    claims: of.claims,
    objectId: of.user.objectId,
    expiresAtSeconds: now + 90 * 86_400,
    isRevoked: false,
  });
  return token;
}

function encodeClientInfo(user: User, tenant: Tenant): string {
  return Buffer.from(JSON.stringify({ uid: user.objectId, utid: tenant.id })).toString('base64url');
}
