/** Which client and which tenant sign in. */
import { describe, expect, test } from 'vitest';
import { CLIENT_FIELDS, findClient, type VariablePrefix } from '../../../src/identity/client.ts';
import { catchFailure } from '../failure.ts';
import { registryNamed } from '../registry-named.ts';
import { makeRuntime } from '../runtime.ts';

interface Parameters {
  readonly clientId?: string;
  readonly tenantId?: string;
}

function find(
  env: Readonly<Record<string, string>>,
  prefixes?: readonly VariablePrefix[],
  parameters: Parameters = {},
) {
  const registry = registryNamed('myregistry.azurecr.io');
  return findClient({ runtime: makeRuntime(env), registry, parameters, isChosen: false }, prefixes);
}

const AZURE = { AZURE_CLIENT_ID: 'client', AZURE_TENANT_ID: 'tenant' };
const ARM = { ARM_CLIENT_ID: 'arm-client', ARM_TENANT_ID: 'arm-tenant' };
const CONNECTION = {
  AZURESUBSCRIPTION_CLIENT_ID: 'connection-client',
  AZURESUBSCRIPTION_TENANT_ID: 'connection-tenant',
};

describe('findClient', () => {
  const rows: readonly (readonly [
    env: Readonly<Record<string, string>>,
    prefixes: readonly VariablePrefix[] | undefined,
    found: object | string,
  ])[] = [
    [AZURE, undefined, { clientId: 'client', tenant: 'tenant' }],
    [{ ...AZURE, ...ARM, ...CONNECTION }, undefined, { clientId: 'client', tenant: 'tenant' }],
    [{ ...AZURE, ...ARM }, ['ARM', 'AZURE'], { clientId: 'arm-client', tenant: 'arm-tenant' }],
    [{ ...AZURE, ...ARM }, ['AZURE', 'ARM'], { clientId: 'client', tenant: 'tenant' }],
    [AZURE, ['ARM', 'AZURE'], { clientId: 'client', tenant: 'tenant' }],
    [{ ...AZURE, ARM_CLIENT_ID: '', ARM_TENANT_ID: '' }, ['ARM', 'AZURE'], { clientId: 'client', tenant: 'tenant' }],
    [CONNECTION, ['AZURESUBSCRIPTION'], { clientId: 'connection-client', tenant: 'connection-tenant' }],
    [{}, undefined, 'AZURE_CLIENT_ID'],
    [{ AZURE_CLIENT_ID: '', AZURE_TENANT_ID: 'tenant' }, undefined, 'AZURE_CLIENT_ID'],
    [{ AZURE_CLIENT_ID: 'client' }, undefined, 'AZURE_TENANT_ID'],
    [ARM, undefined, 'AZURE_CLIENT_ID'],
    [{}, ['ARM', 'AZURE'], 'ARM_CLIENT_ID'],
    [{ AZURE_CLIENT_ID: 'client' }, ['ARM', 'AZURE'], 'ARM_TENANT_ID'],
  ];
  for (const [env, prefixes, found] of rows) {
    test(`returns ${JSON.stringify(found)} for ${JSON.stringify(env)} with ${prefixes?.join(', ') ?? 'no prefixes'}`, () => {
      expect(find(env, prefixes)).toEqual(found);
    });
  }

  test('takes each value from the configuration before the environment', () => {
    const own = { clientId: 'own-client', tenantId: 'own-tenant' };
    expect(find(AZURE, undefined, own)).toEqual({ clientId: 'own-client', tenant: 'own-tenant' });
    expect(find({}, undefined, own)).toEqual({ clientId: 'own-client', tenant: 'own-tenant' });
    expect(find(AZURE, undefined, { clientId: 'own-client' })).toEqual({ clientId: 'own-client', tenant: 'tenant' });
    expect(find(AZURE, undefined, { tenantId: 'own-tenant' })).toEqual({ clientId: 'client', tenant: 'own-tenant' });
  });

  test.each([
    [{ ...AZURE, AZURE_TENANT_ID: 'a/b' }, undefined, 'AZURE_TENANT_ID'],
    [{ ...AZURE, AZURE_TENANT_ID: '..' }, undefined, 'AZURE_TENANT_ID'],
    [{ ...ARM, ARM_TENANT_ID: 'a b' }, ['AZURE', 'ARM'] as const, 'ARM_TENANT_ID'],
  ])('rejects the tenant in %j, and the error names its variable', async (env, prefixes, variable) => {
    const failure = await catchFailure(() => find(env, prefixes));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).toBe(`${variable} is not a tenant id or domain`);
  });
});

test.each([
  ['aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb', true],
  ['AAAAAAAA-1111-4222-8333-BBBBBBBBBBBB', true],
  ['the-client', false],
  ['', false],
  ['aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb\n', false],
  [7, false],
])('CLIENT_FIELDS accepts the client id %j: %s', (value, isAccepted) => {
  expect(CLIENT_FIELDS.clientId.accepts(value)).toBe(isAccepted);
});
