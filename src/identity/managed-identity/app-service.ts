/**
 * The managed identity of App Service, Functions and Container Apps.
 *
 * @see https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */

import { readVariable } from '../../system/runtime.ts';
import type { TokenContext } from '../identity.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import { askService, formatSelector, type ManagedIdentityRequest, type TokenService } from './request.ts';
import { parseTokenResponse } from './token-response.ts';

const SERVICE: TokenService = {
  name: 'App Service',
  hint: 'az webapp identity assign (az functionapp, az containerapp); for a user-assigned identity, set AZURE_CLIENT_ID',
};

/**
 * Gets an Entra token from App Service.
 * @throws IDENTITY_INVALID, IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestAppServiceToken(
  context: TokenContext,
  { endpoint, selector }: ManagedIdentityRequest,
): Promise<string> {
  const url = addQuery(parseEndpoint(SERVICE, endpoint, 'private'), {
    'api-version': '2019-08-01',
    resource: context.audience,
    ...formatSelector(SERVICE, selector, {
      clientId: 'client_id',
      objectId: 'object_id',
      resourceId: 'mi_res_id',
    }),
  });
  const response = await askService(context.openDirect({}), SERVICE, {
    method: 'GET',
    url,
    headers: { 'X-IDENTITY-HEADER': readVariable(context.runtime, 'IDENTITY_HEADER') ?? '' },
    retriedStatuses: [404],
  });
  return parseTokenResponse(context.runtime, SERVICE, response);
}
