/** The managed identity of Azure Machine Learning, which uses the App Service API of 2017. */

import type { Refusal } from '../../network/http.ts';
import { readVariable } from '../../system/runtime.ts';
import type { TokenContext } from '../identity.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import { askService, formatSelector, type ManagedIdentityRequest, type TokenService } from './request.ts';
import { parseTokenResponse } from './token-response.ts';

const SERVICE: TokenService = {
  name: 'Azure Machine Learning',
  hint: 'az ml compute show --name NAME --query identity; for a user-assigned identity, set AZURE_CLIENT_ID',
};

/**
 * Gets an Entra token from Azure Machine Learning.
 * @throws IDENTITY_INVALID, IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestAzureMlToken(
  context: TokenContext,
  { endpoint, selector }: ManagedIdentityRequest,
): Promise<string> {
  const url = addQuery(parseEndpoint(SERVICE, endpoint, 'private'), {
    'api-version': '2017-09-01',
    resource: context.audience,
    ...formatSelector(SERVICE, selector, { clientId: 'clientid' }),
  });
  const response = await askService(context.openDirect({}), SERVICE, {
    method: 'GET',
    url,
    headers: { secret: readVariable(context.runtime, 'MSI_SECRET') ?? '' },
    retriedStatuses: [404],
  });
  return parseTokenResponse(context.runtime, SERVICE, response, isResourceRefused);
}

/** The service has no error code of its own for this, so the message must say that the resource is not supported. */
function isResourceRefused({ code = '', message = '' }: Refusal): boolean {
  if (/^(invalid_resource|AudienceNotSupported)$/i.test(code)) return true;
  const subject = /\b(resource|audience)\b/i.exec(message);
  const predicate = message.slice(subject?.index ?? message.length);
  return /\b(not supported|unsupported|is(n't| not) (a )?(supported|valid|allowed))\b/i.test(predicate);
}
