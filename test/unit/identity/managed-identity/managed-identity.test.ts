/** Which managed identity the environment describes, in the order of Microsoft's own libraries. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MANAGED_IDENTITY } from '../../../../src/identity/managed-identity/managed-identity.ts';
import type { JsonObject } from '../../../../src/json.ts';
import { isNotSetUp } from '../../../../src/not-set-up.ts';
import { catchFailure } from '../../failure.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';
import { expectIdentity, finderOf, lastFinderOf, requestFor } from '../request.ts';

const OTHER_ID = 'aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb';
const findManagedIdentity = finderOf(MANAGED_IDENTITY);
const findImds = lastFinderOf(MANAGED_IDENTITY);

const CLIENT_ID = '11111111-2222-4333-8444-AAAAAAAAAAAA';
const RESOURCE_ID = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/One';

const ENDPOINT = { IDENTITY_ENDPOINT: 'http://127.0.0.1:41056/msi/token' };
const HEADER = { IDENTITY_HEADER: 'header-secret' };
const THUMBPRINT = { IDENTITY_SERVER_THUMBPRINT: 'A'.repeat(40) };
const MSI = { MSI_ENDPOINT: 'http://127.0.0.2:50342/oauth2/token' };
const SECRET = { MSI_SECRET: 'msi-secret' };
const IMDS = { IMDS_ENDPOINT: 'http://localhost:40342' };
const POD = { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.3:8080/' };

const folder = useTemporaryFolder();

/** The description, or `undefined` when nothing is set up. */
function describeFound(find: typeof findManagedIdentity, request: Parameters<typeof findManagedIdentity>[0]) {
  const found = find(request);
  return isNotSetUp(found) ? undefined : found.description;
}

describe('findManagedIdentity chooses the service by the variables', () => {
  const SERVICE_FABRIC = 'managed-identity service-fabric 127.0.0.1:41056 system-assigned';
  const APP_SERVICE = 'managed-identity app-service 127.0.0.1:41056 system-assigned';
  const AZURE_ML = 'managed-identity azure-ml 127.0.0.2:50342 system-assigned';
  const CLOUD_SHELL = 'managed-identity cloud-shell 127.0.0.2:50342 system-assigned';
  const AZURE_ARC = 'managed-identity azure-arc 127.0.0.1:41056 system-assigned';
  const rows: readonly (readonly [env: Readonly<Record<string, string>>, description: string | undefined])[] = [
    [{ ...ENDPOINT, ...HEADER, ...THUMBPRINT, ...MSI, ...SECRET, ...IMDS, ...POD }, SERVICE_FABRIC],
    [{ ...ENDPOINT, ...HEADER, ...THUMBPRINT }, SERVICE_FABRIC],
    [{ ...ENDPOINT, ...HEADER, ...MSI, ...SECRET, ...IMDS, ...POD }, APP_SERVICE],
    [{ ...ENDPOINT, ...HEADER, IDENTITY_SERVER_THUMBPRINT: '' }, APP_SERVICE],
    [{ ...ENDPOINT, ...HEADER }, APP_SERVICE],
    [{ ...ENDPOINT, ...THUMBPRINT, ...MSI, ...SECRET, ...IMDS }, AZURE_ML],
    [{ ...HEADER, ...THUMBPRINT, ...MSI, ...SECRET }, AZURE_ML],
    [{ ...MSI, ...SECRET, ...POD }, AZURE_ML],
    [{ ...ENDPOINT, ...MSI, ...IMDS }, CLOUD_SHELL],
    [{ ...MSI, MSI_SECRET: '' }, CLOUD_SHELL],
    [{ ...ENDPOINT, IDENTITY_HEADER: '', ...IMDS }, AZURE_ARC],
    [{ ...ENDPOINT, ...IMDS, ...SECRET, ...POD }, AZURE_ARC],
    [{ ...ENDPOINT, ...THUMBPRINT }, undefined],
    [ENDPOINT, undefined],
    [HEADER, undefined],
    [{ ...HEADER, ...THUMBPRINT, ...SECRET, ...IMDS }, undefined],
    [POD, undefined],
    [{}, undefined],
  ];
  for (const [env, description] of rows) {
    test(`${
      Object.entries(env)
        .map(([name, value]) => (value === '' ? `${name}=` : name))
        .join(' ') || 'none'
    }`, () => {
      expect(describeFound(findManagedIdentity, requestFor(env))).toBe(description);
    });
  }

  test('even when the endpoint is not a URL', () => {
    const found = describeFound(findManagedIdentity, requestFor({ IDENTITY_ENDPOINT: 'nonsense', ...HEADER }));
    expect(found).toBe('managed-identity app-service nowhere system-assigned');
  });
});

