/**
 * Azure Cloud Shell, which signs in the person whose shell it is, for the audiences of a list.
 *
 * @see https://learn.microsoft.com/azure/cloud-shell/msi-authorization
 */

import type { TokenContext } from '../identity.ts';
import { parseTokenResponse } from './answer.ts';
import { parseEndpoint } from './endpoint.ts';
import { askService, formatSelector, type ManagedIdentityRequest, type TokenService } from './request.ts';

const SERVICE: TokenService = {
  name: 'Cloud Shell',
  hint: 'az login, and set AZURE_TOKEN_CREDENTIALS=AzureCliCredential',
};

export async function requestCloudShellToken(
  context: TokenContext,
  { endpoint, selector }: ManagedIdentityRequest,
): Promise<string> {
  const url = parseEndpoint(SERVICE, endpoint, 'named').href;
  formatSelector(SERVICE, selector, {}); // there is one identity, the person's
  const response = await askService(context.openDirect({}), SERVICE, {
    method: 'POST',
    url,
    headers: { Metadata: 'true' },
    form: [['resource', context.audience]],
    retriedStatuses: [404],
  });
  return parseTokenResponse(context.runtime, SERVICE, response, ({ code }) => code === 'AudienceNotSupported');
}
