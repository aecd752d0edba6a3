/**
 * The registry's access tokens. Each is limited to a scope and lives for 75 minutes.
 *
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */

import type { ExpiringToken } from '../cache/shared-token.ts';
import { CredentialError } from '../errors.ts';
import type { HttpClient } from '../network/http.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { describeRefusal, parseToken } from './token-response.ts';

/**
 * Gets an access token for a scope with the registry's refresh token (`POST /oauth2/token`).
 * @param scope such as `repository:team/app:pull`; the registry may grant less.
 * @throws TOKEN_REFUSED when the registry no longer accepts the refresh token, REGISTRY_REFUSED for any other refusal,
 * ANSWER_INVALID when the response contains no token or an expired one, NETWORK_FAILED
 */
export async function requestAccessToken(
  runtime: Runtime,
  http: HttpClient,
  registry: Registry,
  refreshToken: string,
  scope: readonly string[],
): Promise<ExpiringToken> {
  const { host, service } = registry;
  const response = await http.send({
    method: 'POST',
    url: `https://${host}/oauth2/token`,
    form: [
      ['grant_type', 'refresh_token'],
      ['service', service],
      ...scope.map((one) => ['scope', one] as const),
      ['refresh_token', refreshToken],
    ],
  });
  if (response.status !== 401) return parseToken(runtime, registry, response, 'access_token');
  throw new CredentialError('TOKEN_REFUSED', `${host} no longer accepts its own refresh token`, {
    causes: describeRefusal(response),
    hint: `docker logout ${shellWord(host)}`,
  });
}
