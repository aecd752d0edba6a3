/** Asks GitHub Actions for the job's ID token, which lives for five minutes. */

import { CredentialError } from '../../errors.ts';
import { asText, parseJsonObject } from '../../json.ts';
import { describeResponse } from '../../network/http.ts';
import type { TokenContext } from '../identity.ts';
import { isJwt } from './federated-identity.ts';

/**
 * @param url the token service with its audience.
 * @throws IDENTITY_FAILED, NETWORK_FAILED, ANSWER_INVALID
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
    `GitHub Actions gave no ID token (${url.host} answered ${response.status})`,
    {
      // An answer that should have held a token may hold a part of one.
      causes: response.status === 200 ? ['the answer holds no token'] : [describeResponse(response)],
      hint: isRefused
        ? 'run it within the job, whose ACTIONS_ID_TOKEN_REQUEST_TOKEN ends with it, with "permissions: id-token: write"'
        : 'run the job again; see https://www.githubstatus.com',
    },
  );
}
