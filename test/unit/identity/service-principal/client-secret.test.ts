/** A service principal with a client secret. */
import { describe, expect, test } from 'vitest';
import { CLIENT_SECRET } from '../../../../src/identity/service-principal/client-secret.ts';
import { catchFailure } from '../../failure.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const APPLICATION_ID = 'aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb';
const findClientSecret = finderOf(CLIENT_SECRET);

const ALL = { AZURE_CLIENT_ID: 'the-client', AZURE_CLIENT_SECRET: 'hidden-secret', AZURE_TENANT_ID: 'the-tenant' };

test('findClientSecret finds an identity with all three variables, and describes it without the secret', () => {
  const identity = expectIdentity(findClientSecret(requestFor(ALL)));
  expect(identity.source).toBe('client-secret');
  expect(identity.description).toBe('client-secret https://login.microsoftonline.com/the-tenant the-client');
  expect(identity.readSecret?.()).toBe('hidden-secret');
});

describe('findClientSecret reports "not set up" with', () => {
  const rows: readonly (readonly [present: readonly (keyof typeof ALL)[], reason: string])[] = [
    [[], 'AZURE_CLIENT_SECRET is not set'],
    [['AZURE_CLIENT_ID'], 'AZURE_CLIENT_SECRET is not set'],
    [['AZURE_TENANT_ID'], 'AZURE_CLIENT_SECRET is not set'],
    [['AZURE_CLIENT_ID', 'AZURE_TENANT_ID'], 'AZURE_CLIENT_SECRET is not set'],
    [['AZURE_CLIENT_SECRET'], 'AZURE_CLIENT_SECRET is set, but AZURE_CLIENT_ID is not'],
    [['AZURE_CLIENT_SECRET', 'AZURE_TENANT_ID'], 'AZURE_CLIENT_SECRET is set, but AZURE_CLIENT_ID is not'],
    [['AZURE_CLIENT_SECRET', 'AZURE_CLIENT_ID'], 'AZURE_CLIENT_SECRET is set, but AZURE_TENANT_ID is not'],
  ];
  for (const [present, reason] of rows) {
    test(present.join(' ') || 'no variable', () => {
      const unset = Object.fromEntries(present.map((name) => [name, ALL[name]]));
      expect(findClientSecret(requestFor(unset))).toEqual({ notSetUp: reason });
      const empty = Object.fromEntries(Object.keys(ALL).map((name) => [name, '']));
      expect(findClientSecret(requestFor({ ...empty, ...unset }))).toEqual({ notSetUp: reason });
    });
  }
});

describe('the description of a client secret', () => {
  const description = (env: Record<string, string>, parameters = {}, serverUrl = 'myregistry.azurecr.io') =>
    expectIdentity(findClientSecret(requestFor({ ...ALL, ...env }, parameters, serverUrl))).description;

  test('differs by client, tenant, authority and cloud, but not by the secret', () => {
    const descriptions = [
      description({}),
      description({ AZURE_CLIENT_ID: 'another' }),
      description({ AZURE_TENANT_ID: 'another' }),
      description({ AZURE_AUTHORITY_HOST: 'https://login.example.com' }),
      description({}, {}, 'myregistry.azurecr.cn'),
      description({}, { tenantId: 'of-the-configuration' }),
      description({}, { clientId: APPLICATION_ID }),
    ];
    expect(new Set(descriptions).size).toBe(descriptions.length);
    expect(description({ AZURE_CLIENT_SECRET: 'renewed' })).toBe(description({}));
    for (const text of descriptions) expect(text).not.toContain('hidden');
  });

  test('takes the configuration before the environment', () => {
    const parameters = { tenantId: 'its-tenant', clientId: APPLICATION_ID, authorityHost: 'https://login.example.com' };
    expect(description({}, parameters)).toBe(`client-secret https://login.example.com/its-tenant ${APPLICATION_ID}`);
    const identity = expectIdentity(
      findClientSecret(requestFor({ ...ALL, OTHER: 'other' }, { clientSecretEnv: 'OTHER' })),
    );
    expect(identity.readSecret?.()).toBe('other');
    expect(findClientSecret(requestFor(ALL, { clientSecretEnv: 'OTHER' }))).toEqual({ notSetUp: 'OTHER is not set' });
  });
});

test('findClientSecret throws for an invalid tenant or authority', async () => {
  for (const env of [{ AZURE_TENANT_ID: 'a/b' }, { AZURE_AUTHORITY_HOST: 'http://login.example.com' }]) {
    const failure = await catchFailure(() => findClientSecret(requestFor({ ...ALL, ...env })));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.message).not.toContain('hidden');
  }
});
