/** Requests a job's ID token from GitHub Actions. */

import { CredentialError } from '../../errors.ts';
import { asText, parseJsonObject } from '../../json.ts';
import { describeResponse } from '../../network/http.ts';
import type { TokenContext } from '../identity.ts';
import { isJwt } from './federated-identity.ts';

/**
 * Requests the job's ID token, which expires after five minutes.
 * @param url the URL of the token service, with the audience in its query.
 * @param serviceToken the value of `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
 * @returns a JWT.
 * @throws IDENTITY_FAILED when GitHub refuses or returns no token, NETWORK_FAILED, ANSWER_INVALID
 */
export async function requestGithubToken(context: TokenContext, url: URL, serviceToken: string): Promise<string> {
  context.runtime.secrets.add(serviceToken);
  const response = await context.http.send({
    method: 'GET',
    url: url.href,
    headers: { authorization: `Bearer ${serviceToken}` },
  });
  const token = response.status === 200 ? asText(parseJsonObject(response.body)?.['value']) : undefined;
  if (token !== undefined && isJwt(token)) return token;
  const isRefused = response.status === 401 || response.status === 403;
  throw new CredentialError(
    'IDENTITY_FAILED',
    `GitHub Actions issued no ID token (${url.host} responded with status ${response.status})`,
    {
      // A response with status 200 may contain part of a token, so it is not quoted.
      causes: response.status === 200 ? ['the response contains no token'] : [describeResponse(response)],
      hint: isRefused
        ? 'run it inside the job, with "permissions: id-token: write"; ACTIONS_ID_TOKEN_REQUEST_TOKEN expires with the job'
        : 'run the job again; see https://www.githubstatus.com',
    },
  );
}
