/**
 * App Service, Functions and Container Apps.
 *
 * @see https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */

import { readVariable } from '../../system/runtime.ts';
import type { TokenContext } from '../identity.ts';
import { parseTokenResponse } from './answer.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import { askService, formatSelector, type ManagedIdentityRequest, type TokenService } from './request.ts';

const SERVICE: TokenService = {
  name: 'App Service',
  hint: 'az webapp identity assign (az functionapp, az containerapp); for a user-assigned identity set AZURE_CLIENT_ID',
};

export async function requestAppServiceToken(
  context: TokenContext,
  { endpoint, selector }: ManagedIdentityRequest,
): Promise<string> {
  const url = addQuery(parseEndpoint(SERVICE, endpoint, 'named'), {
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
