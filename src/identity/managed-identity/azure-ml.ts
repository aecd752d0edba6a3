/** Azure Machine Learning, and App Service as it was in 2017. */

import type { Refusal } from '../../network/http.ts';
import { readVariable } from '../../system/runtime.ts';
import type { TokenContext } from '../identity.ts';
import { parseTokenResponse } from './answer.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import { askService, formatSelector, type ManagedIdentityRequest, type TokenService } from './request.ts';

const SERVICE: TokenService = {
  name: 'Azure Machine Learning',
  hint: 'az ml compute show --name NAME --query identity; for a user-assigned identity set AZURE_CLIENT_ID',
};

export async function requestAzureMlToken(
  context: TokenContext,
  { endpoint, selector }: ManagedIdentityRequest,
): Promise<string> {
  const url = addQuery(parseEndpoint(SERVICE, endpoint, 'named'), {
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

/** There is no code for it, so that only a sentence which names the resource and says no to it counts. */
function isResourceRefused({ code = '', message = '' }: Refusal): boolean {
  return (
    /^(invalid_resource|AudienceNotSupported)$/i.test(code) ||
    /\b(resource|audience)\b.*\b(not supported|unsupported|is(n't| not) (a )?(supported|valid|allowed))\b/i.test(
      message,
    )
  );
}
