/** Signs in with the service connection of an Azure Pipelines task. */

import { CredentialError } from '../../errors.ts';
import { guid, type Values } from '../../field.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { readVariable } from '../../system/runtime.ts';
import { findClient, type VariablePrefix } from '../client.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';
import { createFederatedIdentity, parseServiceUrl } from './federated-identity.ts';

const URL_VARIABLE = 'SYSTEM_OIDCREQUESTURI';
const TOKEN_VARIABLE = 'SYSTEM_ACCESSTOKEN';
const MAPPING = 'map it into the step: "env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }"';

const FIELDS = {
  clientId: guid('The application.', 'the id of an application or a managed identity'),
  serviceConnectionId: guid("Azure Pipelines' service connection.", "a service connection's id"),
};

type Request = IdentityRequest<Values<typeof FIELDS>>;

interface ServiceConnection {
  readonly id: string;
  /** The prefixes of the variables that name the client; they go with the variable that names the connection. */
  readonly prefixes: readonly VariablePrefix[];
}

/**
 * The source for a job of Azure Pipelines.
 * @see https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
 */
export const AZURE_PIPELINES = defineSource({
  name: 'azure-pipelines',
  aliases: [],
  group: 'prod',
  summary: 'a task with a service connection, and SYSTEM_ACCESSTOKEN',
  fields: FIELDS,
  find: findAzurePipelines,
});

/** Uses the agent's token service, with the service connection from the configuration, the task or Terraform. */
function findAzurePipelines(request: Request): Identity | NotSetUp {
  const { runtime, isChosen } = request;
  const serviceUrl = readVariable(runtime, URL_VARIABLE);
  if (serviceUrl === undefined) return { notSetUp: `${URL_VARIABLE} is not set` };
  const connection = findConnection(request);
  if (connection === undefined) {
    return { notSetUp: `${URL_VARIABLE} is set, but AZURESUBSCRIPTION_SERVICE_CONNECTION_ID is not` };
  }
  const client = findClient(request, connection.prefixes);
  if (typeof client === 'string') return { notSetUp: `${URL_VARIABLE} is set, but ${client} is not` };
  const accessToken = readVariable(runtime, TOKEN_VARIABLE)?.trim();
  // The agent leaves a macro that it cannot expand as it is.
  if (!accessToken || accessToken.startsWith('$(')) {
    if (!isChosen) return { notSetUp: `${TOKEN_VARIABLE} is not set: ${MAPPING}` };
    throw new CredentialError('IDENTITY_INVALID', `${TOKEN_VARIABLE} is not set, but Azure Pipelines requires it`, {
      hint: MAPPING,
    });
  }
  return createFederatedIdentity(request, {
    source: AZURE_PIPELINES.name,
    client,
    actor: `the token of service connection ${connection.id}`,
    readSecret: () => `${connection.id} ${accessToken}`,
    serviceUrl,
    getAssertion: async (context) => {
      const url = parseServiceUrl(serviceUrl, URL_VARIABLE);
      url.searchParams.set('api-version', '7.1');
      url.searchParams.set('serviceConnectionId', connection.id);
      const { requestPipelinesToken } = await import('./azure-pipelines-token.ts');
      return await requestPipelinesToken(context, { url, accessToken, connectionId: connection.id });
    },
  });
}

function findConnection({ runtime, parameters }: Request): ServiceConnection | undefined {
  const own = parameters.serviceConnectionId ?? readVariable(runtime, 'AZURESUBSCRIPTION_SERVICE_CONNECTION_ID');
  if (own !== undefined) return { id: own, prefixes: ['AZURESUBSCRIPTION', 'AZURE'] };
  const id = readVariable(runtime, 'ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID');
  return id === undefined ? undefined : { id, prefixes: ['ARM', 'AZURE'] };
}
