/** The identity that azure.json names: which source, with which client, tenant and secret. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Identity } from '../../../src/identity/identity.ts';
import { readNodeIdentity } from '../../../src/kubelet/node-identity.ts';
import { isNotSetUp, type NotSetUp } from '../../../src/not-set-up.ts';
import { catchFailure } from '../failure.ts';
import { expectIdentity } from '../identity/request.ts';
import { registryNamed } from '../registry-named.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const CLIENT_ID = '11111111-2222-4333-8444-555555555555';
const OTHER_ID = 'cccccccc-2222-4333-8444-555555555555';
const RESOURCE_ID = '/Subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Pool';
const SECRET = 'hidden~secret.of-the-file';
const APPLICATION = { tenantId: 'contoso.com', aadClientId: CLIENT_ID };
const DUMMY = { aadClientId: 'msi', aadClientSecret: 'msi' };
/** What a kubelet's environment may hold; nothing of it is the node's identity. */
const ENVIRONMENT = {
  AZURE_CLIENT_ID: OTHER_ID,
  AZURE_TENANT_ID: 'fabrikam.com',
  AZURE_CLIENT_SECRET: 'another-secret',
  AZURE_CLIENT_CERTIFICATE_PASSWORD: 'another-password',
};
const folder = useTemporaryFolder();

/** Reads azure.json, and looks for the identity that it names. */
async function find(json: object, serverUrl = 'myregistry.azurecr.io'): Promise<Identity | NotSetUp | undefined> {
  const file = folder.path('azure.json');
  writeFileSync(file, JSON.stringify(json));
  const runtime = makeRuntime(ENVIRONMENT);
  const { identity } = await readNodeIdentity(runtime, file);
  return identity?.find({ runtime, registry: registryNamed(serverUrl), tenantId: undefined, isChosen: true });
}

async function findIdentity(json: object, serverUrl?: string): Promise<Identity> {
  return expectIdentity((await find(json, serverUrl)) ?? { notSetUp: 'it names none' });
}

