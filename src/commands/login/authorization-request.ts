/**
 * The request with which a browser opens Entra's sign-in page: the authorization code flow with PKCE.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
 * @see https://www.rfc-editor.org/rfc/rfc7636
 */

import { createHash, randomBytes } from 'node:crypto';
import { formatPersonScope } from '../../entra/refresh-token.ts';
import type { PersonRequest } from './person-request.ts';

/** What only this program knows of a request. The answer and the id token must fit. */
export interface AuthorizationSecrets {
  /** Comes back with the answer, which shows that the answer belongs to this request. */
  readonly state: string;
  /** Comes back in the id token, which shows that the token belongs to this request. */
  readonly nonce: string;
  /** Redeems the code, which is worth nothing to anybody else. */
  readonly verifier: string;
}

const RANDOM_BYTES = 32;

/** Makes the secrets of one request. The state and the nonce are parts of its URL; the verifier is not. */
export function createAuthorizationSecrets(): AuthorizationSecrets {
  const create = () => randomBytes(RANDOM_BYTES).toString('base64url');
  return { state: create(), nonce: create(), verifier: create() };
}

/** Formats the URL to open. */
export function formatAuthorizationUrl(
  { authority, tenant, clientId, audience, username, claims }: PersonRequest,
  { state, nonce, verifier }: AuthorizationSecrets,
  redirectUri: string,
): string {
  const query = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    // In a query, the code would stay in the history of the browser.
    response_mode: 'form_post',
    scope: formatPersonScope(audience),
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    // Without it, a browser that is signed in chooses the account by itself.
    prompt: 'select_account',
    ...(username === undefined ? {} : { login_hint: username }),
    ...(claims === undefined ? {} : { claims }),
  });
  // A plus sign for a space is right only in a form.
  return `${authority.url}/${tenant}/oauth2/v2.0/authorize?${query.toString().replaceAll('+', '%20')}`;
}
