/** The service connection of an Azure Pipelines job, found without asking for its token. */
import { describe, expect, test } from 'vitest';
import { AZURE_PIPELINES } from '../../../../src/identity/federated/azure-pipelines.ts';
import { catchFailure } from '../../failure.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const CONNECTION_ID = '99999999-1111-4222-8333-bbbbbbbbbbbb';
const APPLICATION_ID = 'aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb';
const findAzurePipelines = finderOf(AZURE_PIPELINES);

const AGENT = { TF_BUILD: 'True', SYSTEM_OIDCREQUESTURI: 'https://dev.azure.com/o/p/oidctoken' };
const TOKEN = { SYSTEM_ACCESSTOKEN: 'hidden-access-token' };
const CONNECTION = { AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: 'the-connection' };
const ARM_CONNECTION = { ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID: 'arm-connection' };
const TASK = { AZURESUBSCRIPTION_CLIENT_ID: 'task-client', AZURESUBSCRIPTION_TENANT_ID: 'task-tenant' };
const IDS = { AZURE_CLIENT_ID: 'the-client', AZURE_TENANT_ID: 'the-tenant' };
const ARM = { ARM_CLIENT_ID: 'arm-client', ARM_TENANT_ID: 'arm-tenant' };
const MAP = ': map it into the step: "env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }"';

describe('findAzurePipelines', () => {
  const rows: readonly (readonly [env: Record<string, string>, account: string])[] = [
    [{ ...AGENT, ...TOKEN, ...CONNECTION, ...TASK }, 'task-tenant task-client'],
    [{ ...AGENT, ...TOKEN, ...CONNECTION, ...IDS }, 'the-tenant the-client'],
    [{ ...AGENT, ...TOKEN, ...CONNECTION, ...IDS, ...TASK }, 'task-tenant task-client'],
    [{ ...AGENT, ...TOKEN, ...ARM_CONNECTION, ...ARM }, 'arm-tenant arm-client'],
    [{ ...AGENT, ...TOKEN, ...ARM_CONNECTION, ...IDS }, 'the-tenant the-client'],
    [{ ...AGENT, ...TOKEN, ...CONNECTION, ...ARM_CONNECTION, ...TASK, ...ARM }, 'task-tenant task-client'],
  ];
  test.each(rows)('finds an identity with %j', (env, account) => {
    const identity = expectIdentity(findAzurePipelines(requestFor(env)));
    expect(identity.source).toBe('azure-pipelines');
    expect(identity.description).toBe(`azure-pipelines https://login.microsoftonline.com/${account}`);
  });

  test('finds the identity that the configuration describes', () => {
    const parameters = { serviceConnectionId: CONNECTION_ID, clientId: APPLICATION_ID, tenantId: 'other' };
    const identity = expectIdentity(findAzurePipelines(requestFor({ ...AGENT, ...TOKEN, ...TASK }, parameters)));
    expect(identity.description).toBe(`azure-pipelines https://login.microsoftonline.com/other ${APPLICATION_ID}`);
    expect(identity.readSecret?.()).toBe(`${CONNECTION_ID} hidden-access-token`);
  });
});

describe('findAzurePipelines reports "not set up"', () => {
  const rows: readonly (readonly [env: Record<string, string>, reason: string])[] = [
    [{}, 'SYSTEM_OIDCREQUESTURI is not set'],
    [{ TF_BUILD: 'True', ...TOKEN, ...CONNECTION, ...IDS }, 'SYSTEM_OIDCREQUESTURI is not set'],
    [
      { ...AGENT, ...TOKEN, ...IDS },
      'SYSTEM_OIDCREQUESTURI is set, but AZURESUBSCRIPTION_SERVICE_CONNECTION_ID is not',
    ],
    [{ ...AGENT, ...TOKEN, ...CONNECTION }, 'SYSTEM_OIDCREQUESTURI is set, but AZURESUBSCRIPTION_CLIENT_ID is not'],
    [
      { ...AGENT, ...TOKEN, ...CONNECTION, AZURE_CLIENT_ID: 'c' },
      'SYSTEM_OIDCREQUESTURI is set, but AZURESUBSCRIPTION_TENANT_ID is not',
    ],
    [{ ...AGENT, ...CONNECTION, ...IDS }, `SYSTEM_ACCESSTOKEN is not set${MAP}`],
    [{ ...AGENT, ...CONNECTION, ...IDS, SYSTEM_ACCESSTOKEN: ' ' }, `SYSTEM_ACCESSTOKEN is not set${MAP}`],
    [
      { ...AGENT, ...CONNECTION, ...IDS, SYSTEM_ACCESSTOKEN: '$(System.AccessToken)' },
      `SYSTEM_ACCESSTOKEN is not set${MAP}`,
    ],
  ];
  test.each(rows)('with %j', (env, reason) => {
    expect(findAzurePipelines(requestFor(env))).toEqual({ notSetUp: reason });
  });
});

test('findAzurePipelines rejects a missing access token when Azure Pipelines was chosen', async () => {
  const request = { ...requestFor({ ...AGENT, ...CONNECTION, ...IDS }), isChosen: true };
  const failure = await catchFailure(() => findAzurePipelines(request));
  expect(failure.code).toBe('IDENTITY_INVALID');
  expect(failure.hint).toContain('SYSTEM_ACCESSTOKEN: $(System.AccessToken)');
});
