/** `get` in a job of GitHub Actions or Azure Pipelines, which gets its token from the CI. */

import { beforeEach, describe, expect, test } from 'vitest';
import {
  GITHUB_HOST,
  GITHUB_ISSUER,
  GITHUB_SUBJECT,
  installCi,
  PIPELINES_HOST,
  SERVICE_CONNECTION_ID,
} from '../emulator/ci.ts';
import { CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import type { Fault } from '../emulator/faults.ts';
import { ENTRA, EXCHANGE, NOT_FOUND, openWorld, REGISTRY } from './world.ts';

const NOBODY = { AZURE_CLIENT_ID: undefined, AZURE_TENANT_ID: undefined, AZURE_CLIENT_SECRET: undefined };
const IDS = { AZURE_CLIENT_ID: CLIENT_ID, AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_SECRET: undefined };

type Variables = Record<string, string | undefined>;

const world = await openWorld();
const { application } = world;
const ci = await installCi(world.emulator.state);

beforeEach(() => {
  application.federatedCredentials = [];
  world.trustJobs(ci);
});

const github = (more: Variables = {}): Variables => ({ ...IDS, ...ci.githubVariables, ...more });
const pipelines = (more: Variables = {}): Variables => ({ ...IDS, ...ci.pipelinesVariables, ...more });

/** Runs `world.fail` with an injected fault and returns stderr. */
async function failWith(fault: Fault, variables: Variables): Promise<string> {
  const restore = world.emulator.inject(fault);
  try {
    return (await world.fail(REGISTRY, variables)).stderr;
  } finally {
    restore();
  }
}

describe('a job of GitHub Actions', () => {
  const path = () => new URL(ci.githubVariables['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '').pathname;

  test('requests an ID token for Entra and signs in with it', async () => {
    await world.get(REGISTRY, github());
    expect(world.seen()).toEqual([`GET ${GITHUB_HOST}${path()}`, ENTRA, EXCHANGE]);
    expect(world.emulator.requests[0]?.query).toEqual({ 'api-version': '2.0', audience: 'api://AzureADTokenExchange' });
    expect(world.emulator.requests[1]?.form['client_secret']).toBeUndefined();
  });

  test('requests a new ID token at each sign-in, and none when the answer is in the cache', async () => {
    const first = await world.get(REGISTRY, github());
    world.forgetRequests();
    expect((await world.get(REGISTRY, github())).Secret).toBe(first.Secret);
    expect(world.seen()).toEqual([]);
    world.forgetTokens();
    await world.get(REGISTRY, github());
    expect(world.seen()).toHaveLength(3);
  });

  test.each([
    ['myregistry.azurecr.us', 'api://AzureADTokenExchangeUSGov'],
    ['myregistry.azurecr.cn', 'api://AzureADTokenExchangeChina'],
  ])('for %s requests an ID token with the audience %s', async (registry, audience) => {
    ci.trust(application, GITHUB_ISSUER, GITHUB_SUBJECT, audience);
    await world.get(registry, github());
    expect(world.emulator.requests[0]?.query['audience']).toBe(audience);
  });

  test('takes the client and the tenant from the configuration', async () => {
    const identity = { type: 'github-actions', clientId: CLIENT_ID, tenantId: TENANT_ID };
    world.configure({ [REGISTRY]: { identity } });
    await world.get(REGISTRY, github(NOBODY));
    expect(world.seen()).toHaveLength(3);
  });

  test('reports issuer, subject and audience when Entra does not trust its token', async () => {
    application.federatedCredentials = [];
    ci.trust(application, GITHUB_ISSUER, 'repo:contoso/app:ref:refs/heads/main');
    const { stderr } = await world.fail(REGISTRY, github());
    expect(stderr).toContain('(AADSTS700213)');
    expect(stderr).toContain(`iss ${GITHUB_ISSUER}, sub ${GITHUB_SUBJECT}, aud api://AzureADTokenExchange`);
  });

  test('stays anonymous without the id-token permission, and names it', async () => {
    const missing = { ACTIONS_ID_TOKEN_REQUEST_URL: undefined, ACTIONS_ID_TOKEN_REQUEST_TOKEN: undefined };
    const { stdout, stderr } = await world.run('get', REGISTRY, github(missing));
    expect(stdout).toBe(NOT_FOUND);
    expect(stderr).toContain('permissions: { id-token: write');
  });

  test('fails without the id-token permission when the configuration chose this identity', async () => {
    world.configure({ [REGISTRY]: { identity: 'github-actions' } });
    const missing = { ACTIONS_ID_TOKEN_REQUEST_URL: undefined, ACTIONS_ID_TOKEN_REQUEST_TOKEN: undefined };
    const { stdout, stderr } = await world.fail(REGISTRY, github(missing));
    expect(stdout).toContain('the job is not allowed to request an ID token from GitHub');
    expect(stderr).toContain('hint: add "permissions: { id-token: write');
  });

  test.each(['http://127.0.0.1:1/token', 'http://localhost/', 'https://user:word@host/', 'nonsense'])(
    'sends nothing to the invalid token URL %s',
    async (url) => {
      const { stdout } = await world.fail(REGISTRY, github({ ACTIONS_ID_TOKEN_REQUEST_URL: url }));
      expect(stdout).toContain('ACTIONS_ID_TOKEN_REQUEST_URL is not an https URL');
      world.expectNothingSent();
    },
  );

  test('reports a request token that GitHub rejects, without quoting it', async () => {
    const { stderr } = await world.fail(REGISTRY, github({ ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'ended-request-token' }));
    expect(stderr).toContain(`GitHub Actions issued no ID token (${GITHUB_HOST} responded with status 401)`);
    expect(stderr).toContain('TF400813');
    expect(stderr).not.toContain('ended-request-token');
  });

  test.each([429, 500, 503])('retries after %i', async (status) => {
    const restore = world.emulator.inject({ host: GITHUB_HOST, status, times: 1, headers: { 'retry-after': '0' } });
    await world.get(REGISTRY, github());
    restore();
    expect(world.seen()).toHaveLength(4);
  });

  const answers: readonly (readonly [what: string, Fault, line: string])[] = [
    ['no JSON', { status: 200, body: '<html>' }, 'the response contains no token'],
    ['no token', { status: 200, body: '{"value":""}' }, 'the response contains no token'],
    [
      'a part of a token',
      { status: 200, body: '{"value":"eyJhbGciOiJSUzI1NiJ9.eyJp"}' },
      'the response contains no token',
    ],
    ['a number', { status: 200, body: '{"value":7}' }, 'the response contains no token'],
    ['an echo of the request', { status: 403, echo: true }, 'responded with status 403'],
    ['a redirect', { redirectTo: 'https://evil.example/' }, 'redirects to evil.example, which is not followed'],
  ];
  test.each(answers)('reports that GitHub answered with %s', async (_what, fault, line) => {
    expect(await failWith({ host: GITHUB_HOST, ...fault }, github())).toContain(line);
    expect(world.seen()).toHaveLength(1);
  });
});

describe('a job of Azure Pipelines', () => {
  const path = () => new URL(ci.pipelinesVariables['SYSTEM_OIDCREQUESTURI'] ?? '').pathname;

  test('requests the token of its service connection and signs in with it', async () => {
    await world.get(REGISTRY, pipelines());
    expect(world.seen()).toEqual([`POST ${PIPELINES_HOST}${path()}`, ENTRA, EXCHANGE]);
    const [request] = world.emulator.requests;
    expect(request?.query).toEqual({ 'api-version': '7.1', serviceConnectionId: SERVICE_CONNECTION_ID });
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'x-tfs-fedauthredirect': 'Suppress' });
    expect(request?.body).toBe('');
  });

  const clients: readonly (readonly [string, Variables])[] = [
    ['of the task', { AZURESUBSCRIPTION_CLIENT_ID: CLIENT_ID, AZURESUBSCRIPTION_TENANT_ID: TENANT_ID }],
    [
      'of Terraform',
      {
        AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: undefined,
        ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID: SERVICE_CONNECTION_ID,
        ARM_CLIENT_ID: CLIENT_ID,
        ARM_TENANT_ID: TENANT_ID,
      },
    ],
  ];
  test.each(clients)('takes client, tenant and service connection from the variables %s', async (_whose, variables) => {
    await world.get(REGISTRY, pipelines({ ...NOBODY, ...variables }));
    expect(world.seen()).toHaveLength(3);
  });

  test('takes client, tenant and service connection from the configuration', async () => {
    const identity = { clientId: CLIENT_ID, tenantId: TENANT_ID, serviceConnectionId: SERVICE_CONNECTION_ID };
    world.configure({ [REGISTRY]: { identity: { type: 'azure-pipelines', ...identity } } });
    await world.get(REGISTRY, pipelines({ ...NOBODY, AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: undefined }));
    expect(world.seen()).toHaveLength(3);
  });

  test.each([undefined, '$(System.AccessToken)'])(
    'explains how to map SYSTEM_ACCESSTOKEN when it is %j',
    async (token) => {
      const { stdout, stderr } = await world.run('get', REGISTRY, pipelines({ SYSTEM_ACCESSTOKEN: token }));
      expect(stdout).toBe(NOT_FOUND);
      expect(stderr).toContain('SYSTEM_ACCESSTOKEN is not set: map it into the step');
      world.configure({ [REGISTRY]: { identity: 'azure-pipelines' } });
      const outcome = await world.fail(REGISTRY, pipelines({ SYSTEM_ACCESSTOKEN: token }));
      expect(outcome.stderr).toContain('hint: map it into the step: "env: { SYSTEM_ACCESSTOKEN: ');
    },
  );

  test('reports a wrong access token with the ids that support asks for', async () => {
    const { stderr } = await world.fail(REGISTRY, pipelines({ SYSTEM_ACCESSTOKEN: 'wrong-access-token' }));
    expect(stderr).toContain(
      'Azure DevOps does not accept SYSTEM_ACCESSTOKEN (dev.azure.com responded with status 401)',
    );
    expect(stderr).toMatch(/cause: x-vss-e2eid [0-9a-f-]{36}\ncause: x-msedge-ref Ref A/);
    expect(stderr).not.toContain('wrong-access-token');
  });

  test('reports the id of an unknown service connection', async () => {
    const other = { AZURESUBSCRIPTION_SERVICE_CONNECTION_ID: TENANT_ID };
    const { stderr } = await world.fail(REGISTRY, pipelines(other));
    expect(stderr).toContain(`No service connection found with identifier ${TENANT_ID}`);
    expect(stderr).toContain(`hint: let the pipeline use the service connection ${TENANT_ID}`);
  });

  test.each(['http://dev.azure.com/x/oidctoken', 'nonsense'])(
    'sends nothing to the invalid token URL %s',
    async (url) => {
      const { stdout } = await world.fail(REGISTRY, pipelines({ SYSTEM_OIDCREQUESTURI: url }));
      expect(stdout).toContain('SYSTEM_OIDCREQUESTURI is not an https URL');
      world.expectNothingSent();
    },
  );

  const answers: readonly (readonly [what: string, Fault, line: string])[] = [
    [
      'a redirect',
      { redirectTo: 'https://spsprodeus2.vssps.visualstudio.com/_signin', status: 302 },
      'does not accept SYSTEM_ACCESSTOKEN',
    ],
    ['a sign-in page', { status: 203, body: '<html>Sign in' }, 'does not accept SYSTEM_ACCESSTOKEN'],
    ['no JSON', { status: 200, body: '<html>' }, 'the response is not JSON'],
    ['no token', { status: 200, body: '{}' }, 'the response contains no token'],
    ['an echo of the request', { echo: true }, 'Azure DevOps issued no token'],
  ];
  test.each(answers)('reports that Azure DevOps answered with %s', async (_what, fault, line) => {
    expect(await failWith({ host: PIPELINES_HOST, ...fault }, pipelines())).toContain(line);
    expect(world.seen()).toHaveLength(1);
  });
});
