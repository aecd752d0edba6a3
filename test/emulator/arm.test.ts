import { describe, expect, test } from 'vitest';
import { parseJsonRecord } from './json.ts';

import { type Context, findTenant, registryOf, SUBSCRIPTION_ID, TENANT_ID } from './state.ts';
import { createContext, entraToken, get, NOW } from './test-client.ts';

const BASE = 'https://management.azure.com';
const PROVIDER = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/emulated/providers/Microsoft.ContainerRegistry`;

function bearer(context: Context, audience = 'https://management.core.windows.net/'): string {
  return `Bearer ${entraToken(context, { scope: `${audience}/.default` })}`;
}

describe('the resource manager', () => {
  test('lists the subscription and the tenant', () => {
    const context = createContext();
    const read = (path: string) => parseJsonRecord(get(BASE + path, context, bearer(context)).body);
    expect(read('/subscriptions?api-version=2022-12-01')).toMatchObject({
      value: [{ subscriptionId: SUBSCRIPTION_ID, tenantId: TENANT_ID, state: 'Enabled' }],
    });
    expect(read('/tenants')).toMatchObject({ value: [{ tenantId: TENANT_ID }] });
    expect(read(`/subscriptions/${SUBSCRIPTION_ID}`)).toMatchObject({ subscriptionId: SUBSCRIPTION_ID });
  });

  test('lists every subscription of the tenant and answers 404 for an unknown one', () => {
    const context = createContext();
    const id = 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee';
    const tenant = findTenant(context.state, TENANT_ID);
    Object.assign(tenant ?? {}, { subscriptions: [...(tenant?.subscriptions ?? []), { id, name: 'Second' }] });
    const read = (path: string) => get(BASE + path, context, bearer(context));
    expect(parseJsonRecord(read('/subscriptions').body)).toMatchObject({
      value: [{ subscriptionId: SUBSCRIPTION_ID }, { subscriptionId: id, displayName: 'Second', tenantId: TENANT_ID }],
    });
    expect(parseJsonRecord(read(`/subscriptions/${id}`).body)).toMatchObject({ subscriptionId: id });
    expect(read('/subscriptions/cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee').status).toBe(404);
  });

  test.each([
    ['contoso', undefined, 'contoso.azurecr.io'],
    ['Contoso', 'contoso-e7ggejfuhzhgedc8.azurecr.io', 'contoso-e7ggejfuhzhgedc8.azurecr.io'],
    ['contoso', 'contoso.azurecr.cn', 'contoso.azurecr.cn'],
  ])('resolves the registry %s (known host: %s) to %s', (name, known, loginServer) => {
    const context = createContext();
    if (known !== undefined) {
      registryOf(context.state, known);
    }
    const one = get(`${BASE}${PROVIDER}/registries/${name}?api-version=2025-11-01`, context, bearer(context));
    expect(parseJsonRecord(one.body)).toMatchObject({ name: 'contoso', properties: { loginServer } });
    for (const path of [
      `${PROVIDER}/registries`,
      `/subscriptions/${SUBSCRIPTION_ID}/providers/Microsoft.ContainerRegistry/registries`,
      `/subscriptions/${SUBSCRIPTION_ID}/resources?$filter=resourceType eq 'Microsoft.ContainerRegistry/registries'`,
    ]) {
      const list = get(BASE + path, context, bearer(context));
      expect(parseJsonRecord(list.body)).toMatchObject({ value: [{ properties: { loginServer } }] });
    }
  });

  test('reports the role assignment mode and the ARM token policy of a registry', () => {
    const context = createContext();
    Object.assign(registryOf(context.state, 'contoso.azurecr.io'), { mode: 'abac', armTokens: false });
    const answer = get(`${BASE}${PROVIDER}/registries/contoso`, context, bearer(context));
    expect(parseJsonRecord(answer.body)).toMatchObject({
      properties: {
        roleAssignmentMode: 'AbacRepositoryPermissions',
        policies: { azureADAuthenticationAsArmPolicy: { status: 'disabled' } },
      },
    });
  });

  const REFUSED: readonly (readonly [string, (context: Context) => string | undefined])[] = [
    ['a request without a token', () => undefined],
    ['a malformed token', () => 'Bearer a.b.c'],
    ['a token for ACR', (context) => bearer(context, 'https://containerregistry.azure.net')],
    ['an expired token', (context) => bearer({ ...context, now: NOW - 4000 })],
  ];
  test.each(REFUSED)('rejects %s', (_what, authorization) => {
    const context = createContext();
    expect(get(`${BASE}/subscriptions`, context, authorization(context)).status).toBe(401);
  });

  test('answers an unknown path with 404', () => {
    const context = createContext();
    expect(get(`${BASE}/providers`, context, bearer(context)).status).toBe(404);
  });
});