describe('readNodeIdentity finds', () => {
  const AUTHORITY = 'https://login.microsoftonline.com';
  const rows: readonly (readonly [what: string, json: object, description: string])[] = [
    [
      'the system-assigned identity',
      { useManagedIdentityExtension: true, userAssignedIdentityID: '', ...DUMMY },
      'managed-identity imds 169.254.169.254 system-assigned',
    ],
    [
      'a user-assigned identity by client id',
      { useManagedIdentityExtension: true, userAssignedIdentityID: CLIENT_ID.toUpperCase(), ...DUMMY },
      `managed-identity imds 169.254.169.254 clientId ${CLIENT_ID}`,
    ],
    [
      'a user-assigned identity by resource id',
      { useManagedIdentityExtension: true, userAssignedIdentityID: RESOURCE_ID },
      `managed-identity imds 169.254.169.254 resourceId ${RESOURCE_ID.toLowerCase()}`,
    ],
    [
      'the managed identity before everything else',
      {
        ...APPLICATION,
        useManagedIdentityExtension: true,
        useFederatedWorkloadIdentityExtension: true,
        aadFederatedTokenFile: '/t',
        aadClientSecret: SECRET,
      },
      'managed-identity imds 169.254.169.254 system-assigned',
    ],
    [
      'the federated token before a certificate',
      {
        ...APPLICATION,
        useFederatedWorkloadIdentityExtension: true,
        aadFederatedTokenFile: '/t',
        aadClientCertPath: '/c.pfx',
      },
      `workload-identity ${AUTHORITY}/contoso.com ${CLIENT_ID}`,
    ],
    [
      'the certificate before a secret',
      { ...APPLICATION, aadClientCertPath: '/c.pfx', aadClientSecret: SECRET, aadFederatedTokenFile: '/t' },
      `client-certificate ${AUTHORITY}/contoso.com ${CLIENT_ID}`,
    ],
    [
      'the secret',
      { ...APPLICATION, aadClientSecret: SECRET, userAssignedIdentityID: OTHER_ID },
      `client-secret ${AUTHORITY}/contoso.com ${CLIENT_ID}`,
    ],
  ];
  test.each(rows)('%s', async (_what, json, description) => {
    expect((await findIdentity(json)).description).toBe(description);
  });

  test('the secret of the file, and not that of the environment', async () => {
    const proofs = [
      { ...APPLICATION, aadClientSecret: SECRET },
      { ...APPLICATION, aadClientCertPath: '/nowhere.pfx' },
      { ...APPLICATION, aadClientCertPath: '/nowhere.pfx', aadClientCertPassword: 'its password' },
    ];
    const secrets: (string | undefined)[] = [];
    for (const json of proofs) secrets.push((await findIdentity(json)).readSecret?.());
    expect(secrets).toEqual([SECRET, '/nowhere.pfx ', '/nowhere.pfx its password']);
  });

  test('an application in the cloud of the file only, which gets no secret elsewhere', async () => {
    const json = { ...APPLICATION, aadClientSecret: SECRET, cloud: 'AzureChinaCloud' };
    const { description } = await findIdentity(json, 'myregistry.azurecr.cn');
    expect(description).toBe(`client-secret https://login.partner.microsoftonline.cn/contoso.com ${CLIENT_ID}`);
    const { code, message } = await catchFailure(() => find(json));
    expect(code).toBe('IDENTITY_INVALID');
    expect(message).toMatch(/ is of the China cloud, and the registry of the Public cloud$/);
    expect((await findIdentity({ ...json, cloud: undefined })).source).toBe('client-secret');
    const managed = { ...json, useManagedIdentityExtension: true };
    expect((await findIdentity(managed)).source).toBe('managed-identity');
  });

  test.each([
    ['nothing', {}],
    ["AKS's dummy", { tenantId: 'contoso.com', ...DUMMY }],
    ['an empty application', { tenantId: 'contoso.com', aadClientId: '', aadClientSecret: '' }],
    ['an identity that is not in use', { useManagedIdentityExtension: false, userAssignedIdentityID: CLIENT_ID }],
    ['a token that is not in use', { aadFederatedTokenFile: '/t' }],
  ])('no identity in a file with %s', async (_what, json) => {
    expect(await find(json)).toBeUndefined();
  });

  test('no identity without a file', async () => {
    expect(await readNodeIdentity(makeRuntime(), undefined)).toEqual({
      identity: undefined,
      tenantId: undefined,
      clouds: [],
    });
  });
});

describe('readNodeIdentity reports only where the identity is used', () => {
  const MISSING = '"aadClientSecret" and "aadClientCertPath" are missing or empty';
  const rows: readonly (readonly [json: object, problem: string])[] = [
    [{ ...APPLICATION, aadClientSecret: '' }, `"aadClientId" is set, but ${MISSING}`],
    [{ aadClientId: CLIENT_ID, aadClientSecret: SECRET }, '"tenantId" is missing or empty'],
    [{ tenantId: 't', aadClientSecret: SECRET }, '"aadClientId" is missing or empty'],
    [{ tenantId: 't', aadClientCertPath: '/c' }, '"aadClientId" is missing or empty'],
    [
      { tenantId: 't', aadClientId: 'my-app', aadClientSecret: SECRET },
      '"aadClientId" must be the id of an application',
    ],
    [{ ...APPLICATION, useFederatedWorkloadIdentityExtension: true }, '"aadFederatedTokenFile" is missing or empty'],
    [
      { useManagedIdentityExtension: true, userAssignedIdentityID: 'kubelet' },
      '"userAssignedIdentityID" must be the client id or the resource id of a managed identity',
    ],
    [
      { useManagedIdentityExtension: true, userAssignedIdentityID: 'azure:///subscriptions/s/x' },
      '"userAssignedIdentityID" must be the client id or the resource id of a managed identity',
    ],
  ];
  test.each(rows)('%j', async (json, problem) => {
    const { code, message, hint } = await catchFailure(() => find(json));
    const file = folder.path('azure.json');
    expect({ code, message }).toEqual({ code: 'CONFIG_INVALID', message: `Cannot use ${file}: ${problem}` });
    expect(hint).toBe(`correct it: vi ${file}`);
    expect(isNotSetUp(await readNodeIdentity(makeRuntime(), file))).toBe(false);
  });
});