describe('an installed Azure Arc agent', () => {
  const install = () => {
    const programs = folder.path('programs');
    mkdirSync(`${programs}/AzureConnectedMachineAgent`, { recursive: true });
    writeFileSync(`${programs}/AzureConnectedMachineAgent/himds.exe`, '');
    return programs;
  };
  const requestOf = (env: Readonly<Record<string, string>>, platform: NodeJS.Platform) => ({
    ...requestFor({}),
    runtime: makeRuntime(env, { platform }),
  });

  test('is used without any variable', () => {
    const found = describeFound(findManagedIdentity, requestOf({ ProgramFiles: install() }, 'win32'));
    expect(found).toBe('managed-identity azure-arc 127.0.0.1:40342 system-assigned');
  });

  test('gives way to MSI_ENDPOINT', () => {
    const found = describeFound(findManagedIdentity, requestOf({ ProgramFiles: install(), ...MSI }, 'win32'));
    expect(found).toContain(' cloud-shell ');
  });

  test('for Windows is not used on macOS', () => {
    expect(describeFound(findManagedIdentity, requestOf({ ProgramFiles: install() }, 'darwin'))).toBeUndefined();
  });
});

describe('the metadata service', () => {
  const OWN = 'managed-identity imds 169.254.169.254 system-assigned';

  test('is found by findImds unless the environment names another service', () => {
    expect(describeFound(findImds, requestFor({}))).toBe(OWN);
    expect(describeFound(findImds, requestFor(POD))).toBe('managed-identity imds 127.0.0.3:8080 system-assigned');
    expect(describeFound(findImds, requestFor({ ...ENDPOINT, ...HEADER }))).toBeUndefined();
  });

  test('is found by findManagedIdentity instead when managed identity was chosen', () => {
    const request = { ...requestFor({}), isChosen: true };
    expect(describeFound(findManagedIdentity, request)).toBe(OWN);
    expect(describeFound(findImds, request)).toBeUndefined();
  });
});

describe('the assigned identity', () => {
  const app = { ...ENDPOINT, ...HEADER };
  const ml = { ...MSI, ...SECRET };
  const rows: readonly (readonly [name: string, env: Record<string, string>, JsonObject, who: string])[] = [
    ['the machine by default', app, {}, 'system-assigned'],
    ['AZURE_CLIENT_ID', { ...app, AZURE_CLIENT_ID: CLIENT_ID }, {}, `clientId ${CLIENT_ID.toLowerCase()}`],
    ['the machine with an empty AZURE_CLIENT_ID', { ...app, AZURE_CLIENT_ID: '' }, {}, 'system-assigned'],
    [
      '"objectId" before AZURE_CLIENT_ID',
      { ...app, AZURE_CLIENT_ID: CLIENT_ID },
      { objectId: OTHER_ID },
      `objectId ${OTHER_ID}`,
    ],
    ['"resourceId"', app, { resourceId: RESOURCE_ID }, `resourceId ${RESOURCE_ID.toLowerCase()}`],
    [
      '"clientId" before AZURE_CLIENT_ID',
      { ...app, AZURE_CLIENT_ID: CLIENT_ID },
      { clientId: OTHER_ID },
      `clientId ${OTHER_ID}`,
    ],
    ['DEFAULT_IDENTITY_CLIENT_ID', { ...ml, DEFAULT_IDENTITY_CLIENT_ID: 'three' }, {}, 'clientId three'],
    [
      'AZURE_CLIENT_ID before DEFAULT_IDENTITY_CLIENT_ID',
      { ...ml, DEFAULT_IDENTITY_CLIENT_ID: 'three', AZURE_CLIENT_ID: 'four' },
      {},
      'clientId four',
    ],
    ['the machine outside Azure ML', { ...app, DEFAULT_IDENTITY_CLIENT_ID: 'three' }, {}, 'system-assigned'],
  ];
  for (const [name, env, parameters, who] of rows) {
    test(`comes from ${name}`, () => {
      const found = describeFound(findManagedIdentity, requestFor(env, parameters)) ?? '';
      expect(found.split(' ').slice(3).join(' ')).toBe(who);
    });
  }

  test('cannot be named twice', async () => {
    const parameters = { clientId: CLIENT_ID, resourceId: RESOURCE_ID };
    const failure = await catchFailure(() => findManagedIdentity(requestFor(app, parameters)));
    expect(failure.code).toBe('IDENTITY_INVALID');
    expect(failure.hint).toBe('keep one of "clientId", "resourceId"');
  });

  test('has the header of its endpoint as its secret, but not in its description', () => {
    const found = expectIdentity(findManagedIdentity(requestFor(app)));
    expect(found.readSecret?.()).toBe('header-secret');
    expect(found.description).not.toContain('secret');
  });
});
