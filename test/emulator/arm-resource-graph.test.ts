import { describe, expect, test } from 'vitest';
import { parseJsonRecord, parseRecord, parseString } from './json.ts';
import { createRequest, type EmulatedResponse } from './message.ts';

import { type Context, findTenant, registryOf, SUBSCRIPTION_ID, TENANT_ID } from './state.ts';
import { ask, createContext, entraToken, NOW, REQUEST_ID } from './test-client.ts';

const URL = 'https://management.azure.com/providers/Microsoft.ResourceGraph/resources';
const QUERY =
  "Resources | where type =~ 'Microsoft.ContainerRegistry/registries' | project id, name, loginServer = tostring(properties.loginServer)";
const SECOND = 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee';

function query(context: Context, body: object = { query: QUERY }, url = `${URL}?api-version=2021-03-01`) {
  const authorization = `Bearer ${entraToken(context, { scope: 'https://management.azure.com/.default' })}`;
  const headers = { authorization, 'content-type': 'application/json' };
  return ask(createRequest({ url, headers, body: JSON.stringify(body) }), context);
}

function read(response: EmulatedResponse): Readonly<Record<string, unknown>> {
  expect(response.status).toBe(200);
  return parseJsonRecord(response.body) ?? {};
}

function loginServersOf(answer: Readonly<Record<string, unknown>>): (string | undefined)[] {
  const { data } = answer;
  return (Array.isArray(data) ? data : []).map((row) => parseString(parseRecord(row)?.['loginServer']));
}

function addRegistries(context: Context, count: number): string[] {
  const names = Array.from({ length: count }, (_, index) => `registry${String(index).padStart(3, '0')}.azurecr.io`);
  for (const name of names) registryOf(context.state, name);
  return names;
}

describe('Azure Resource Graph', () => {
  test('returns the columns of the last project, with the members that a person sees', () => {
    const context = createContext();
    registryOf(context.state, 'contoso.azurecr.io');
    const id = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/emulated/providers/Microsoft.ContainerRegistry/registries/contoso`;
    expect(read(query(context))).toEqual({
      totalRecords: 1,
      count: 1,
      data: [{ id, name: 'contoso', loginServer: 'contoso.azurecr.io' }],
      facets: [],
      resultTruncated: 'false',
    });
    const all = read(query(context, { query: "resources | where type =~ 'microsoft.containerregistry/registries'" }));
    expect(all['data']).toMatchObject([
      {
        ...{ id, name: 'contoso', type: 'microsoft.containerregistry/registries', tenantId: TENANT_ID },
        ...{ location: 'westeurope', resourceGroup: 'emulated', subscriptionId: SUBSCRIPTION_ID },
        properties: { loginServer: 'contoso.azurecr.io' },
      },
    ]);
  });

  test('returns no registries for a query of another type', () => {
    const context = createContext();
    registryOf(context.state, 'contoso.azurecr.io');
    expect(read(query(context, { query: "resources | where type =~ 'microsoft.compute/disks'" }))['data']).toEqual([]);
  });

  test('returns the registries of every subscription that the tenant has, and of no other', () => {
    const context = createContext();
    registryOf(context.state, 'contoso.azurecr.io');
    const second = registryOf(context.state, 'fabrikam.azurecr.io');
    second.resource = { subscriptionId: SECOND, resourceGroup: 'rg', location: 'eastus' };
    expect(loginServersOf(read(query(context)))).toEqual(['contoso.azurecr.io']);
    const tenant = findTenant(context.state, TENANT_ID);
    if (tenant === undefined) throw new Error('the state has a tenant');
    tenant.subscriptions = [...tenant.subscriptions, { id: SECOND, name: 'Second' }];
    expect(loginServersOf(read(query(context)))).toEqual(['contoso.azurecr.io', 'fabrikam.azurecr.io']);
  });

  test('returns every registry once over all pages', () => {
    const context = createContext();
    const names = addRegistries(context, 5);
    const found: (string | undefined)[] = [];
    let token: unknown;
    for (let page = 0; page < 3; page += 1) {
      const answer = read(query(context, { query: QUERY, options: { $top: 2, $skipToken: token } }));
      expect(answer['totalRecords']).toBe(5);
      found.push(...loginServersOf(answer));
      token = answer['$skipToken'];
      expect(typeof token).toBe(page < 2 ? 'string' : 'undefined');
    }
    expect(found).toEqual(names);
  });

  test('cuts the result of a query that leaves out the id', () => {
    const context = createContext();
    addRegistries(context, 3);
    const answer = read(query(context, { query: QUERY.replace('id, ', ''), options: { $top: 2 } }));
    expect(answer).toMatchObject({ count: 2, resultTruncated: 'true' });
    expect(answer).not.toHaveProperty('$skipToken');
  });

  test('refuses more queries than the quota until the window has passed', () => {
    const context = createContext();
    context.state.resourceGraph.quota = 2;
    expect(query(context).headers).toMatchObject({ 'x-ms-user-quota-remaining': '1' });
    expect(query({ ...context, now: NOW + 2 }).headers).toMatchObject({
      'x-ms-user-quota-remaining': '0',
      'x-ms-user-quota-resets-after': '00:00:03',
    });
    const refused = query({ ...context, now: NOW + 3 });
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({ 'Retry-After': '2', 'x-ms-user-quota-resets-after': '00:00:02' });
    const error = parseRecord(parseJsonRecord(refused.body)?.['error']);
    expect(error).toMatchObject({
      code: 'RateLimiting',
      message: expect.stringContaining(`correlationId = ${REQUEST_ID}`),
      details: [{ code: 'RateLimiting', message: expect.stringContaining('throttled') }],
    });
    expect(query({ ...context, now: NOW + 5 }).status).toBe(200);
  });

  test.each([
    ['without an api-version', URL, { query: QUERY }, 400, 'MissingApiVersionParameter'],
    ['of an unknown api-version', `${URL}?api-version=2019-04-01`, { query: QUERY }, 400, 'NoRegisteredProviderFound'],
    ['without a query', undefined, {}, 400, 'BadRequest'],
    ['for too many rows', undefined, { query: QUERY, options: { $top: 1001 } }, 400, 'BadRequest'],
    ['with a broken skip token', undefined, { query: QUERY, options: { $skipToken: 'x' } }, 400, 'BadRequest'],
  ])('refuses a request %s', (_what, url, body, status, code) => {
    const refused = query(createContext(), body, url);
    expect(refused.status).toBe(status);
    expect(parseRecord(parseJsonRecord(refused.body)?.['error'])?.['code']).toBe(code);
  });

  test('refuses an identity without a role, and one without a subscription', () => {
    const context = createContext();
    context.state.resourceGraph.isDenied = true;
    expect(query(context).status).toBe(403);
    context.state.resourceGraph.isDenied = false;
    Object.assign(findTenant(context.state, TENANT_ID) ?? {}, { subscriptions: [] });
    const refused = query(context);
    expect(refused.status).toBe(400);
    expect(refused.body).toContain('"NoValidSubscriptionsInQueryRequest"');
  });

  test('refuses a token for ACR', () => {
    const context = createContext();
    const headers = { authorization: `Bearer ${entraToken(context)}` };
    const url = `${URL}?api-version=2021-03-01`;
    expect(ask(createRequest({ url, headers, body: '{}' }), context).status).toBe(401);
  });
});
