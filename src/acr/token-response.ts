/** The responses of the registry's token service: the token, or why there is none and what helps. */

import type { ExpiringToken } from '../cache/shared-token.ts';
import { readExpiry } from '../entra/claims.ts';
import { CredentialError } from '../errors.ts';
import { asJsonObject, asText, parseJsonObject } from '../json.ts';
import { describeCorrelation, describeResponse, type HttpResponse, readCorrelationId } from '../network/http.ts';
import { quoteForeignText } from '../redact.ts';
import type { Registry } from '../registry.ts';

/** @throws REGISTRY_REFUSED, ANSWER_INVALID */
export function parseToken(
  registry: Registry,
  response: HttpResponse,
  field: 'refresh_token' | 'access_token',
): ExpiringToken {
  if (response.status !== 200) throw explainRefusal(registry, response);
  const token = asText(parseJsonObject(response.body)?.[field]);
  if (token !== undefined) return { token, expiresAtSeconds: readExpiry(token) };
  throw new CredentialError('ANSWER_INVALID', `${registry.host} answered without a ${field}`, {
    causes: describeCorrelation(readCorrelationId(response)),
    hint: 'check HTTPS_PROXY; a proxy may have answered',
  });
}

function explainRefusal({ host }: Registry, response: HttpResponse): CredentialError {
  const [name = host] = host.split(/[-.]/);
  const refuse = (what: string, hint: string) =>
    new CredentialError('REGISTRY_REFUSED', what, { causes: describeRefusal(response), hint });
  switch (response.status) {
    case 403: {
      const address = /client with IP '?([0-9a-fA-F.:]+)/.exec(response.body)?.[1];
      if (address === undefined) {
        const query = '"{public:publicNetworkAccess,rules:networkRuleSet}"';
        return refuse(`${host} denies access`, `az acr show -n ${name} --query ${query}`);
      }
      const hint = `az acr network-rule add -n ${name} --ip-address ${address}`;
      return refuse(`the firewall of ${host} does not let ${address} in`, hint);
    }
    case 404:
      return refuse(`${host} has no token service`, `az acr show -n ${name} --query loginServer`);
    case 429: {
      const seconds = response.header('retry-after');
      const wait = seconds === undefined ? 'a minute' : `${quoteForeignText(seconds, 20)} seconds`;
      return refuse(`${host} receives too many requests`, `wait ${wait} and try again`);
    }
    default:
      return refuse(`${host} answered ${response.status}`, `az acr check-health -n ${name} --ignore-errors --yes`);
  }
}

/** The registry's own words, or what came instead of them, and what its log knows the request by. */
export function describeRefusal(response: HttpResponse): readonly string[] {
  const errors = parseJsonObject(response.body)?.['errors'];
  const error = asJsonObject(Array.isArray(errors) ? errors[0] : undefined);
  const refusal = { code: asText(error?.['code']), message: asText(error?.['message']) };
  return [
    describeResponse(response, refusal.code === undefined ? undefined : refusal),
    ...describeCorrelation(readCorrelationId(response)),
  ];
}
