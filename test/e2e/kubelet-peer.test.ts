/** In place of AKS's own acr-credential-provider: the same azure.json, flags and requests, and the same credential. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { createClientCertificate, parseClientCertificate } from '../emulator/certificates.ts';
import { FEDERATED_AUDIENCE, installCi } from '../emulator/ci.ts';
import { parseJsonRecord, parseRecord, parseString } from '../emulator/json.ts';
import { type AssignedIdentity, PATHS } from '../emulator/managed-identity.ts';
import { CLIENT_ID, CLIENT_SECRET, findTenant, NULL_GUID, OBJECT_ID, TENANT_ID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { startMetadataService } from './world/metadata.ts';
import { needParts } from './world/parts.ts';
import { installBesidePeer } from './world/peer.ts';
import type { RunResult } from './world/process.ts';
import { openCloud } from './world/test-cloud.ts';

const NAME = 'acr-credential-provider';
const IMAGE = `${LOGIN_SERVER}/team/app`;
const ISSUER = 'https://oidc.example.test/cluster/';
const SUBJECT = 'system:serviceaccount:default:puller';
const OTHER_TENANT = 'ffffffff-2222-4333-8444-555555555555';
const POOL: AssignedIdentity = {
  clientId: 'cccccccc-2222-4333-8444-555555555555',
  objectId: 'dddddddd-2222-4333-8444-555555555555',
  resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/pool',
};
const MANAGED = { cloud: 'AzurePublicCloud', tenantId: TENANT_ID, useManagedIdentityExtension: true };
/** As AKS writes it. */
const DUMMY = { aadClientId: 'msi', aadClientSecret: 'msi' };
const SUFFIX = '.azurecr.local.test';
const ANONYMOUS = { username: '', password: '' };

interface Call {
  readonly json: object | string;
  readonly image?: string;
  readonly flags?: readonly string[];
  /** The service account's token and annotations. */
  readonly account?: object;
  readonly environment?: Readonly<Record<string, string>>;
}

/** One response, with the requests that led to it. */
interface Response {
  readonly exitCode: number;
  readonly stderr: string;
  readonly response: Readonly<Record<string, unknown>>;
  readonly auth: Readonly<Record<string, unknown>>;
  readonly forms: readonly Readonly<Record<string, string>>[];
  /** How many tokens the metadata service was asked for. */
  readonly tokens: number;
}

const cloud = await openCloud();
const { state } = cloud.emulator;
const [ci, certificate] = await Promise.all([installCi(state), createClientCertificate()]);
const application = findTenant(state, TENANT_ID)?.applications.get(CLIENT_ID);
if (application === undefined) throw new Error('The emulator begins with an application');
ci.trust(application, ISSUER, SUBJECT);
application.certificates.push(parseClientCertificate(certificate.certificatePem));
const imds = await startMetadataService(cloud, {
  systemAssigned: { clientId: CLIENT_ID, objectId: OBJECT_ID, resourceId: '/subscriptions/s/vm' },
  userAssigned: [POOL],
  secret: '',
});
let machine: Machine;

beforeEach((context: TestContext) => {
  machine = cloud.addMachine({ identity: 'nobody' });
  needParts(context, NAME);
  installBesidePeer(machine, NAME);
});
afterAll(() => imds.close());

function write(name: string, content: object | string): string {
  const file = join(machine.folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, 0o644);
  return file;
}

/** Runs a program as a kubelet does. */
async function run(
  whose: 'ours' | 'peer',
  { json, image = IMAGE, flags = [], account = {}, environment = {} }: Call,
): Promise<Response> {
  cloud.forget();
  imds.reset();
  const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
  const result: RunResult = await machine.run(
    join(machine.folder, whose, NAME),
    [...flags, write('azure.json', json)],
    {
      // The peer asks the metadata service at its own address, and through a proxy.
      environment: {
        ...{ AZURE_POD_IDENTITY_AUTHORITY_HOST: imds.url, HTTP_PROXY: imds.url, http_proxy: imds.url },
        ...environment,
      },
      timeoutMs: 10_000,
      input: JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image, ...account }),
      printsSecret: true,
    },
  );
  const response = parseJsonRecord(result.stdout) ?? {};
  return {
    ...{ exitCode: result.exitCode, stderr: result.stderr, response },
    auth: parseRecord(response['auth']) ?? {},
    forms: cloud.emulator.requests.map(({ form }) => form),
    tokens: imds.requests.length,
  };
}

