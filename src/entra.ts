/**
 * Entra ID's token endpoint.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */

import { randomUUID } from 'node:crypto';
import { findEntraAdvice } from './entra-codes.ts';
import { CredentialError } from './errors.ts';
import type { HttpResponse } from './http.ts';
import { asText, parseJsonObject } from './json.ts';
import { quoteForeignText } from './redact.ts';
import type { SignInTools } from './sign-in.ts';

export interface TokenRequest {
  /** Such as `https://login.microsoftonline.com`. */
  readonly authority: string;
  readonly tenant: string;
  readonly clientId: string;
  /** The fields that prove who asks. */
  readonly credential: Readonly<Record<string, string>>;
  /** Who asks, for people: "the client secret of …". */
  readonly actor: string;
}

/**
 * Gets an access token for the registry's audience with the client-credentials grant.
 * @throws ENTRA_REFUSED, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestToken(tools: SignInTools, request: TokenRequest): Promise<string> {
  const { authority, tenant, clientId, credential } = request;
  const response = await tools.http.send({
    method: 'POST',
    url: `${authority}/${tenant}/oauth2/v2.0/token`,
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

function judgeToken(tools: SignInTools, request: TokenRequest, response: HttpResponse): string {
  const answer = parseJsonObject(response.body);
  const token = asText(answer?.['access_token']);
  if (response.status === 200 && token !== undefined) return token;
  const error = asText(answer?.['error']);
  const { host } = new URL(request.authority);
  if (error === undefined) {
    throw new CredentialError(
      response.status === 200 ? 'ANSWER_INVALID' : 'NETWORK_FAILED',
      `${tools.purpose}: ${host} answered ${response.status} without an OAuth answer`,
      {
        causes: [describeBody(response)],
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
  throw new CredentialError(
    'ENTRA_REFUSED',
    `${tools.purpose}: ${advice.meaning ?? `Entra ID refused ${request.actor}`} (${code === undefined ? quoteForeignText(error, 60) : `AADSTS${code}`})`,
    {
      causes: [
        `${host} refused ${request.actor} in tenant ${request.tenant}`,
        `HTTP ${response.status} ${quoteForeignText(error, 60)}: ${sentence}`,
        ...(correlationId === '' ? [] : [`correlation id ${correlationId}`]),
      ],
      hint: advice.fix,
    },
  );
}

/** The first words of a body that is not what it should be, such as a proxy's page. */
export function describeBody({ status, body }: HttpResponse): string {
  const words = quoteForeignText(body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '), 120);
  return words === '' ? `HTTP ${status} with an empty body` : `HTTP ${status}: ${words}`;
}
