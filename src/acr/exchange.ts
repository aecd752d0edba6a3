/**
 * The registry's own token service: an Entra token becomes an ACR refresh token, and that an ACR access token.
 *
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */

import { readClaims, readExpiry } from '../entra/claims.ts';
import { describeBody } from '../entra/token-endpoint.ts';
import { CredentialError } from '../errors.ts';
import { asJsonObject, asText, parseJsonObject } from '../json.ts';
import { type HttpResponse, readCorrelationId } from '../network/http.ts';
import { quoteForeignText } from '../redact.ts';
import type { Registry } from '../registry.ts';
import type { TokenContext } from '../sign-in/sign-in.ts';

/** A token of the registry, with its own end where it tells one. */
export interface RegistryToken {
  readonly token: string;
  readonly expiresAtSeconds: number | undefined;
}

/**
 * `POST /oauth2/exchange`.
 * @param tenant sent only when the person chose one: the registry reads it from the token otherwise.
 * @throws REGISTRY_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function exchangeToken(
  context: TokenContext,
  registry: Registry,
  entraToken: string,
  tenant: string | undefined,
): Promise<RegistryToken> {
  const response = await context.http.send({
    method: 'POST',
    url: `https://${registry.host}/oauth2/exchange`,
    form: [
      ['grant_type', 'access_token'],
      ['service', registry.service],
      ...(tenant === undefined ? [] : [['tenant', tenant] as const]),
      ['access_token', entraToken],
    ],
    purpose: context.purpose,
  });
  if (response.status === 401) throw explainUnauthorized(context, registry, entraToken, response);
  return parseToken(context, registry, response, 'refresh_token');
}

/**
 * `POST /oauth2/token`.
 * @param scope such as `repository:team/app:pull`; the registry may grant less.
 * @throws REGISTRY_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestAccessToken(
  context: TokenContext,
  registry: Registry,
  refreshToken: string,
  scope: readonly string[],
): Promise<RegistryToken> {
  const response = await context.http.send({
    method: 'POST',
    url: `https://${registry.host}/oauth2/token`,
    form: [
      ['grant_type', 'refresh_token'],
      ['service', registry.service],
      ...scope.map((one) => ['scope', one] as const),
      ['refresh_token', refreshToken],
    ],
    purpose: context.purpose,
  });
  return parseToken(context, registry, response, 'access_token');
}

function parseToken(
  context: TokenContext,
  registry: Registry,
  response: HttpResponse,
  field: 'refresh_token' | 'access_token',
): RegistryToken {
  const token = response.status === 200 ? asText(parseJsonObject(response.body)?.[field]) : undefined;
  if (token !== undefined) return { token, expiresAtSeconds: readExpiry(token) };
  const { host } = registry;
  const correlationId = readCorrelationId(response);
  const causes = [
    describeRefusal(response),
    ...(correlationId === undefined ? [] : [`correlation id ${correlationId}`]),
  ];
  const refuse = (what: string, hint: string) => {
    return new CredentialError('REGISTRY_REFUSED', `${context.purpose}: ${what}`, { causes, hint });
  };
  const [name = host] = host.split(/[-.]/);
  if (response.status === 200) {
    throw new CredentialError('ANSWER_INVALID', `${context.purpose}: ${host} answered without a ${field}`, {
      causes: correlationId === undefined ? [] : [`correlation id ${correlationId}`],
      hint: 'check HTTPS_PROXY; a proxy may have answered',
    });
  }
  if (response.status === 401) {
    const what = `${context.purpose}: ${host} does not accept its own token any more`;
    throw new CredentialError('TOKEN_REFUSED', what, { causes, hint: `docker logout ${host}` });
  }
  if (response.status === 403) {
    const address = /client with IP '?([0-9a-fA-F.:]+)/.exec(response.body)?.[1];
    if (address !== undefined) {
      throw refuse(
        `the firewall of ${host} does not let ${address} in`,
        `az acr network-rule add -n ${name} --ip-address ${address}`,
      );
    }
    throw refuse(
      `${host} denies access`,
      `az acr show -n ${name} --query "{public:publicNetworkAccess,rules:networkRuleSet}"`,
    );
  }
  if (response.status === 404)
    throw refuse(`${host} has no token service`, `az acr show -n ${name} --query loginServer`);
  if (response.status === 429) {
    const seconds = response.header('retry-after');
    const wait = seconds === undefined ? 'a minute' : `${quoteForeignText(seconds, 20)} seconds`;
    throw refuse(`${host} sees too many requests`, `wait ${wait} and try again`);
  }
  throw refuse(`${host} answered ${response.status}`, `az acr check-health -n ${name} --ignore-errors --yes`);
}

/**
 * The registry gives one 401 for nearly every problem with an identity, so the Entra token is asked who it is.
 * What it says is for people only; it is the registry that judges.
 */
function explainUnauthorized(
  context: TokenContext,
  { host, service, cloud }: Registry,
  entraToken: string,
  response: HttpResponse,
): CredentialError {
  const [name = host] = service.split(/[-.]/);
  const claims = readClaims(entraToken);
  const who =
    asText(claims['upn']) ??
    asText(claims['appid']) ??
    asText(claims['azp']) ??
    asText(claims['oid']) ??
    'the identity';
  const tenant = asText(claims['tid']);
  const correlationId = readCorrelationId(response);
  const causes = [
    describeRefusal(response),
    ...(tenant === undefined ? [] : [`the identity signed in at tenant ${quoteForeignText(tenant, 40)}`]),
    ...(correlationId === undefined ? [] : [`correlation id ${correlationId}`]),
  ];
  const account = quoteForeignText(who, 80);
  if (cloud.armAudience !== undefined && asText(claims['aud'])?.replace(/\/$/, '') === cloud.armAudience) {
    const what = `${context.purpose}: ${host} refused a token for Azure Resource Manager, which ${account} got for want of another`;
    return new CredentialError('REGISTRY_REFUSED', what, {
      causes,
      hint: `az acr config authentication-as-arm show -r ${name}`,
    });
  }
  return new CredentialError(
    'REGISTRY_REFUSED',
    `${context.purpose}: ${account} has no role there, or is of another tenant`,
    {
      causes,
      hint:
        `az role assignment create --role AcrPull --assignee ${account} --scope $(az acr show -n ${name} --query id -o tsv) ` +
        `(a new role takes up to 10 minutes); for a registry of another tenant set its "tenantId"`,
    },
  );
}

/** The registry's own words, or what came instead of them. */
function describeRefusal(response: HttpResponse): string {
  const errors = parseJsonObject(response.body)?.['errors'];
  const error = asJsonObject(Array.isArray(errors) ? errors[0] : undefined);
  const code = asText(error?.['code']);
  if (code === undefined) return describeBody(response);
  return `HTTP ${response.status} ${quoteForeignText(code, 40)}: ${quoteForeignText(asText(error?.['message']) ?? '')}`;
}
