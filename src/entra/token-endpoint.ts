/**
 * Entra ID's token endpoint.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */

import { randomUUID } from 'node:crypto';
import { CredentialError } from '../errors.ts';
import { asText, type JsonObject, parseJsonObject } from '../json.ts';
import {
  describeCorrelation,
  describeResponse,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
} from '../network/http.ts';
import { MAX_FOREIGN_CHARACTERS, type Quote } from '../redact.ts';
import type { Runtime } from '../system/runtime.ts';
import type { Authority } from './authority.ts';
import { type Claims, readAudiences, readClaims } from './claims.ts';
import { findEntraAdvice, UNKNOWN_AUDIENCE_CODES } from './error-codes.ts';

/** What every request to the token endpoint needs. */
export interface EntraContext {
  readonly runtime: Runtime;
  readonly http: HttpClient;
  /** The audience of the token, without `/.default`. */
  readonly audience: string;
}

/** A request for an access token with the client-credentials grant. */
export interface TokenRequest {
  readonly authority: Authority;
  readonly tenant: string;
  readonly clientId: string;
  /** The form fields that prove the client's identity: a secret, or an assertion. */
  readonly credential: Readonly<Record<string, string>>;
  /** What signs in, for error messages: "the client secret of …". */
  readonly actor: string;
  /** The other issuer's token in `credential`. Error messages name its issuer, subject and audience. */
  readonly assertion?: string;
  /** A description of the certificate that signed; shown when Entra does not accept it. */
  readonly certificate?: string;
  readonly route?: TokenRoute | undefined;
}

/** Another way to the token endpoint than the authority itself: a cluster's token proxy. */
export interface TokenRoute {
  readonly http: HttpClient;
  readonly tokenEndpoint: string;
  /** The hint for when it cannot be reached or sends no OAuth response. */
  readonly hint: string;
}

const CERTIFICATE_CODES = ['700027', '50012', '700030'];
const TIME_CODES = ['700024', '500133', '50013'];
/** Network latency and the header's whole seconds explain a smaller difference: the clocks agree. */
const CLOCK_TOLERANCE_SECONDS = 10;

/**
 * Gets an access token for the registry's audience with the client-credentials grant.
 * @throws ENTRA_REFUSED, AUDIENCE_UNKNOWN when Entra refuses only the audience, ANSWER_INVALID when a response with
 * status 200 contains no token, NETWORK_FAILED
 */
export async function requestToken(context: EntraContext, request: TokenRequest): Promise<string> {
  const { authority, tenant, clientId, credential, route } = request;
  const url = route?.tokenEndpoint ?? formatTokenEndpoint(authority, tenant);
  const httpRequest: HttpRequest = {
    method: 'POST',
    url,
    // Entra returns it as the correlation id, which identifies the sign-in in the tenant's logs.
    headers: { 'client-request-id': randomUUID(), 'return-client-request-id': 'true' },
    form: [
      ['client_id', clientId],
      ['scope', `${context.audience}/.default`],
      ['grant_type', 'client_credentials'],
      ...Object.entries(credential),
    ],
  };
  return parseToken(context, request, await sendOn(route, httpRequest, context.http), new URL(url).host);
}

async function sendOn(
  route: TokenRoute | undefined,
  httpRequest: HttpRequest,
  http: HttpClient,
): Promise<HttpResponse> {
  if (route === undefined) return await http.send(httpRequest);
  try {
    return await route.http.send(httpRequest);
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    // The client's own hint is to check HTTPS_PROXY, but this request does not go through that proxy.
    throw cause.with({ hint: route.hint });
  }
}

/** Formats a signed token as the form fields that prove the client's identity. */
export function formatAssertion(assertion: string): Readonly<Record<string, string>> {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
}

/** Formats the URL of a tenant's token endpoint. It is also the audience of a client assertion. */
export function formatTokenEndpoint({ url }: Authority, tenant: string): string {
  return `${url}/${tenant}/oauth2/v2.0/token`;
}

function parseToken(context: EntraContext, request: TokenRequest, response: HttpResponse, host: string): string {
  const body = parseJsonObject(response.body) ?? {};
  const token = asText(body['access_token']);
  if (response.status === 200 && token !== undefined) return token;
  const error = asText(body['error']);
  if (error !== undefined) throw explainRefusal(context.runtime, request, response, { host, error, body });
  if (response.status === 429) throw explainThrottling(response, host);
  throw new CredentialError(
    response.status === 200 ? 'ANSWER_INVALID' : 'NETWORK_FAILED',
    `${host} sent no OAuth response (status ${response.status})`,
    {
      causes: [describeResponse(response), ...describeContradiction(request)],
      hint: request.route?.hint ?? 'check HTTPS_PROXY and AZURE_AUTHORITY_HOST; the response may come from a proxy',
    },
  );
}

