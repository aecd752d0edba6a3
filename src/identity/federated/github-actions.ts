/** The ID token of a job of GitHub Actions, or of a server that speaks like it. */

import { CredentialError } from '../../errors.ts';
import { readVariable } from '../../system/runtime.ts';
import type { Identity, IdentityRequest, NotSetUp } from '../identity.ts';
import { createFederatedIdentity, findFederatedClient, parseServiceUrl } from './federated-identity.ts';

const URL_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const TOKEN_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
const PERMISSION = '"permissions: { id-token: write, contents: read }"';

/**
 * Takes the runner's token service, with the client and the tenant of the configuration or of the environment.
 * @see https://docs.github.com/actions/reference/security/oidc
 */
export function findGithubActions(request: IdentityRequest): Identity | NotSetUp {
  const { runtime, registry, isChosen } = request;
  const serviceUrl = readVariable(runtime, URL_VARIABLE);
  const serviceToken = readVariable(runtime, TOKEN_VARIABLE)?.trim();
  const isJob = readVariable(runtime, 'GITHUB_ACTIONS') === 'true';
  if (!serviceUrl || !serviceToken) {
    const missing = serviceUrl ? TOKEN_VARIABLE : URL_VARIABLE;
    // Both are there only when the job may ask for a token, which a workflow has to say.
    if (!isJob || typeof findFederatedClient(request, ['AZURE']) === 'string') {
      return { notSetUp: `${missing} is not set` };
    }
    if (!isChosen) return { notSetUp: `${missing} is not set: add ${PERMISSION} to the job` };
    throw new CredentialError(
      'IDENTITY_INVALID',
      `Cannot sign in for ${registry.host}: the job may not ask GitHub for an ID token (${missing} is not set)`,
      { hint: `add ${PERMISSION} to the job` },
    );
  }
  const client = findFederatedClient(request, ['AZURE']);
  if (typeof client === 'string') return { notSetUp: `${URL_VARIABLE} is set, ${client} is not` };
  const audience = registry.cloud.federatedAudience;
  if (audience === undefined) return { notSetUp: `the ${registry.cloud.name} cloud takes no token of another issuer` };
  return createFederatedIdentity(request, {
    source: 'github-actions',
    client,
    actor: 'the ID token of GitHub Actions',
    readSecret: () => serviceToken,
    serviceUrl,
    getAssertion: async (context) => {
      const url = parseServiceUrl(serviceUrl, URL_VARIABLE, context);
      url.searchParams.set('audience', audience);
      const { requestGithubToken } = await import('./github-token.ts');
      return await requestGithubToken(context, url, serviceToken);
    },
  });
}
