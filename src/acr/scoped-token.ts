/** Gets an access token for a scope with any credential of a registry, as clients do. */

import type { ExpiringToken } from '../cache/shared-token.ts';
import { readClaims } from '../entra/claims.ts';
import type { HttpClient } from '../network/http.ts';
import { type Credential, IDENTITY_TOKEN_USERNAME, TOKEN_USERNAME } from '../protocol.ts';
import type { Registry } from '../registry.ts';
import type { Runtime } from '../system/runtime.ts';
import { requestAccessToken } from './access-token.ts';
import { requestLoginToken } from './login-token.ts';

/** What kind of secret a credential has. */
export type SecretKind = 'refresh-token' | 'access-token' | 'password';

/** Tells what kind of secret a credential has: what its token says of itself decides nothing else. */
export function kindOf({ username, secret }: Pick<Credential, 'username' | 'secret'>): SecretKind {
  if (username !== TOKEN_USERNAME && username !== IDENTITY_TOKEN_USERNAME) return 'password';
  return readClaims(secret)['grant_type'] === 'access_token' ? 'access-token' : 'refresh-token';
}

/**
 * Gets an access token for a scope.
 * @param credential `undefined` for nobody: the registry may allow anonymous pulls.
 * @param scope such as `repository:team/app:pull`; the registry may grant less.
 * @throws TOKEN_REFUSED when the registry does not accept the credential, REGISTRY_REFUSED for any other refusal,
 * ANSWER_INVALID when the response contains no token or an expired one, NETWORK_FAILED
 */
export async function requestScopedToken(
  runtime: Runtime,
  http: HttpClient,
  registry: Registry,
  credential: Credential | undefined,
  scope: readonly string[],
): Promise<ExpiringToken> {
  const token =
    credential !== undefined && kindOf(credential) === 'refresh-token'
      ? await requestAccessToken(runtime, http, registry, credential.secret, scope)
      : await requestLoginToken(runtime, http, registry, credential, scope.join(' '));
  runtime.secrets.add(token.token);
  return token;
}
