/** Reads the responses of the managed identity services: the token, or the refusal in the words of each. */

import { readExpiry } from '../../entra/claims.ts';
import { CredentialError } from '../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import {
  describeCorrelation,
  describeResponse,
  type HttpResponse,
  type Refusal,
  readCorrelationId,
} from '../../network/http.ts';
import { quoteForeignText } from '../../redact.ts';
import type { Runtime } from '../../system/runtime.ts';
import { parseExpiry } from './expiry.ts';
import type { TokenService } from './request.ts';

/** What Entra says, and a service passes on, when it does not know the resource. */
const UNKNOWN_RESOURCE = /\bAADSTS(500011|50001|650052|650057)\b/;

/**
 * Takes the token from a response.
 * @param isAudienceRefused whether a refusal means that only the audience is at fault, in the service's own words.
 * @throws IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID
 */
export function parseTokenResponse(
  runtime: Runtime,
  service: TokenService,
  response: HttpResponse,
  isAudienceRefused: (refusal: Refusal) => boolean = () => false,
): string {
  if (response.status !== 200) throw explainRefusal(service, response, isAudienceRefused);
  const answer = parseJsonObject(response.body);
  const token = asText(answer?.['access_token']);
  if (answer === undefined || token === undefined) {
    throw new CredentialError('ANSWER_INVALID', `${service.name} answered without a token`, {
      hint: service.hint,
    });
  }
  const nowSeconds = runtime.now() / 1000;
  const endSeconds = parseExpiry(answer, nowSeconds) ?? readExpiry(token);
  if (endSeconds !== undefined && endSeconds <= nowSeconds) {
    const [end, now] = [endSeconds, nowSeconds].map(formatTime);
    throw new CredentialError('ANSWER_INVALID', `${service.name} answered with a token that has already expired`, {
      causes: [`it expired at ${end}, and this machine's clock says ${now}`],
      hint: "check this machine's clock: date -u",
    });
  }
  return token;
}

/** What a service says of its refusal, if it is one of a service's own. */
export function readRefusal({ body }: HttpResponse): Refusal | undefined {
  const answer = parseJsonObject(body);
  if (answer === undefined) return undefined;
  const error = asJsonObject(answer['error']); // Cloud Shell and Service Fabric
  const message =
    asText(error?.['message']) ??
    asText(answer['message']) ?? // App Service
    asText(answer['error_description']) ?? // IMDS and Azure Arc
    asText(answer['Message']);
  return { code: asText(error?.['code']) ?? asText(answer['error']), message };
}

/** A refusal as the cause of an error, with what the service's own log knows it by. */
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
    const what = `${service.name} gives out no token for Azure Container Registry`;
    return new CredentialError('AUDIENCE_UNKNOWN', `${what}`, { causes, hint: service.hint });
  }
  const name = refusal?.code === undefined ? `HTTP ${response.status}` : quoteForeignText(refusal.code, 60);
  return new CredentialError('IDENTITY_FAILED', `${service.name} gives out no token (${name})`, {
    causes,
    hint: service.hint,
  });
}

function readCorrelation(response: HttpResponse): string | undefined {
  const answer: JsonObject = parseJsonObject(response.body) ?? {};
  const id = asText(asJsonObject(answer['error'])?.['correlationId']) ?? asText(answer['correlationId']);
  return id === undefined ? readCorrelationId(response) : quoteForeignText(id, 64);
}

function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'an impossible time' : date.toISOString();
}