async function runBoth(call: Call): Promise<{ readonly ours: Response; readonly peer: Response }> {
  const peer = await run('peer', call);
  return { ours: await run('ours', call), peer };
}

/** The token under a pattern: whose it is, and for which registry. */
function tokenOf({ auth }: Response, pattern = LOGIN_SERVER): object {
  const credential = parseRecord(auth[pattern]);
  const claims = decodeToken(parseString(credential?.['password']) ?? '')?.claims;
  const { jti: _id, iat: _issued, nbf: _start, exp: _end, ...rest } = claims ?? {};
  return { username: credential?.['username'], ...rest };
}

/** A service account that signs in as the application, with annotations for it. */
function withAccount(tenantId = TENANT_ID): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    serviceAccountToken: ci.issue({ iss: ISSUER, sub: SUBJECT, aud: FEDERATED_AUDIENCE }, now),
    serviceAccountAnnotations: {
      'kubernetes.azure.com/acr-client-id': CLIENT_ID,
      'kubernetes.azure.com/acr-tenant-id': tenantId,
    },
  };
}

/** The cloud of an operator, whose registries and Entra the emulator has. */
function describeCloud(): Readonly<Record<string, string>> {
  state.extraHosts.set(`contoso${SUFFIX}`, { kind: 'acr', loginServer: `contoso${SUFFIX}` });
  const file = write('environment.json', {
    containerRegistryDNSSuffix: SUFFIX,
    activeDirectoryEndpoint: 'https://login.microsoftonline.com/',
  });
  return { AZURE_ENVIRONMENT_FILEPATH: file };
}

/** Expects the same credential under a pattern: the token of this principal. */
function expectEqual({ ours, peer }: Awaited<ReturnType<typeof runBoth>>, objectId: string, pattern: string): void {
  expect(tokenOf(ours, pattern)).toEqual(tokenOf(peer, pattern));
  expect(tokenOf(ours, pattern)).toMatchObject({ username: NULL_GUID, sub: objectId });
  for (const { response } of [ours, peer]) {
    expect(response).toMatchObject({ kind: 'CredentialProviderResponse', cacheKeyType: 'Registry' });
  }
  expect(ours.stderr).toBe('');
}

describe('both programs give an equal credential', () => {
  const rows: readonly (readonly [what: string, call: () => Call, objectId: string])[] = [
    ['the system-assigned identity', () => ({ json: { ...MANAGED, ...DUMMY, userAssignedIdentityID: '' } }), OBJECT_ID],
    ['a client id', () => ({ json: { ...MANAGED, userAssignedIdentityID: POOL.clientId } }), POOL.objectId],
    ['a resource id', () => ({ json: { ...MANAGED, userAssignedIdentityID: POOL.resourceId } }), POOL.objectId],
    ['a cloud in another case', () => ({ json: { ...MANAGED, cloud: 'azurepubliccloud' } }), OBJECT_ID],
    ['keys in another case', () => ({ json: { TenantID: TENANT_ID, usemanagedidentityextension: true } }), OBJECT_ID],
    ['YAML', () => ({ json: `tenantId: ${TENANT_ID}\nuseManagedIdentityExtension: yes # node\n` }), OBJECT_ID],
    ['the service account of a pod', () => ({ json: MANAGED, account: withAccount() }), OBJECT_ID],
  ];
  it.each(rows)('with %s', async (_what, call, objectId) => {
    expectEqual(await runBoth(call()), objectId, LOGIN_SERVER);
  });

  it("with a mirror's image, for which the service account does not count", async () => {
    const image = 'mcr.microsoft.com/dotnet/runtime';
    const flags = [`--registry-mirror=mcr.microsoft.com:${LOGIN_SERVER}`];
    const json = { ...MANAGED, userAssignedIdentityID: POOL.clientId };
    const both = await runBoth({ json, image, flags, account: withAccount() });
    expectEqual(both, POOL.objectId, 'mcr.microsoft.com');
    expectEqual(both, POOL.objectId, LOGIN_SERVER);
  });

  it('with the cloud of an operator', async () => {
    const json = { ...MANAGED, cloud: 'AzureStackCloud' };
    const call = { json, image: `contoso${SUFFIX}/team/app`, environment: describeCloud() };
    expectEqual(await runBoth(call), OBJECT_ID, `contoso${SUFFIX}`);
  });

  it('with nothing for an image of another registry', async () => {
    const { ours, peer } = await runBoth({ json: MANAGED, image: 'docker.io/library/nginx' });
    expect([ours.auth, peer.auth]).toEqual([{}, {}]);
    expect([ours.response['cacheDuration'], peer.response['cacheDuration']]).toEqual(['0s', '0s']);
  });
});

