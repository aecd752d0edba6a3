/**
 * An access token for a user name and a password, or for nobody. Clients get it in this way; `get` does not.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */

import type { ExpiringToken } from '../cache/shared-token.ts';
import { CredentialError } from '../errors.ts';
import type { HttpClient } from '../network/http.ts';
import { MAX_FOREIGN_CHARACTERS } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { describeRefusal, parseToken } from './token-response.ts';

/** What the registry says, what it means, and what helps besides a logout. */
const REFUSALS: readonly (readonly [said: RegExp, meaning: string])[] = [
  [
    /Application not registered/i,
    'its user name is neither the admin user, nor a repository token, nor an application',
  ],
  [/Invalid client ?id or client secret/i, "the application's secret is wrong or has expired"],
  [/client id must be guid/i, 'its user name is not the id of an application'],
];

/**
 * Gets an access token with HTTP Basic (`GET /oauth2/token`).
 * @param login `undefined` for nobody: the registry may allow anonymous pulls.
 * @param scope such as `repository:team/app:pull`; the registry may grant less.
 * @throws TOKEN_REFUSED when the registry does not accept the login, REGISTRY_REFUSED for any other refusal,
 * ANSWER_INVALID when the response contains no token or an expired one, NETWORK_FAILED
 */
export async function requestLoginToken(
  runtime: Runtime,
  http: HttpClient,
  registry: Registry,
  login: { readonly username: string; readonly secret: string } | undefined,
  scope: string,
): Promise<ExpiringToken> {
  const { host, service } = registry;
  const query = new URLSearchParams({ service, scope });
  const response = await http.send({
    method: 'GET',
    url: `https://${host}/oauth2/token?${query}`,
    ...(login === undefined ? {} : { headers: { authorization: formatBasic(login) } }),
  });
  if (response.status !== 401) return parseToken(runtime, registry, response, 'access_token');
  const causes = describeRefusal(response);
  if (login === undefined) {
    throw new CredentialError('TOKEN_REFUSED', `${host} allows no anonymous pulls`, { causes });
  }
  const said = response.quote(response.body, MAX_FOREIGN_CHARACTERS);
  const meaning = REFUSALS.find(([pattern]) => pattern.test(said))?.[1] ?? 'its password is wrong or has expired';
  throw new CredentialError('TOKEN_REFUSED', `${host} refuses the stored login: ${meaning}`, {
    causes,
    hint: `docker logout ${shellWord(host)}`,
  });
}

function formatBasic({ username, secret }: { readonly username: string; readonly secret: string }): string {
  return `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`;
}
