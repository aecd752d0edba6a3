/**
 * The registry's exchange of an Entra token for a refresh token of its own.
 *
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */

import type { ExpiringToken } from '../cache/shared-token.ts';
import { readClaims } from '../entra/claims.ts';
import { CredentialError } from '../errors.ts';
import { asText } from '../json.ts';
import type { HttpClient, HttpResponse } from '../network/http.ts';
import { quoteForeignText } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { describeRefusal, parseToken } from './token-response.ts';

/**
 * `POST /oauth2/exchange`.
 * @param tenant sent only when the person chose one: the registry reads it from the token otherwise.
 * @throws TOKEN_REFUSED when it does not accept the Entra token, REGISTRY_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function exchangeToken(
  http: HttpClient,
  registry: Registry,
  entraToken: string,
  tenant: string | undefined,
): Promise<ExpiringToken> {
  const response = await http.send({
    method: 'POST',
    url: `https://${registry.host}/oauth2/exchange`,
    form: [
      ['grant_type', 'access_token'],
      ['service', registry.service],
      ...(tenant === undefined ? [] : [['tenant', tenant] as const]),
      ['access_token', entraToken],
    ],
  });
  if (response.status === 401) throw explainUnauthorized(registry, entraToken, response);
  return parseToken(registry, response, 'refresh_token');
}

/**
 * The registry gives one 401 for nearly every problem with an identity, so the Entra token is asked who it is.
 * What it says is for people only; it is the registry that decides.
 */
function explainUnauthorized(
  { host, service, cloud }: Registry,
  entraToken: string,
  response: HttpResponse,
): CredentialError {
  const [name = host] = service.split(/[-.]/);
  const claims = readClaims(entraToken);
  const who = ['upn', 'appid', 'azp', 'oid'].map((claim) => asText(claims[claim])).find((one) => one !== undefined);
  const account = quoteForeignText(who ?? 'the identity', 80);
  const tenant = asText(claims['tid']);
  const causes = [...describeRefusal(response)];
  if (tenant !== undefined) causes.splice(1, 0, `the identity signed in at tenant ${quoteForeignText(tenant, 40)}`);
  if (cloud.armAudience !== undefined && asText(claims['aud'])?.replace(/\/$/, '') === cloud.armAudience) {
    return new CredentialError(
      'TOKEN_REFUSED',
      `${host} refused a token for Azure Resource Manager, the only one that ${account} could get`,
      { causes, hint: `az acr config authentication-as-arm show -r ${name}` },
    );
  }
  return new CredentialError('TOKEN_REFUSED', `${account} has no role there, or is of another tenant`, {
    causes,
    hint:
      `az role assignment create --role AcrPull --assignee ${account} --scope $(az acr show -n ${name} --query id -o tsv) ` +
      `(a new role takes up to 10 minutes); for a registry of another tenant set its "tenantId"`,
  });
}
