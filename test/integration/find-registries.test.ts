/** Finding the account's registries in Azure, against the emulator. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type FoundRegistry, findAzureRegistries } from '../../src/commands/registries/find-registries.ts';
import { CLIENT_ID, SUBSCRIPTION_ID, TENANT_ID } from '../emulator/emulator.ts';
import { findTenant, registryOf } from '../emulator/state.ts';
import { catchFailure } from '../unit/failure.ts';
import { makeWorldRuntime, NOBODY, type Variables } from './command-world.ts';
import { ENTRA, openWorld } from './world.ts';

const world = await openWorld();
const { state } = world.emulator;

const GRAPH = 'POST management.azure.com/providers/Microsoft.ResourceGraph/resources';
const SECOND = 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee';

const find = (variables: Variables = {}): Promise<readonly FoundRegistry[]> =>
  findAzureRegistries({ runtime: makeWorldRuntime(world, variables), log: undefined });

function tenant() {
  const found = findTenant(state, TENANT_ID);
  if (found === undefined) throw new Error('the emulator has a tenant');
  return found;
}

test('an account with registries in two subscriptions finds all of them, sorted, with one sign-in', async () => {
  state.registries.clear();
  tenant().subscriptions = [
    { id: SUBSCRIPTION_ID, name: 'Production' },
    { id: SECOND, name: 'Test\u001B[2J' },
  ];
  registryOf(state, 'zebra.azurecr.io');
  const other = registryOf(state, 'adventure-e7ggejfuhzhgedc8.azurecr.io');
  other.resource = { subscriptionId: SECOND, resourceGroup: 'rg-test', location: 'eastus' };
  expect(await find()).toEqual([
    {
      loginServer: 'adventure-e7ggejfuhzhgedc8.azurecr.io',
      ...{ name: 'adventure', resourceGroup: 'rg-test', subscription: 'Test [2J', location: 'eastus' },
    },
    {
      loginServer: 'zebra.azurecr.io',
      ...{ name: 'zebra', resourceGroup: 'emulated', subscription: 'Production', location: 'westeurope' },
    },
  ]);
  expect(world.seen()).toEqual([ENTRA, GRAPH]);
  expect(world.emulator.requests[0]?.form['scope']).toBe('https://management.azure.com/.default');
  // A token for Azure Resource Manager is never kept.
  expect(readFiles(world.cacheFolder).filter((name) => name.endsWith('.json'))).toEqual([]);
});

test('450 registries arrive in three pages', async () => {
  state.registries.clear();
  const names = Array.from({ length: 450 }, (_, index) => `registry${String(index).padStart(3, '0')}.azurecr.io`);
  for (const name of names) registryOf(state, name);
  expect((await find()).map(({ loginServer }) => loginServer)).toEqual(names);
  expect(world.seen()).toEqual([ENTRA, GRAPH, GRAPH, GRAPH]);
  state.registries.clear();
});

test('a login server that is not one of a known cloud is left out', async () => {
  state.registries.clear();
  for (const name of ['contoso.azurecr.io', 'contoso.azurecr.io.example.com', 'evil.example.com']) {
    registryOf(state, name);
  }
  expect((await find()).map(({ loginServer }) => loginServer)).toEqual(['contoso.azurecr.io']);
  state.registries.clear();
});

test('a throttled query is repeated when Azure says so', async () => {
  registryOf(state, 'contoso.azurecr.io');
  const stop = world.emulator.inject({
    host: 'management.azure.com',
    status: 429,
    headers: { 'Retry-After': '0' },
    times: 2,
  });
  expect(await find()).toHaveLength(1);
  expect(world.seen()).toEqual([ENTRA, GRAPH, GRAPH, GRAPH]);
  stop();
});

test('an exhausted quota is waited for before the next page', async () => {
  state.registries.clear();
  for (let index = 0; index < 201; index += 1) registryOf(state, `registry${index}.azurecr.io`);
  const stop = world.emulator.inject({
    host: 'management.azure.com',
    tamper: (answer) => ({
      ...answer,
      headers: { ...answer.headers, 'x-ms-user-quota-remaining': '0', 'x-ms-user-quota-resets-after': '00:00:01' },
    }),
  });
  const startedMs = performance.now();
  expect(await find()).toHaveLength(201);
  expect(performance.now() - startedMs).toBeGreaterThan(990);
  stop();
  state.registries.clear();
});

test('an account without a subscription has no registries', async () => {
  const { subscriptions } = tenant();
  tenant().subscriptions = [];
  expect(await find()).toEqual([]);
  tenant().subscriptions = subscriptions;
});

test('without an identity, the error names the sources that were tried', async () => {
  const failure = await catchFailure(() => find({ ...NOBODY, AZURE_TOKEN_CREDENTIALS: 'AzureCliCredential' }));
  expect(failure.code).toBe('IDENTITY_NOT_SET_UP');
  expect(failure.message).toBe('Cannot find the registries of your account: no Azure identity is set up');
  expect(failure.causes).toEqual([expect.stringMatching(/^skipped azure-cli: /)]);
  expect(failure.hint).toBe('docker-credential-acr login');
  world.expectNothingSent();
});

const QUOTA = { 'x-ms-user-quota-remaining': '0', 'x-ms-user-quota-resets-after': '00:01:05' };
test.each([
  [
    'a refusal',
    {
      status: 403,
      body: '{"error":{"code":"AccessDenied","message":"x","details":[{"code":"AccessDenied","message":"No role"}]}}',
    },
    ['RESOURCES_REFUSED', 'the identity may not list resources', 'HTTP 403 AccessDenied: No role', /Reader/],
  ],
  [
    'an unknown token',
    { status: 401, body: '' },
    [
      'RESOURCES_REFUSED',
      'management.azure.com does not accept the token of the identity',
      'HTTP 401 with an empty body',
      /az login/,
    ],
  ],
  [
    'throttling without an end',
    { status: 429, headers: { ...QUOTA, 'Retry-After': '65' }, body: '' },
    [
      'RESOURCES_REFUSED',
      'management.azure.com received too many requests',
      'HTTP 429 with an empty body',
      /^wait 65 seconds/,
    ],
  ],
  [
    'throttling with a quota only',
    { status: 429, headers: { ...QUOTA, 'Retry-After': '3600, 1' }, body: '' },
    [
      'RESOURCES_REFUSED',
      'management.azure.com received too many requests',
      'HTTP 429 with an empty body',
      /^wait 65 seconds/,
    ],
  ],
  [
    'another status',
    { status: 400, body: '{"error":{"code":"BadRequest","message":"No\\u001b"}}' },
    ['RESOURCES_REFUSED', 'management.azure.com responded with status 400', 'HTTP 400 BadRequest: No', /try again/],
  ],
  [
    'the page of a proxy',
    { status: 200, body: '<h1>Sign in</h1>' },
    ['ANSWER_INVALID', 'management.azure.com did not return a list of resources', 'HTTP 200: Sign in', /HTTPS_PROXY/],
  ],
  [
    'no list',
    { status: 200, body: '{"data":{}}' },
    [
      'ANSWER_INVALID',
      'management.azure.com did not return a list of resources',
      'HTTP 200: {"data":{}}',
      /HTTPS_PROXY/,
    ],
  ],
] as const)('%s is explained', async (_what, fault, [code, message, cause, hint]) => {
  const stop = world.emulator.inject({ host: 'management.azure.com', ...fault });
  const failure = await catchFailure(() => find());
  stop();
  expect(failure.code).toBe(code);
  expect(failure.message).toBe(`Cannot find the registries of your account: ${message}`);
  expect(failure.causes[0]).toBe(cause);
  expect(failure.hint).toMatch(hint);
});

test('a service that always has another page is left after fifty pages', async () => {
  const body = JSON.stringify({ data: [], $skipToken: 'more' });
  const stop = world.emulator.inject({ host: 'management.azure.com', status: 200, body });
  const failure = await catchFailure(() => find());
  stop();
  expect(failure).toMatchObject({ code: 'ANSWER_INVALID', message: expect.stringContaining('more than 50 pages') });
  expect(world.seen().filter((one) => one === GRAPH)).toHaveLength(50);
});

test('rows that are not as expected are left out, and texts that are missing are empty', async () => {
  const data = [
    null,
    7,
    {},
    { loginServer: 5 },
    { loginServer: 'contoso.azurecr.io', name: 7, subscriptionId: SECOND },
  ];
  const stop = world.emulator.inject({ host: 'management.azure.com', status: 200, body: JSON.stringify({ data }) });
  expect(await find()).toEqual([
    { loginServer: 'contoso.azurecr.io', name: '', resourceGroup: '', subscription: SECOND, location: '' },
  ]);
  stop();
});

test('a failed sign-in is explained', async () => {
  const failure = await catchFailure(() => find({ AZURE_CLIENT_SECRET: 'wrong-secret' }));
  expect(failure.code).toBe('ENTRA_REFUSED');
  expect(failure.message).toMatch(/^Cannot find the registries of your account: /);
  expect(world.seen()).toEqual([ENTRA]);
});

test('AZURE_AUTHORITY_HOST decides which cloud is searched', async () => {
  registryOf(state, 'contoso.azurecr.cn');
  const found = await find({ AZURE_AUTHORITY_HOST: 'https://login.chinacloudapi.cn/' });
  expect(found.map(({ loginServer }) => loginServer)).toContain('contoso.azurecr.cn');
  expect(world.seen()[1]).toBe('POST management.chinacloudapi.cn/providers/Microsoft.ResourceGraph/resources');
  expect(world.emulator.requests[0]?.form['scope']).toBe('https://management.chinacloudapi.cn/.default');
  expect(world.emulator.requests[0]?.form['client_id']).toBe(CLIENT_ID);
});

function readFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}