describe('where the peer is wrong', () => {
  const APPLICATION = { tenantId: TENANT_ID, aadClientId: CLIENT_ID };

  it('a client secret is exchanged, and does not leave for any registry', async () => {
    const { ours, peer } = await runBoth({ json: { ...APPLICATION, aadClientSecret: CLIENT_SECRET } });
    expect(peer.auth['*.azurecr.io']).toEqual({ username: CLIENT_ID, password: CLIENT_SECRET });
    expect(tokenOf(ours)).toMatchObject({ username: NULL_GUID, sub: OBJECT_ID });
    expect(JSON.stringify(ours.response)).not.toContain(CLIENT_SECRET);
  });

  it('a certificate is used, and gives no empty password', async () => {
    const aadClientCertPath = write('client.pem', certificate.privateKeyPem + certificate.certificatePem);
    const { ours, peer } = await runBoth({ json: { ...APPLICATION, aadClientCertPath } });
    expect(peer.auth['*.azurecr.io']).toEqual({ username: CLIENT_ID, password: '' });
    expect(tokenOf(ours)).toMatchObject({ username: NULL_GUID, sub: OBJECT_ID });
  });

  it('the service account counts on a node without a managed identity', async () => {
    const { ours, peer } = await runBoth({ json: { tenantId: TENANT_ID, ...DUMMY }, account: withAccount() });
    expect(peer.auth['*.azurecr.io']).toEqual({ username: 'msi', password: 'msi' });
    expect(tokenOf(ours)).toMatchObject({ username: NULL_GUID, sub: OBJECT_ID });
  });

  it('the tenant of an annotation counts up to the exchange', async () => {
    const { ours, peer } = await runBoth({ json: { ...MANAGED, tenantId: OTHER_TENANT }, account: withAccount() });
    const tenants = ({ forms }: Response) => forms.flatMap(({ tenant = [] }) => tenant);
    expect(tenants(peer)).toEqual([OTHER_TENANT]);
    expect(tenants(ours)).toEqual([TENANT_ID]);
  });

  it('a registry in the path of an image gets nothing', async () => {
    const { ours, peer } = await runBoth({ json: MANAGED, image: `evil.test/${IMAGE}` });
    expect([peer.tokens, ours.tokens]).toEqual([1, 0]);
    expect(ours.response).toMatchObject({ cacheDuration: '0s' });
    expect(ours.auth).toEqual({});
    expect(ours.forms).toEqual([]);
  });

  it('a port stays in the patterns, and the last resort is of the registry alone', async () => {
    const { ours, peer } = await runBoth({ json: MANAGED, image: `${LOGIN_SERVER}:443/team/app` });
    expect(Object.keys(peer.auth).sort()).toEqual(['*.azurecr.*', LOGIN_SERVER]);
    expect(Object.keys(ours.auth)).toContain(`${LOGIN_SERVER}:443`);
    expect(
      Object.entries(ours.auth).filter(([, value]) => JSON.stringify(value) === JSON.stringify(ANONYMOUS)),
    ).toHaveLength(1);
  });

  it('a failure is one line with the remedy', async () => {
    const { ours, peer } = await runBoth({ json: '{"tenantId": ' });
    expect(peer.stderr).toContain('Usage:');
    expect({ exitCode: ours.exitCode, response: ours.response }).toEqual({ exitCode: 1, response: {} });
    expect(ours.stderr).toMatch(/^docker-credential-acr: error: Cannot use [^\n]*azure\.json: [^\n]+; hint: [^\n]+\n$/);
  });
});

it('the metadata service is asked past every proxy', async () => {
  const ours = await run('ours', { json: MANAGED, environment: { HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: '' } });
  expect(tokenOf(ours)).toMatchObject({ username: NULL_GUID });
  expect(imds.requests.map(({ path }) => path)).toEqual([PATHS.imds]);
});
