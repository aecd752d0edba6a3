/**
 * The exchange of an Entra token for the registry's refresh token.
 *
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */

import type { ExpiringToken } from '../cache/shared-token.ts';
import { readClaims } from '../entra/claims.ts';
import { CredentialError } from '../errors.ts';
import { asText } from '../json.ts';
import type { HttpClient, HttpResponse } from '../network/http.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { describeRefusal, parseToken } from './token-response.ts';

/**
 * Exchanges an Entra token for the registry's refresh token (`POST /oauth2/exchange`).
 * @param tenant the tenant that the user configured; without one, the registry reads the tenant from the token.
 * @throws TOKEN_REFUSED when the registry does not accept the Entra token, REGISTRY_REFUSED for any other refusal,
 * ANSWER_INVALID when the response contains no token or an expired one, NETWORK_FAILED
 */
export async function exchangeToken(
  runtime: Runtime,
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
  return parseToken(runtime, registry, response, 'refresh_token');
}

/**
 * The registry responds with the same 401 to nearly every problem with an identity. The claims of the Entra token tell
 * the user which identity it was; they decide nothing.
 */
function explainUnauthorized(
  { host, service, cloud }: Registry,
  entraToken: string,
  response: HttpResponse,
): CredentialError {
  const [name = host] = service.split(/[-.]/);
  const claims = readClaims(entraToken);
  const who = ['upn', 'appid', 'azp', 'oid'].map((claim) => asText(claims[claim])).find((one) => one !== undefined);
  const account = response.quote(who ?? 'the identity', 80);
  const tenant = asText(claims['tid']);
  const causes = [...describeRefusal(response)];
  if (tenant !== undefined) causes.splice(1, 0, `the identity signed in to tenant ${response.quote(tenant, 40)}`);
  if (cloud.armAudience !== undefined && asText(claims['aud'])?.replace(/\/$/, '') === cloud.armAudience) {
    return new CredentialError(
      'TOKEN_REFUSED',
      `${host} refused a token for Azure Resource Manager, the only one that ${account} could get`,
      { causes, hint: `az acr config authentication-as-arm show -r ${shellWord(name)}` },
    );
  }
  return new CredentialError('TOKEN_REFUSED', `${account} has no role on the registry, or belongs to another tenant`, {
    causes,
    hint:
      `az role assignment create --role AcrPull --assignee ${shellWord(who ?? 'ID')} --scope $(az acr show -n ${shellWord(name)} --query id -o tsv) ` +
      `(a new role takes up to 10 minutes to apply); for a registry in another tenant, set its "tenantId"`,
  });
}
