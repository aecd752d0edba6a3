/** Requests the token of a service connection from Azure DevOps. */

import { CredentialError } from '../../errors.ts';
import { asText, parseJsonObject } from '../../json.ts';
import { describeResponse, type HttpResponse } from '../../network/http.ts';
import type { TokenContext } from '../identity.ts';
import { isJwt } from './federated-identity.ts';

/** A request for the token of a service connection. */
export interface PipelinesRequest {
  /** The URL of the token service, with API version and service connection. */
  readonly url: URL;
  /** The job's token, `SYSTEM_ACCESSTOKEN`. */
  readonly accessToken: string;
  readonly connectionId: string;
}

const CHECK_TOKEN = 'map the job\'s token into the step: "env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }"';

/**
 * Requests the ID token of a service connection.
 * @returns a JWT.
 * @throws IDENTITY_FAILED when Azure DevOps refuses or returns no token, NETWORK_FAILED
 */
export async function requestPipelinesToken(
  context: TokenContext,
  { url, accessToken, connectionId }: PipelinesRequest,
): Promise<string> {
  context.runtime.secrets.add(accessToken);
  const response = await sendRequest(context, url, accessToken);
  const body = parseJsonObject(response.body);
  const token = response.status === 200 ? asText(body?.['oidcToken']) : undefined;
  if (token !== undefined && isJwt(token)) return token;
  const fail = (what: string, causes: readonly string[], hint: string) =>
    new CredentialError('IDENTITY_FAILED', `${what} (${url.host} responded with status ${response.status})`, {
      causes: [...causes, ...describeDiagnostics(response)],
      hint,
    });
  // If the token is not accepted, Azure DevOps responds with its sign-in page, with status 401 or 203.
  if (response.status === 401 || response.status === 203) {
    throw fail('Azure DevOps does not accept SYSTEM_ACCESSTOKEN', [describeResponse(response)], CHECK_TOKEN);
  }
  if (body === undefined) {
    throw fail('Azure DevOps issued no token', ['the response is not JSON'], CHECK_TOKEN);
  }
  throw fail(
    'Azure DevOps issued no token',
    // A response with status 200 may contain part of a token, so it is not quoted.
    response.status === 200 ? ['the response contains no token'] : [describeResponse(response)],
    `let the pipeline use the service connection ${connectionId}, or check AZURESUBSCRIPTION_SERVICE_CONNECTION_ID`,
  );
}

async function sendRequest(context: TokenContext, url: URL, accessToken: string): Promise<HttpResponse> {
  try {
    return await context.http.send({
      method: 'POST',
      url: url.href,
      headers: {
        authorization: `Bearer ${accessToken}`,
        'content-type': 'application/json',
        // Asks for 401 instead of a redirect to the sign-in page.
        'x-tfs-fedauthredirect': 'Suppress',
      },
    });
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'ANSWER_INVALID') throw cause;
    throw new CredentialError(
      'IDENTITY_FAILED',
      'Azure DevOps does not accept SYSTEM_ACCESSTOKEN, or the response comes from a proxy',
      { causes: [cause.message, ...cause.causes], hint: CHECK_TOKEN, cause },
    );
  }
}

/** The ids by which Microsoft's support can find the request. */
function describeDiagnostics({ header, quote }: HttpResponse): string[] {
  return ['x-vss-e2eid', 'x-msedge-ref']
    .map((name) => [name, header(name)] as const)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${quote(value, 100)}`]));
}
