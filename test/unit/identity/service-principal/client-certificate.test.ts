/** A service principal with a certificate, found without reading the certificate. */
import { describe, expect, test } from 'vitest';
import { CLIENT_CERTIFICATE } from '../../../../src/identity/service-principal/client-certificate.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const APPLICATION_ID = 'aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb';
const findClientCertificate = finderOf(CLIENT_CERTIFICATE);

const IDS = { AZURE_CLIENT_ID: 'the-client', AZURE_TENANT_ID: 'the-tenant' };
const PATH = { AZURE_CLIENT_CERTIFICATE_PATH: '/nowhere/client.pem' };
const ALL = { ...IDS, ...PATH };

test('findClientCertificate finds an identity with all three variables, even if the file is missing', () => {
  const identity = expectIdentity(findClientCertificate(requestFor(ALL)));
  expect(identity.source).toBe('client-certificate');
  expect(identity.description).toBe('client-certificate https://login.microsoftonline.com/the-tenant the-client');
});

describe('findClientCertificate reports "not set up"', () => {
  const rows: readonly (readonly [env: Record<string, string>, reason: string])[] = [
    [{}, 'AZURE_CLIENT_CERTIFICATE_PATH is not set'],
    [IDS, 'AZURE_CLIENT_CERTIFICATE_PATH is not set'],
    [{ ...IDS, AZURE_CLIENT_CERTIFICATE_PASSWORD: 'p' }, 'AZURE_CLIENT_CERTIFICATE_PATH is not set'],
    [{ ...IDS, AZURE_CLIENT_CERTIFICATE_PATH: '' }, 'AZURE_CLIENT_CERTIFICATE_PATH is not set'],
    [PATH, 'AZURE_CLIENT_CERTIFICATE_PATH is set, but AZURE_CLIENT_ID is not'],
    [{ ...PATH, AZURE_TENANT_ID: 't' }, 'AZURE_CLIENT_CERTIFICATE_PATH is set, but AZURE_CLIENT_ID is not'],
    [{ ...PATH, AZURE_CLIENT_ID: 'c' }, 'AZURE_CLIENT_CERTIFICATE_PATH is set, but AZURE_TENANT_ID is not'],
    [
      { ...ALL, AZURE_CLIENT_SECRET: 's' },
      'AZURE_CLIENT_CERTIFICATE_PATH is set, but AZURE_CLIENT_SECRET takes precedence',
    ],
  ];
  test.each(rows)('with %j', (env, reason) => {
    expect(findClientCertificate(requestFor(env))).toEqual({ notSetUp: reason });
  });
});

test('findClientCertificate ignores a client secret that is empty, or when the certificate was chosen', () => {
  expectIdentity(findClientCertificate(requestFor({ ...ALL, AZURE_CLIENT_SECRET: '' })));
  expectIdentity(findClientCertificate({ ...requestFor({ ...ALL, AZURE_CLIENT_SECRET: 's' }), isChosen: true }));
});

test('findClientCertificate reads the file, the client and the tenant from the configuration', () => {
  const parameters = { certificatePath: '/etc/acr.pem', clientId: APPLICATION_ID, tenantId: 'other' };
  const identity = expectIdentity(findClientCertificate(requestFor({}, parameters)));
  expect(identity.description).toBe(`client-certificate https://login.microsoftonline.com/other ${APPLICATION_ID}`);
});

test('readSecret differs by certificate file and by password', () => {
  const proofs = [
    ALL,
    { ...ALL, AZURE_CLIENT_CERTIFICATE_PASSWORD: 'p' },
    { ...ALL, AZURE_CLIENT_CERTIFICATE_PATH: '/b' },
  ]
    .map((env) => expectIdentity(findClientCertificate(requestFor(env))))
    .map((identity) => identity.readSecret?.());
  expect(new Set(proofs).size).toBe(3);
});
