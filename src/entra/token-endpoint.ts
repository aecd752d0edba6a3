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
import { type ClientAdvice, findEntraAdvice, UNKNOWN_AUDIENCE_CODES } from './error-codes.ts';

/** What every request to the token endpoint needs. */
export interface EntraContext {
  readonly runtime: Runtime;
  readonly http: HttpClient;
  /** The audience of the token, without `/.default`. */
  readonly audience: string;
}

/** Who asks the token endpoint, and what an explanation of a refusal names. */
export interface TokenClient {
  readonly authority: Authority;
  readonly tenant: string;
  readonly clientId: string;
  /** What signs in, for error messages: "the client secret of …". */
  readonly actor: string;
  /** The other issuer's token among the fields. Error messages name its issuer, subject and audience. */
  readonly assertion?: string;
  /** A description of the certificate that signed; shown when Entra does not accept it. */
  readonly certificate?: string;
  /** For a person's account: the command that signs it in again, as a part of hints. */
  readonly signInCommand?: string;
  /** What hints say about a client that no variable sets up. */
  readonly advice?: ClientAdvice;
  readonly route?: TokenRoute | undefined;
}

/** A request for an access token with the client-credentials grant. */
export interface TokenRequest extends TokenClient {
  /** The form fields that prove the client's identity: a secret, or an assertion. */
  readonly credential: Readonly<Record<string, string>>;
}

/** A request with any grant. */
export interface GrantRequest extends TokenClient {
  /** The form fields, except `client_id`. */
  readonly fields: Readonly<Record<string, string>>;
  /** The token endpoint by default. */
  readonly endpoint?: Endpoint;
}

/** An endpoint of Entra that answers a form. */
export interface Endpoint {
  /** The last part of its path. */
  readonly name: 'token' | 'devicecode';
  /** A field that every successful response has. */
  readonly proof: string;
}

/** Entra's refusal. Some grants expect one, such as that of a device code which nobody has entered yet. */
export interface GrantRefusal {
  /** The OAuth error, such as `invalid_grant`. */
  readonly error: string;
  /** More about it, such as `bad_token`. */
  readonly suberror: string | undefined;
  /** What Entra asks of the next sign-in, to be passed on as it is. */
  readonly claims: string | undefined;
  /** The digits after `AADSTS`. */
  readonly code: string | undefined;
  /** The refusal, explained to the person. */
  readonly failure: CredentialError;
}

/** What Entra answers to a grant. */
export type GrantAnswer = { readonly granted: JsonObject } | GrantRefusal;

const TOKEN_ENDPOINT: Endpoint = { name: 'token', proof: 'access_token' };

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
  const scope = `${context.audience}/.default`;
  const answer = await requestGrant(context, {
    ...request,
    fields: { scope, grant_type: 'client_credentials', ...request.credential },
  });
  if ('failure' in answer) throw answer.failure;
  return asText(answer.granted['access_token']) ?? '';
}

/**
 * Sends a grant to the token endpoint, or to the request's own.
 * @returns the response, which has an `access_token`, or the endpoint's `proof`; or why Entra refuses.
 * @throws ANSWER_INVALID when a response with status 200 does not have it, NETWORK_FAILED
 */
export async function requestGrant(
  { runtime, http }: Pick<EntraContext, 'runtime' | 'http'>,
  request: GrantRequest,
): Promise<GrantAnswer> {
  const { authority, tenant, clientId, fields, route, endpoint = TOKEN_ENDPOINT } = request;
  const url = route?.tokenEndpoint ?? formatEndpoint(authority, tenant, endpoint);
  const httpRequest: HttpRequest = {
    method: 'POST',
    url,
    // Entra returns it as the correlation id, which identifies the sign-in in the tenant's logs.
    headers: { 'client-request-id': randomUUID(), 'return-client-request-id': 'true' },
    form: [['client_id', clientId], ...Object.entries(fields)],
  };
  return parseGrant(runtime, request, await sendOn(route, httpRequest, http), new URL(url).host);
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
export function formatTokenEndpoint(authority: Authority, tenant: string): string {
  return formatEndpoint(authority, tenant, TOKEN_ENDPOINT);
}

function formatEndpoint({ url }: Authority, tenant: string, { name }: Endpoint): string {
  return `${url}/${tenant}/oauth2/v2.0/${name}`;
}

function parseGrant(runtime: Runtime, request: GrantRequest, response: HttpResponse, host: string): GrantAnswer {
  const { proof } = request.endpoint ?? TOKEN_ENDPOINT;
  const body = parseJsonObject(response.body) ?? {};
  if (response.status === 200 && asText(body[proof]) !== undefined) return { granted: body };
  const error = asText(body['error']);
  if (error !== undefined) return explainRefusal(runtime, request, response, { host, error, body });
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
  request: TokenClient,
  response: HttpResponse,
  { host, error, body }: { readonly host: string; readonly error: string; readonly body: JsonObject },
): GrantRefusal {
  const { actor, clientId, tenant, assertion, certificate, signInCommand, advice } = request;
  const { quote } = response;
  const description = asText(body['error_description']) ?? '';
  const code = /AADSTS(\d+)/.exec(quote(description, MAX_FOREIGN_CHARACTERS))?.[1];
  const clock = TIME_CODES.includes(code ?? '') ? compareClocks(runtime, response) : undefined;
  const claims = assertion === undefined ? undefined : readClaims(assertion);
  const audience = readAudiences(claims ?? {}).join(' ');
  const subject = { clientId, tenant, audience, clockAheadSeconds: clock, signInCommand, client: advice };
  const { meaning, fix } = findEntraAdvice(code, subject);
  const correlationId = asText(body['correlation_id']) ?? response.header('client-request-id') ?? '';
  const isAudienceUnknown = error === 'invalid_resource' || UNKNOWN_AUDIENCE_CODES.includes(Number(code));
  const name = code === undefined ? quote(error, 60) : `AADSTS${code}`;
  const failure = new CredentialError(
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
  return { error, suberror: asText(body['suberror']), claims: asText(body['claims']), code, failure };
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

function describeContradiction({ authority: { contradiction } }: TokenClient): readonly string[] {
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
