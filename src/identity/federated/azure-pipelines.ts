/** The token of a service connection of Azure Pipelines. */

import { CredentialError } from '../../errors.ts';
import { readVariable } from '../../system/runtime.ts';
import type { Identity, IdentityRequest, NotSetUp } from '../identity.ts';
import {
  createFederatedIdentity,
  findFederatedClient,
  parseServiceUrl,
  type VariablePrefix,
} from './federated-identity.ts';

const URL_VARIABLE = 'SYSTEM_OIDCREQUESTURI';
const TOKEN_VARIABLE = 'SYSTEM_ACCESSTOKEN';
const MAPPING = 'map it into the step: "env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }"';

interface Connection {
  readonly id: string;
  /** Who names the connection names its client as well. */
  readonly prefixes: readonly VariablePrefix[];
}

/**
 * Takes the agent's token service, with the service connection that the configuration, the task or Terraform names.
 * @see https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
 */
export function findAzurePipelines(request: IdentityRequest): Identity | NotSetUp {
  const { runtime, registry, isChosen } = request;
  const serviceUrl = readVariable(runtime, URL_VARIABLE);
  if (serviceUrl === undefined) return { notSetUp: `${URL_VARIABLE} is not set` };
  const connection = findConnection(request);
  if (connection === undefined) {
    return { notSetUp: `${URL_VARIABLE} is set, AZURESUBSCRIPTION_SERVICE_CONNECTION_ID is not` };
  }
  const client = findFederatedClient(request, connection.prefixes);
  if (typeof client === 'string') return { notSetUp: `${URL_VARIABLE} is set, ${client} is not` };
  const accessToken = readVariable(runtime, TOKEN_VARIABLE)?.trim();
  // A macro that the agent does not know stays as it was written.
  if (!accessToken || accessToken.startsWith('$(')) {
    if (!isChosen) return { notSetUp: `${TOKEN_VARIABLE} is not set: ${MAPPING}` };
    throw new CredentialError(
      'IDENTITY_INVALID',
      `Cannot sign in for ${registry.host}: ${TOKEN_VARIABLE} is not set, which Azure Pipelines wants to see`,
      { hint: MAPPING },
    );
  }
  return createFederatedIdentity(request, {
    source: 'azure-pipelines',
    client,
    actor: `the token of service connection ${connection.id}`,
    readSecret: () => `${connection.id} ${accessToken}`,
    serviceUrl,
    getAssertion: async (context) => {
      const url = parseServiceUrl(serviceUrl, URL_VARIABLE, context);
      url.searchParams.set('api-version', '7.1');
      url.searchParams.set('serviceConnectionId', connection.id);
      const { requestPipelinesToken } = await import('./azure-pipelines-token.ts');
      return await requestPipelinesToken(context, { url, accessToken, connectionId: connection.id });
    },
  });
}

function findConnection({ runtime, parameters }: IdentityRequest): Connection | undefined {
  const own = parameters.serviceConnectionId ?? readVariable(runtime, 'AZURESUBSCRIPTION_SERVICE_CONNECTION_ID');
  if (own !== undefined) return { id: own, prefixes: ['AZURESUBSCRIPTION', 'AZURE'] };
  const id = readVariable(runtime, 'ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID');
  return id === undefined ? undefined : { id, prefixes: ['ARM', 'AZURE'] };
}
