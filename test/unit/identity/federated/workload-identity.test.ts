/** A token of another issuer, found without reading it. */
import { describe, expect, test } from 'vitest';
import { WORKLOAD_IDENTITY } from '../../../../src/identity/federated/workload-identity.ts';
import { catchFailure } from '../../failure.ts';
import { expectIdentity, finderOf, requestFor } from '../request.ts';

const findWorkloadIdentity = finderOf(WORKLOAD_IDENTITY);

const IDS = { AZURE_CLIENT_ID: 'the-client', AZURE_TENANT_ID: 'the-tenant' };
const ARM_IDS = { ARM_CLIENT_ID: 'arm-client', ARM_TENANT_ID: 'arm-tenant' };
const FILE = { AZURE_FEDERATED_TOKEN_FILE: '/nowhere/token' };
const DESCRIPTION = 'workload-identity https://login.microsoftonline.com/the-tenant the-client';
const ARM_DESCRIPTION = 'workload-identity https://login.microsoftonline.com/arm-tenant arm-client';

describe('findWorkloadIdentity', () => {
  const rows: readonly (readonly [env: Record<string, string>, description: string])[] = [
    [{ ...IDS, ...FILE }, DESCRIPTION],
    [{ ...IDS, AZURE_FEDERATED_TOKEN: 'e.y.j' }, DESCRIPTION],
    [{ ...IDS, ARM_OIDC_TOKEN: 'e.y.j' }, DESCRIPTION],
    [{ ...IDS, ARM_OIDC_TOKEN_FILE_PATH: '/nowhere/token' }, DESCRIPTION],
    [{ ...ARM_IDS, ARM_OIDC_TOKEN: 'e.y.j' }, ARM_DESCRIPTION],
    [{ ...IDS, ...ARM_IDS, ARM_OIDC_TOKEN_FILE_PATH: '/nowhere/token' }, ARM_DESCRIPTION],
    // The client in Terraform's variables is not used with a token in Azure's own.
    [{ ...IDS, ...ARM_IDS, ...FILE, ARM_OIDC_TOKEN: 'e.y.j' }, DESCRIPTION],
  ];
  test.each(rows)('finds an identity with %j', (env, description) => {
    const identity = expectIdentity(findWorkloadIdentity(requestFor(env)));
    expect(identity.source).toBe('workload-identity');
    expect(identity.description).toBe(description);
  });
});

describe('findWorkloadIdentity reports "not set up"', () => {
  const rows: readonly (readonly [env: Record<string, string>, reason: string])[] = [
    [{}, 'AZURE_FEDERATED_TOKEN_FILE is not set'],
    [IDS, 'AZURE_FEDERATED_TOKEN_FILE is not set'],
    [{ ...IDS, AZURE_FEDERATED_TOKEN_FILE: '' }, 'AZURE_FEDERATED_TOKEN_FILE is not set'],
    [FILE, 'AZURE_FEDERATED_TOKEN_FILE is set, but AZURE_CLIENT_ID is not'],
    [{ ...FILE, AZURE_CLIENT_ID: 'c' }, 'AZURE_FEDERATED_TOKEN_FILE is set, but AZURE_TENANT_ID is not'],
    [{ ...FILE, ...ARM_IDS }, 'AZURE_FEDERATED_TOKEN_FILE is set, but AZURE_CLIENT_ID is not'],
    [{ ARM_OIDC_TOKEN: 'e.y.j' }, 'ARM_OIDC_TOKEN is set, but ARM_CLIENT_ID is not'],
  ];
  test.each(rows)('with %j', (env, reason) => {
    expect(findWorkloadIdentity(requestFor(env))).toEqual({ notSetUp: reason });
  });
});

test('findWorkloadIdentity reads the variable or the file that the configuration names', () => {
  const variable = requestFor({ ...IDS, JOB_TOKEN: 'e.y.j' }, { tokenEnv: 'JOB_TOKEN' });
  expect(expectIdentity(findWorkloadIdentity(variable)).readSecret?.()).toBe('e.y.j');
  const file = requestFor({ ...IDS, ...FILE }, { tokenFile: '/other/token' });
  expect(expectIdentity(findWorkloadIdentity(file)).readSecret?.()).toBe('/other/token');
  expect(findWorkloadIdentity(requestFor({ ...IDS, ...FILE }, { tokenEnv: 'JOB_TOKEN' }))).toEqual({
    notSetUp: 'JOB_TOKEN is not set',
  });
});

test('findWorkloadIdentity prefers AZURE_FEDERATED_TOKEN to the file, as docker-credential-acr-env does', () => {
  const request = requestFor({ ...IDS, ...FILE, AZURE_FEDERATED_TOKEN: 'e.y.j' });
  expect(expectIdentity(findWorkloadIdentity(request)).readSecret?.()).toBe('e.y.j');
});

test('findWorkloadIdentity rejects an invalid tenant, and the error names its variable', async () => {
  const env = { ARM_CLIENT_ID: 'c', ARM_TENANT_ID: 'a/b', ARM_OIDC_TOKEN: 'e.y.j' };
  const failure = await catchFailure(() => findWorkloadIdentity(requestFor(env)));
  expect(failure.message).toContain('ARM_TENANT_ID is not a tenant id or domain');
});
