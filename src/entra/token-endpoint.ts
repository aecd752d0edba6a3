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
import { quoteForeignText } from '../redact.ts';
import type { Runtime } from '../system/runtime.ts';
import type { Authority } from './authority.ts';
import { type Claims, readAudiences, readClaims } from './claims.ts';
import { findEntraAdvice, UNKNOWN_AUDIENCE_CODES } from './error-codes.ts';

/** What a request is sent with. */
export interface EntraContext {
  readonly runtime: Runtime;
  readonly http: HttpClient;
  /** What the token is for, without `/.default`. */
  readonly audience: string;
}

export interface TokenRequest {
  readonly authority: Authority;
  readonly tenant: string;
  readonly clientId: string;
  /** The fields that prove who asks. */
  readonly credential: Readonly<Record<string, string>>;
  /** Who asks, for people: "the client secret of …". */
  readonly actor: string;
  /** The token of another issuer that proves it, of which people are told issuer, subject and audience. */
  readonly assertion?: string;
  /** The certificate that signed, in words: told when Entra does not know it. */
  readonly certificate?: string;
  readonly route?: TokenRoute | undefined;
}

/** Where to send the request and by which way, when that is not the authority itself. */
export interface TokenRoute {
  readonly http: HttpClient;
  readonly tokenEndpoint: string;
  /** What to check when nobody answers there. */
  readonly hint: string;
}

const CERTIFICATE_CODES = ['700027', '50012', '700030'];
const TIME_CODES = ['700024', '500133'];
/** What travels and answers take: a smaller difference tells nothing of a clock. */
const CLOCK_TOLERANCE_SECONDS = 10;

/**
 * Gets an access token for the registry's audience with the client-credentials grant.
 * @throws ENTRA_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestToken(context: EntraContext, request: TokenRequest): Promise<string> {
  const { authority, tenant, clientId, credential, route } = request;
  const url = route?.tokenEndpoint ?? formatTokenEndpoint(authority, tenant);
  const httpRequest: HttpRequest = {
    method: 'POST',
    url,
    // Comes back as the correlation id, by which the tenant's administrator finds the sign-in.
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
    // It is not reached through the proxy that the HTTP client tells people to check.
    throw cause.with({ hint: route.hint });
  }
}

/** The fields that prove who asks with a signed token. */
export function formatAssertion(assertion: string): Readonly<Record<string, string>> {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
}

/** The URL of the token endpoint, which is also the audience of a client assertion. */
export function formatTokenEndpoint({ url }: Authority, tenant: string): string {
  return `${url}/${tenant}/oauth2/v2.0/token`;
}

function parseToken(context: EntraContext, request: TokenRequest, response: HttpResponse, host: string): string {
  const answer = parseJsonObject(response.body) ?? {};
  const token = asText(answer['access_token']);
  if (response.status === 200 && token !== undefined) return token;
  const error = asText(answer['error']);
  if (error !== undefined) throw explainRefusal(context.runtime, request, response, { host, error, answer });
  throw new CredentialError(
    response.status === 200 ? 'ANSWER_INVALID' : 'NETWORK_FAILED',
    `${host} answered ${response.status} without an OAuth answer`,
    {
      causes: [describeResponse(response), ...describeContradiction(request)],
      hint: request.route?.hint ?? 'check HTTPS_PROXY and AZURE_AUTHORITY_HOST; a proxy may have answered',
    },
  );
}

function explainRefusal(
  runtime: Runtime,
  request: TokenRequest,
  response: HttpResponse,
  { host, error, answer }: { readonly host: string; readonly error: string; readonly answer: JsonObject },
): CredentialError {
  const { actor, clientId, tenant, assertion, certificate } = request;
  const description = asText(answer['error_description']) ?? '';
  const code = /AADSTS(\d+)/.exec(description)?.[1];
  const clock = TIME_CODES.includes(code ?? '') ? compareClocks(runtime, response) : undefined;
  const claims = assertion === undefined ? undefined : readClaims(assertion);
  const audience = readAudiences(claims ?? {}).join(' ');
  const { meaning, fix } = findEntraAdvice(code, { clientId, tenant, audience, clockAheadSeconds: clock });
  const message = description.split(/\s(?:Trace|Correlation) ID:|\r|\n/)[0];
  const correlationId = asText(answer['correlation_id']) ?? response.header('client-request-id') ?? '';
  const isAudienceUnknown = error === 'invalid_resource' || UNKNOWN_AUDIENCE_CODES.includes(Number(code));
  const name = code === undefined ? quoteForeignText(error, 60) : `AADSTS${code}`;
  return new CredentialError(
    isAudienceUnknown ? 'AUDIENCE_UNKNOWN' : 'ENTRA_REFUSED',
    `${meaning ?? `Entra ID refused ${actor}`} (${name})`,
    {
      causes: [
        `${host} refused ${actor} in tenant ${tenant}`,
        describeResponse(response, { code: error, message }),
        ...(claims === undefined ? [] : [describeAssertion(claims, runtime)]),
        ...(certificate !== undefined && CERTIFICATE_CODES.includes(code ?? '') ? [certificate] : []),
        ...(clock === undefined ? [] : [describeClock(clock, host)]),
        ...describeContradiction(request),
        ...describeCorrelation(quoteForeignText(correlationId, 64)),
      ],
      hint: fix,
    },
  );
}

function describeContradiction({ authority: { contradiction } }: TokenRequest): readonly string[] {
  return contradiction === undefined ? [] : [contradiction];
}

/** Issuer, subject and audience, which are what Entra compares; never the assertion itself. */
function describeAssertion(claims: Claims, runtime: Runtime): string {
  const { exp } = claims;
  const [iss, sub, aud] = ['iss', 'sub', 'aud'].map((name) => quoteForeignText(String(claims[name] ?? '(none)')));
  const isOver = typeof exp === 'number' && exp * 1000 <= runtime.now();
  const end = isOver ? `, and expired ${Math.round(runtime.now() / 1000 - exp)} s ago` : '';
  return `the assertion has iss ${iss}, sub ${sub}, aud ${aud}${end}`;
}

/** @returns how many seconds this machine is ahead of the server, `undefined` when the server does not tell. */
function compareClocks(runtime: Runtime, { header }: HttpResponse): number | undefined {
  const served = Date.parse(header('date') ?? '');
  return Number.isNaN(served) ? undefined : Math.round((runtime.now() - served) / 1000);
}

function describeClock(aheadSeconds: number, host: string): string {
  if (Math.abs(aheadSeconds) <= CLOCK_TOLERANCE_SECONDS) return `this machine's clock agrees with that of ${host}`;
  const side = aheadSeconds > 0 ? 'ahead of' : 'behind';
  return `this machine's clock is ${Math.abs(aheadSeconds)} s ${side} that of ${host}`;
}