function explainRefusal(
  runtime: Runtime,
  request: TokenRequest,
  response: HttpResponse,
  { host, error, body }: { readonly host: string; readonly error: string; readonly body: JsonObject },
): CredentialError {
  const { actor, clientId, tenant, assertion, certificate } = request;
  const { quote } = response;
  const description = asText(body['error_description']) ?? '';
  const code = /AADSTS(\d+)/.exec(quote(description, MAX_FOREIGN_CHARACTERS))?.[1];
  const clock = TIME_CODES.includes(code ?? '') ? compareClocks(runtime, response) : undefined;
  const claims = assertion === undefined ? undefined : readClaims(assertion);
  const audience = readAudiences(claims ?? {}).join(' ');
  const { meaning, fix } = findEntraAdvice(code, { clientId, tenant, audience, clockAheadSeconds: clock });
  const correlationId = asText(body['correlation_id']) ?? response.header('client-request-id') ?? '';
  const isAudienceUnknown = error === 'invalid_resource' || UNKNOWN_AUDIENCE_CODES.includes(Number(code));
  const name = code === undefined ? quote(error, 60) : `AADSTS${code}`;
  return new CredentialError(
    isAudienceUnknown ? 'AUDIENCE_UNKNOWN' : 'ENTRA_REFUSED',
    `${meaning ?? `Entra ID refused ${actor}`} (${name})`,
    {
      causes: [
        `${host} refused ${actor} in tenant ${tenant}`,
        describeResponse(response, { code: error, message: quote(description, MAX_FOREIGN_CHARACTERS, removeIds) }),
        ...(claims === undefined ? [] : [describeAssertion(claims, runtime, quote)]),
        ...(certificate !== undefined && CERTIFICATE_CODES.includes(code ?? '') ? [certificate] : []),
        ...(clock === undefined ? [] : [describeClock(clock, host)]),
        ...describeContradiction(request),
        ...describeCorrelation(quote(correlationId, 64)),
      ],
      hint: fix,
    },
  );
}

/** Entra ID limits how often an application signs in. Some of these responses come from a gateway, without an error code. */
function explainThrottling(response: HttpResponse, host: string): CredentialError {
  const seconds = response.header('retry-after');
  const wait = seconds === undefined ? 'a minute' : `${response.quote(seconds, 20)} seconds`;
  return new CredentialError('NETWORK_FAILED', `${host} received too many sign-ins`, {
    causes: [describeResponse(response)],
    hint: `wait ${wait} and try again`,
  });
}

/** Removes what follows the message proper: ids and a time, which stand in the same line or in lines of their own. */
function removeIds(description: string): string {
  return description.split(/\s(?:Trace|Correlation) ID:|\r|\n/)[0] ?? '';
}

function describeContradiction({ authority: { contradiction } }: TokenRequest): readonly string[] {
  return contradiction === undefined ? [] : [contradiction];
}

/** Names the issuer, subject and audience, which Entra compares; never the assertion itself. */
function describeAssertion(claims: Claims, runtime: Runtime, quote: Quote): string {
  const { exp } = claims;
  const [iss, sub, aud] = ['iss', 'sub', 'aud'].map((name) => quote(describeClaim(claims[name] ?? '(none)')));
  const isExpired = typeof exp === 'number' && exp * 1000 <= runtime.now();
  const expiry = isExpired ? `, and expired ${Math.round(runtime.now() / 1000 - exp)} s ago` : '';
  return `the assertion has iss ${iss}, sub ${sub}, aud ${aud}${expiry}`;
}

/** An object is shown as JSON: one of a stranger may have a `toString` that is no function. */
function describeClaim(value: unknown): string {
  return [value]
    .flat()
    .map((one: unknown) => (typeof one === 'object' ? JSON.stringify(one) : String(one)))
    .join(',');
}

/** @returns how many seconds this machine's clock is ahead of the server's; `undefined` without a `Date` header. */
function compareClocks(runtime: Runtime, { header }: HttpResponse): number | undefined {
  const serverMs = Date.parse(header('date') ?? '');
  return Number.isNaN(serverMs) ? undefined : Math.round((runtime.now() - serverMs) / 1000);
}

function describeClock(aheadSeconds: number, host: string): string {
  if (Math.abs(aheadSeconds) <= CLOCK_TOLERANCE_SECONDS) return `this machine's clock agrees with that of ${host}`;
  const side = aheadSeconds > 0 ? 'ahead of' : 'behind';
  return `this machine's clock is ${Math.abs(aheadSeconds)} s ${side} that of ${host}`;
}
