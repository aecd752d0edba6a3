/**
 * Entra ID's token endpoint.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */

import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { findEntraAdvice } from './entra-codes.ts';
import { CredentialError } from './errors.ts';
import type { HttpClient, HttpResponse } from './http.ts';
import type { Authority } from './identity/authority.ts';
import { asText, parseJsonObject } from './json.ts';
import { quoteForeignText } from './redact.ts';
import type { SignInTools } from './sign-in.ts';

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
  /** Where to send it and by which way, when that is not the authority itself. */
  readonly route?: { readonly http: HttpClient; readonly tokenEndpoint: string };
}

/** What Entra answers when it does not know, or does not give out, the resource that was asked for. */
const UNKNOWN_AUDIENCE_CODES = ['500011', '50001', '650052', '650057'];

/**
 * Gets an access token for the registry's audience with the client-credentials grant.
 * @throws ENTRA_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestToken(tools: SignInTools, request: TokenRequest): Promise<string> {
  const { authority, tenant, clientId, credential, route } = request;
  const response = await (route?.http ?? tools.http).send({
    method: 'POST',
    url: route?.tokenEndpoint ?? formatTokenEndpoint(authority, tenant),
    // Comes back as the correlation id, by which the tenant's administrator finds the sign-in.
    headers: { 'client-request-id': randomUUID(), 'return-client-request-id': 'true' },
    form: [
      ['client_id', clientId],
      ['scope', `${tools.audience}/.default`],
      ['grant_type', 'client_credentials'],
      ...Object.entries(credential),
    ],
    purpose: tools.purpose,
  });
  return judgeToken(tools, request, response);
}

/** The URL of the token endpoint, which is also the audience of a client assertion. */
export function formatTokenEndpoint({ url }: Authority, tenant: string): string {
  return `${url}/${tenant}/oauth2/v2.0/token`;
}

function judgeToken(tools: SignInTools, request: TokenRequest, response: HttpResponse): string {
  const answer = parseJsonObject(response.body);
  const token = asText(answer?.['access_token']);
  if (response.status === 200 && token !== undefined) return token;
  const error = asText(answer?.['error']);
  const { host } = new URL(request.authority.url);
  const contradiction = request.authority.contradiction === undefined ? [] : [request.authority.contradiction];
  if (error === undefined) {
    throw new CredentialError(
      response.status === 200 ? 'ANSWER_INVALID' : 'NETWORK_FAILED',
      `${tools.purpose}: ${host} answered ${response.status} without an OAuth answer`,
      {
        causes: [describeBody(response), ...contradiction],
        hint: 'check HTTPS_PROXY and AZURE_AUTHORITY_HOST; a proxy may have answered',
      },
    );
  }
  const description = asText(answer?.['error_description']) ?? '';
  const code = /AADSTS(\d+)/.exec(description)?.[1];
  const advice = findEntraAdvice(code, { clientId: request.clientId, tenant: request.tenant });
  const sentence = quoteForeignText(description.split(/\s(?:Trace|Correlation) ID:|\r|\n/)[0] ?? '');
  const correlationId = quoteForeignText(
    asText(answer?.['correlation_id']) ?? response.header('client-request-id') ?? '',
    64,
  );
  const isAudienceUnknown = error === 'invalid_resource' || UNKNOWN_AUDIENCE_CODES.includes(code ?? '');
  throw new CredentialError(
    isAudienceUnknown ? 'AUDIENCE_UNKNOWN' : 'ENTRA_REFUSED',
    `${tools.purpose}: ${advice.meaning ?? `Entra ID refused ${request.actor}`} (${code === undefined ? quoteForeignText(error, 60) : `AADSTS${code}`})`,
    {
      causes: [
        `${host} refused ${request.actor} in tenant ${request.tenant}`,
        `HTTP ${response.status} ${quoteForeignText(error, 60)}: ${sentence}`,
        ...(request.assertion === undefined ? [] : [describeAssertion(request.assertion)]),
        ...contradiction,
        ...(correlationId === '' ? [] : [`correlation id ${correlationId}`]),
      ],
      hint: advice.fix,
    },
  );
}

/** Issuer, subject and audience, which are what Entra compares; never the assertion itself. */
function describeAssertion(assertion: string): string {
  let claims: Readonly<Record<string, unknown>>;
  try {
    claims = decodeJwt(assertion);
  } catch {
    return 'the assertion is not a JWT';
  }
  const [iss, sub, aud] = [claims['iss'], claims['sub'], claims['aud']].map((claim) => quoteForeignText(String(claim)));
  return `the assertion has iss ${iss}, sub ${sub}, aud ${aud}`;
}

/** The first words of a body that is not what it should be, such as a proxy's page. */
export function describeBody({ status, body }: HttpResponse): string {
  const words = quoteForeignText(body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '), 120);
  return words === '' ? `HTTP ${status} with an empty body` : `HTTP ${status}: ${words}`;
}
