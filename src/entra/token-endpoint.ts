/**
 * Entra ID's token endpoint.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */

import { randomUUID } from 'node:crypto';
import { CredentialError } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../network/http.ts';
import { quoteForeignText } from '../redact.ts';
import type { TokenContext } from '../sign-in/sign-in.ts';
import type { Runtime } from '../system/runtime.ts';
import type { Authority } from './authority.ts';
import { type Claims, readAudiences, readClaims } from './claims.ts';
import { findEntraAdvice, UNKNOWN_AUDIENCE_CODES } from './error-codes.ts';

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
export async function requestToken(context: TokenContext, request: TokenRequest): Promise<string> {
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
    purpose: context.purpose,
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

function parseToken(context: TokenContext, request: TokenRequest, response: HttpResponse, host: string): string {
  const answer = parseJsonObject(response.body);
  const token = asText(answer?.['access_token']);
  if (response.status === 200 && token !== undefined) return token;
  const error = asText(answer?.['error']);
  const contradiction = request.authority.contradiction === undefined ? [] : [request.authority.contradiction];
  if (error === undefined) {
    throw new CredentialError(
      response.status === 200 ? 'ANSWER_INVALID' : 'NETWORK_FAILED',
      `${context.purpose}: ${host} answered ${response.status} without an OAuth answer`,
      {
        causes: [describeBody(response), ...contradiction],
        hint: request.route?.hint ?? 'check HTTPS_PROXY and AZURE_AUTHORITY_HOST; a proxy may have answered',
      },
    );
  }
  const description = asText(answer?.['error_description']) ?? '';
  const code = /AADSTS(\d+)/.exec(description)?.[1];
  const clock = TIME_CODES.includes(code ?? '') ? compareClocks(context.runtime, response) : undefined;
  const claims = request.assertion === undefined ? undefined : readClaims(request.assertion);
  const advice = findEntraAdvice(code, {
    clientId: request.clientId,
    tenant: request.tenant,
    audience: readAudiences(claims ?? {}).join(' '),
    clockAheadSeconds: clock,
  });
  const sentence = quoteForeignText(description.split(/\s(?:Trace|Correlation) ID:|\r|\n/)[0] ?? '');
  const correlationId = quoteForeignText(
    asText(answer?.['correlation_id']) ?? response.header('client-request-id') ?? '',
    64,
  );
  const isAudienceUnknown = error === 'invalid_resource' || UNKNOWN_AUDIENCE_CODES.includes(Number(code));
  throw new CredentialError(
    isAudienceUnknown ? 'AUDIENCE_UNKNOWN' : 'ENTRA_REFUSED',
    `${context.purpose}: ${advice.meaning ?? `Entra ID refused ${request.actor}`} (${code === undefined ? quoteForeignText(error, 60) : `AADSTS${code}`})`,
    {
      causes: [
        `${host} refused ${request.actor} in tenant ${request.tenant}`,
        `HTTP ${response.status} ${quoteForeignText(error, 60)}: ${sentence}`,
        ...(claims === undefined ? [] : [describeAssertion(claims, context.runtime)]),
        ...(request.certificate !== undefined && CERTIFICATE_CODES.includes(code ?? '') ? [request.certificate] : []),
        ...(clock === undefined ? [] : [describeClock(clock, host)]),
        ...contradiction,
        ...(correlationId === '' ? [] : [`correlation id ${correlationId}`]),
      ],
      hint: advice.fix,
    },
  );
}

/** Issuer, subject and audience, which are what Entra compares; never the assertion itself. */
function describeAssertion(claims: Claims, runtime: Runtime): string {
  const { exp } = claims;
  const [iss, sub, aud] = ['iss', 'sub', 'aud'].map((name) => quoteForeignText(String(claims[name] ?? '(none)')));
  const isOver = typeof exp === 'number' && exp * 1000 <= runtime.now();
  const end = isOver ? `, and ended ${Math.round(runtime.now() / 1000 - exp)} s ago` : '';
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

/** The first words of a body that is not what it should be, such as a proxy's page. */
export function describeBody({ status, body }: HttpResponse): string {
  const words = quoteForeignText(body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '), 120);
  return words === '' ? `HTTP ${status} with an empty body` : `HTTP ${status}: ${words}`;
}
