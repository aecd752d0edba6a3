/**
 * The tokens of a person's sign-in, and the grant that gets new ones without the person.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#refresh-the-access-token
 */

import { asText, type JsonObject } from '../json.ts';
import type { Runtime } from '../system/runtime.ts';
import { type EntraContext, type GrantRefusal, requestGrant, type TokenClient } from './token-endpoint.ts';

/** A request for new tokens. */
export interface RefreshRequest extends TokenClient {
  readonly refreshToken: string;
}

/** The tokens that Entra issues to a person. */
export interface PersonTokens {
  readonly accessToken: string;
  /** Takes the place of the refresh token that was redeemed. */
  readonly refreshToken: string | undefined;
  /** The family of clients that may redeem the refresh token. */
  readonly familyId: string | undefined;
  /** Who signed in, as base64url of JSON with `uid` and `utid`. */
  readonly clientInfo: string | undefined;
  readonly idToken: string | undefined;
}

/** The OAuth errors after which only a sign-in by the person helps. */
const INTERACTIVE_ERRORS = ['interaction_required', 'consent_required', 'login_required'];
/** The same where the error is only `invalid_grant`: more proof, another password, or a sign-in that was broken off. */
const INTERACTIVE_SUBERRORS = ['basic_action', 'additional_action', 'user_password_expired', 'interrupted_user'];
/** The codes of a refresh token that has expired or was revoked; some responses have no suberror. */
const DEAD_CODES = ['70008', '700082', '70043', '50173', '50132', '50133'];

/** Formats the scope of a person's token. `offline_access` asks for a refresh token. */
export function formatPersonScope(audience: string): string {
  return `${audience}/.default openid profile offline_access`;
}

/**
 * Redeems a refresh token for an access token with the audience of the context, and a new refresh token.
 * @returns the tokens, or why Entra refuses.
 * @throws ANSWER_INVALID when a response with status 200 contains no token, NETWORK_FAILED
 */
export async function redeemRefreshToken(
  context: EntraContext,
  { refreshToken, ...client }: RefreshRequest,
): Promise<PersonTokens | GrantRefusal> {
  context.runtime.secrets.add(refreshToken);
  const answer = await requestGrant(context, {
    ...client,
    fields: {
      scope: formatPersonScope(context.audience),
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_info: '1', // names the person by ids that stay the same
    },
  });
  return 'failure' in answer ? answer : readPersonTokens(context.runtime, answer.granted);
}

/** Reads the tokens of a response that `requestGrant` returned. They are redacted from all output from then on. */
export function readPersonTokens(runtime: Runtime, granted: JsonObject): PersonTokens {
  const tokens = {
    accessToken: asText(granted['access_token']) ?? '',
    refreshToken: asText(granted['refresh_token']),
    familyId: asText(granted['foci']),
    clientInfo: asText(granted['client_info']),
    idToken: asText(granted['id_token']),
  };
  for (const secret of [tokens.accessToken, tokens.refreshToken, tokens.idToken]) {
    if (secret !== undefined && secret !== '') runtime.secrets.add(secret);
  }
  return tokens;
}

/** Whether a refusal means that the refresh token will never work again. */
export function isRefreshTokenDead({ error, suberror, code }: GrantRefusal): boolean {
  return error === 'invalid_grant' && (suberror === 'bad_token' || DEAD_CODES.includes(code ?? ''));
}

/** Whether a refusal means that the person has to sign in, to prove more or to agree. */
export function isPersonNeeded({ error, suberror, claims }: GrantRefusal): boolean {
  return INTERACTIVE_ERRORS.includes(error) || INTERACTIVE_SUBERRORS.includes(suberror ?? '') || claims !== undefined;
}
