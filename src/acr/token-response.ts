/** Reads the responses of the registry's token service: a token, or an error with its reason and a hint. */

import type { ExpiringToken } from '../cache/shared-token.ts';
import { readExpiry, readExpiryFrom } from '../entra/claims.ts';
import { explainExpiredToken } from '../entra/expired-token.ts';
import { CredentialError } from '../errors.ts';
import { asJsonObject, asText, parseJsonObject } from '../json.ts';
import {
  describeCorrelation,
  describeResponse,
  type HttpResponse,
  quoteRefusal,
  readCorrelationId,
} from '../network/http.ts';
import { MAX_FOREIGN_CHARACTERS } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';

/** Anything else would move the cursor of a terminal, or be no header. @see https://www.rfc-editor.org/rfc/rfc6749#appendix-A.12 */
const TOKEN = /^[\x21-\x7E]+$/;

/**
 * Reads the token from a response; its expiry comes from the token itself. The registry's clock decides whether it has
 * expired. If this machine's clock contradicts that, the token is valid, but must not be cached.
 * @throws REGISTRY_REFUSED when the status is not 200, ANSWER_INVALID when the response contains no token or an expired
 * one.
 */
export function parseToken(
  runtime: Runtime,
  registry: Registry,
  response: HttpResponse,
  field: 'refresh_token' | 'access_token',
): ExpiringToken {
  if (response.status !== 200) throw explainRefusal(registry, response);
  const token = asText(parseJsonObject(response.body)?.[field]);
  if (token !== undefined && TOKEN.test(token))
    return { token, expiresAtSeconds: checkExpiry(runtime, registry, response, token) };
  throw new CredentialError('ANSWER_INVALID', `${registry.host} returned no ${field}`, {
    causes: describeCorrelation(readCorrelationId(response)),
    hint: 'check HTTPS_PROXY; the response may come from a proxy',
  });
}

/** @returns when the token expires by this machine's clock; `undefined` when that is not known. */
function checkExpiry(runtime: Runtime, { host }: Registry, response: HttpResponse, token: string): number | undefined {
  const expiresAtSeconds = readExpiry(token);
  if (expiresAtSeconds === undefined) return undefined;
  const nowSeconds = runtime.now() / 1000;
  const serverSeconds = Date.parse(response.header('date') ?? '') / 1000;
  if (expiresAtSeconds <= serverSeconds) {
    throw explainExpiredToken(host, expiresAtSeconds, serverSeconds, "the registry's clock");
  }
  if (expiresAtSeconds > nowSeconds) return readExpiryFrom(token, nowSeconds);
  if (Number.isNaN(serverSeconds)) throw explainExpiredToken(host, expiresAtSeconds, nowSeconds);
  return undefined;
}

/**
 * Explains a response of the registry that is neither what was asked for nor a 401.
 * @returns a REGISTRY_REFUSED error.
 */
export function explainRefusal({ host }: Registry, response: HttpResponse): CredentialError {
  const [name = host] = host.split(/[-.]/);
  const refuse = (what: string, hint: string) =>
    new CredentialError('REGISTRY_REFUSED', what, { causes: describeRefusal(response), hint });
  switch (response.status) {
    case 403: {
      const address = /client with IP '?([0-9a-fA-F.:]+)/.exec(
        response.quote(response.body, MAX_FOREIGN_CHARACTERS),
      )?.[1];
      if (address === undefined) {
        const query = '"{public:publicNetworkAccess,rules:networkRuleSet}"';
        return refuse(`${host} denies access`, `az acr show -n ${shellWord(name)} --query ${query}`);
      }
      const hint = `az acr network-rule add -n ${shellWord(name)} --ip-address ${shellWord(address)}`;
      return refuse(`the firewall of ${host} blocks ${address}`, hint);
    }
    case 404:
      return refuse(`${host} has no token service`, `az acr show -n ${shellWord(name)} --query loginServer`);
    case 429: {
      const seconds = response.header('retry-after');
      const wait = seconds === undefined ? 'a minute' : `${response.quote(seconds, 20)} seconds`;
      return refuse(`${host} received too many requests`, `wait ${wait} and try again`);
    }
    default:
      return refuse(
        `${host} responded with status ${response.status}`,
        `az acr check-health -n ${shellWord(name)} --ignore-errors --yes`,
      );
  }
}

/**
 * Describes a refusal as the causes of an error.
 * @returns the registry's own code and message, or the start of the body if it has none; then the correlation id.
 */
export function describeRefusal(response: HttpResponse): readonly string[] {
  const errors = parseJsonObject(response.body)?.['errors'];
  const error = asJsonObject(Array.isArray(errors) ? errors[0] : undefined);
  const refusal = quoteRefusal(response, asText(error?.['code']), asText(error?.['message']));
  return [
    describeResponse(response, refusal.code === undefined ? undefined : refusal),
    ...describeCorrelation(readCorrelationId(response)),
  ];
}
