/**
 * The identity of Azure Cloud Shell: the signed-in user, for a fixed list of audiences.
 *
 * @see https://learn.microsoft.com/azure/cloud-shell/msi-authorization
 */

import type { TokenContext } from '../identity.ts';
import { parseEndpoint } from './endpoint.ts';
import { askService, formatSelector, type ManagedIdentityRequest, type TokenService } from './request.ts';
import { parseTokenResponse } from './token-response.ts';

const SERVICE: TokenService = {
  name: 'Cloud Shell',
  hint: 'az login, and set AZURE_TOKEN_CREDENTIALS=AzureCliCredential',
};

/**
 * Gets an Entra token from Cloud Shell.
 * @throws IDENTITY_INVALID, IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestCloudShellToken(
  context: TokenContext,
  { endpoint, selector }: ManagedIdentityRequest,
): Promise<string> {
  const url = parseEndpoint(SERVICE, endpoint, 'private').href;
  formatSelector(SERVICE, selector, {}); // the user's identity is the only one
  const response = await askService(context.openDirect({}), SERVICE, {
    method: 'POST',
    url,
    headers: { Metadata: 'true' },
    form: [['resource', context.audience]],
    retriedStatuses: [404],
  });
  return parseTokenResponse(context.runtime, SERVICE, response, ({ code }) => code === 'AudienceNotSupported');
}
