/** Asks Azure DevOps for the token of a service connection. */

import { CredentialError } from '../../errors.ts';
import { asText, parseJsonObject } from '../../json.ts';
import { describeResponse, type HttpResponse } from '../../network/http.ts';
import { quoteForeignText } from '../../redact.ts';
import type { TokenContext } from '../identity.ts';
import { isJwt } from './federated-identity.ts';

export interface PipelinesRequest {
  /** The token service, with API version and service connection. */
  readonly url: URL;
  readonly accessToken: string;
  readonly connectionId: string;
}

const CHECK_TOKEN = 'map the job\'s token into the step: "env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }"';

/** @throws IDENTITY_FAILED, NETWORK_FAILED, ANSWER_INVALID */
export async function requestPipelinesToken(
  context: TokenContext,
  { url, accessToken, connectionId }: PipelinesRequest,
): Promise<string> {
  context.runtime.secrets.add(accessToken);
  const response = await sendRequest(context, url, accessToken);
  const answer = parseJsonObject(response.body);
  const token = response.status === 200 ? asText(answer?.['oidcToken']) : undefined;
  if (token !== undefined && isJwt(token)) return token;
  const fail = (what: string, causes: readonly string[], hint: string) =>
    new CredentialError('IDENTITY_FAILED', `${what} (${url.host} answered ${response.status})`, {
      causes: [...causes, ...describeDiagnostics(response)],
      hint,
    });
  // Who is not signed in gets a page to sign in on, with 401, or with 203 as if all were well.
  if (response.status === 401 || response.status === 203) {
    throw fail('Azure DevOps does not take SYSTEM_ACCESSTOKEN', [describeResponse(response)], CHECK_TOKEN);
  }
  if (answer === undefined) {
    throw fail('Azure DevOps gave no token', ['the answer is not JSON'], CHECK_TOKEN);
  }
  throw fail(
    'Azure DevOps gave no token',
    // An answer that should have held a token may hold a part of one.
    response.status === 200 ? ['the answer holds no token'] : [describeResponse(response)],
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
        // Asks for 401 instead of a redirect to the page that people sign in on.
        'x-tfs-fedauthredirect': 'Suppress',
      },
    });
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'ANSWER_INVALID') throw cause;
    throw new CredentialError(
      'IDENTITY_FAILED',
      'Azure DevOps does not take SYSTEM_ACCESSTOKEN, or a proxy answered in its place',
      { causes: [cause.message, ...cause.causes], hint: CHECK_TOKEN, cause },
    );
  }
}

/** What Microsoft's support finds the request by. */
function describeDiagnostics({ header }: HttpResponse): string[] {
  return ['x-vss-e2eid', 'x-msedge-ref']
    .map((name) => [name, header(name)] as const)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${quoteForeignText(value, 100)}`]));
}
