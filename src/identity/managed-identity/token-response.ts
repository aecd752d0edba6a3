/** Reads the responses of the managed identity services: a token, or an error in the format of each service. */

import { readExpiry } from '../../entra/claims.ts';
import { explainExpiredToken } from '../../entra/expired-token.ts';
import { CredentialError } from '../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import {
  describeCorrelation,
  describeResponse,
  type HttpResponse,
  quoteRefusal,
  type Refusal,
  readCorrelationId,
} from '../../network/http.ts';
import type { Runtime } from '../../system/runtime.ts';
import { parseExpiry } from './expiry.ts';
import type { TokenService } from './request.ts';

/** Entra's error codes for an unknown resource, which a service passes on. */
const UNKNOWN_RESOURCE = /\bAADSTS(500011|50001|650052|650057)\b/;

/**
 * Reads the token from a response.
 * @param isAudienceRefused whether a refusal, as this service words it, means that it does not know the audience.
 * @throws IDENTITY_FAILED when the service refuses, AUDIENCE_UNKNOWN when it does not know the audience, ANSWER_INVALID
 * when the response contains no token or an expired one.
 */
export function parseTokenResponse(
  runtime: Runtime,
  service: TokenService,
  response: HttpResponse,
  isAudienceRefused: (refusal: Refusal) => boolean = () => false,
): string {
  if (response.status !== 200) throw explainRefusal(service, response, isAudienceRefused);
  const body = parseJsonObject(response.body);
  const token = asText(body?.['access_token']);
  if (body === undefined || token === undefined) {
    throw new CredentialError('ANSWER_INVALID', `${service.name} returned no token`, {
      hint: service.hint,
    });
  }
  const nowSeconds = runtime.now() / 1000;
  const expiresAtSeconds = parseExpiry(body, nowSeconds) ?? readExpiry(token);
  if (expiresAtSeconds !== undefined && expiresAtSeconds <= nowSeconds) {
    throw explainExpiredToken(service.name, expiresAtSeconds, nowSeconds);
  }
  return token;
}

/**
 * Reads the code and the message of an error response, quoted.
 * @returns `undefined` when the body is not a JSON object, so that it does not come from one of these services.
 */
export function readRefusal(response: HttpResponse): Refusal | undefined {
  const body = parseJsonObject(response.body);
  if (body === undefined) return undefined;
  const error = asJsonObject(body['error']); // Cloud Shell and Service Fabric
  const message =
    asText(error?.['message']) ??
    asText(body['message']) ?? // App Service
    asText(body['error_description']) ?? // IMDS and Azure Arc
    asText(body['Message']);
  return quoteRefusal(response, asText(error?.['code']) ?? asText(body['error']), message);
}

/**
 * Describes a refusal as the causes of an error: status and message, then the id of the request in the service's log.
 */
export function describeRefusal(response: HttpResponse): string[] {
  return [describeResponse(response, readRefusal(response)), ...describeCorrelation(readCorrelation(response))];
}

function explainRefusal(
  service: TokenService,
  response: HttpResponse,
  isAudienceRefused: (refusal: Refusal) => boolean,
): CredentialError {
  const causes = describeRefusal(response);
  const refusal = readRefusal(response);
  if (refusal !== undefined && (UNKNOWN_RESOURCE.test(refusal.message ?? '') || isAudienceRefused(refusal))) {
    const what = `${service.name} does not issue tokens for Azure Container Registry`;
    return new CredentialError('AUDIENCE_UNKNOWN', what, { causes, hint: service.hint });
  }
  const name = refusal?.code === undefined ? `HTTP ${response.status}` : response.quote(refusal.code, 60);
  return new CredentialError('IDENTITY_FAILED', `${service.name} issued no token (${name})`, {
    causes,
    hint: service.hint,
  });
}

function readCorrelation(response: HttpResponse): string | undefined {
  const body: JsonObject = parseJsonObject(response.body) ?? {};
  const id = asText(asJsonObject(body['error'])?.['correlationId']) ?? asText(body['correlationId']);
  return id === undefined ? readCorrelationId(response) : response.quote(id, 64);
}
