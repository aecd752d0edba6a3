/** Signs in with the ID token of a GitHub Actions job, or of a server with a compatible API. */

import { CredentialError } from '../../errors.ts';
import { guid, type Values } from '../../field.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { readVariable } from '../../system/runtime.ts';
import { findClient } from '../client.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';
import { createFederatedIdentity, parseServiceUrl } from './federated-identity.ts';

const URL_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const TOKEN_VARIABLE = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';
const PERMISSION = '"permissions: { id-token: write, contents: read }"';

const FIELDS = { clientId: guid('The application.', 'the id of an application or a managed identity') };

/**
 * The source for a job of GitHub Actions.
 * @see https://docs.github.com/actions/reference/security/oidc
 */
export const GITHUB_ACTIONS = defineSource({
  name: 'github-actions',
  aliases: [],
  group: 'prod',
  summary: 'a job with "permissions: id-token: write", AZURE_CLIENT_ID and AZURE_TENANT_ID',
  fields: FIELDS,
  find: findGithubActions,
});

function findGithubActions(request: IdentityRequest<Values<typeof FIELDS>>): Identity | NotSetUp {
  const { runtime, registry, isChosen } = request;
  const serviceUrl = readVariable(runtime, URL_VARIABLE);
  const serviceToken = readVariable(runtime, TOKEN_VARIABLE)?.trim();
  const isJob = readVariable(runtime, 'GITHUB_ACTIONS') === 'true';
  if (!serviceUrl || !serviceToken) {
    const missing = serviceUrl ? TOKEN_VARIABLE : URL_VARIABLE;
    // GitHub sets both variables only if the workflow lets the job request a token.
    if (!isJob || typeof findClient(request) === 'string') return { notSetUp: `${missing} is not set` };
    if (!isChosen) return { notSetUp: `${missing} is not set: add ${PERMISSION} to the job` };
    throw new CredentialError(
      'IDENTITY_INVALID',
      `the job is not allowed to request an ID token from GitHub (${missing} is not set)`,
      {
        hint: `add ${PERMISSION} to the job`,
      },
    );
  }
  const client = findClient(request);
  if (typeof client === 'string') return { notSetUp: `${URL_VARIABLE} is set, but ${client} is not` };
  const audience = registry.cloud.federatedAudience;
  if (audience === undefined)
    return { notSetUp: `the ${registry.cloud.name} cloud does not accept tokens from other issuers` };
  return createFederatedIdentity(request, {
    source: GITHUB_ACTIONS.name,
    client,
    actor: 'the ID token of GitHub Actions',
    readSecret: () => serviceToken,
    serviceUrl,
    getAssertion: async (context) => {
      const url = parseServiceUrl(serviceUrl, URL_VARIABLE);
      url.searchParams.set('audience', audience);
      const { requestGithubToken } = await import('./github-token.ts');
      return await requestGithubToken(context, url, serviceToken);
    },
  });
}
