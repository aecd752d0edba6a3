/** `kubelet AZURE_JSON`: the identity that the cloud provider's file names, whatever the kubelet's environment says. */

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../src/json.ts';
import { createClientCertificate, parseClientCertificate } from '../emulator/certificates.ts';
import { type Ci, FEDERATED_AUDIENCE, installCi } from '../emulator/ci.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../emulator/emulator.ts';
import { hasOpenSsl, writePfx } from '../emulator/pfx.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { OTHER, useManagedIdentityWorld, type Variables } from './managed-identity-world.ts';
import { CLIENT_SECRET_VARIABLES, ENTRA, EXCHANGE, NULL_GUID, REGISTRY } from './world.ts';

const IMAGE = `${REGISTRY}/team/app`;
const APPLICATION = { tenantId: TENANT_ID, aadClientId: CLIENT_ID };
/** As the cloud provider can read it. */
const TRIPLE_DES = ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];
const ISSUER = 'https://oidc.example.test/cluster/';
const SUBJECT = 'system:serviceaccount:default:puller';
/** Of another application, in another tenant: nothing of it may be used. */
const KUBELET_VARIABLES = {
  AZURE_CLIENT_ID: 'eeeeeeee-2222-4333-8444-555555555555',
  AZURE_TENANT_ID: 'ffffffff-2222-4333-8444-555555555555',
  AZURE_CLIENT_SECRET: 'secret-of-the-environment',
};

const host = useManagedIdentityWorld('azure-json');
const certificate = await createClientCertificate();
let ci: Ci;

beforeAll(async () => {
  const { state } = host().world.emulator;
  ci = await installCi(state);
  ci.trust(host().world.application, ISSUER, SUBJECT);
  host().world.application.certificates = [parseClientCertificate(certificate.certificatePem)];
  state.issuedSecrets.add(certificate.privateKeyPem);
});

function write(name: string, content: string | Buffer | object, mode = 0o644): string {
  const file = join(host().world.folder, name);
  const isText = typeof content === 'string' || Buffer.isBuffer(content);
  writeFileSync(file, isText ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return file;
}

/** Runs the plug-in once. */
function ask(
  json: string | object,
  { image = IMAGE, more = {}, variables = {} }: { image?: string; more?: JsonObject; variables?: Variables } = {},
) {
  const request = {
    kind: 'CredentialProviderRequest',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    image,
    ...more,
  };
  const file = write('azure.json', json);
  const environment = { ...host().environment('imds'), ...KUBELET_VARIABLES, ...variables };
  return host().world.run(['kubelet', file], JSON.stringify(request), environment);
}

/** Runs the plug-in, and expects a credential. @returns its password. */
async function answer(json: string | object, given: Parameters<typeof ask>[1] = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await ask(json, given);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  const registry = (given.image ?? IMAGE).split('/')[0] ?? '';
  const credential = asJsonObject(asJsonObject(parseJsonObject(stdout)?.['auth'])?.[registry]);
  expect(credential?.['username']).toBe(NULL_GUID);
  return asText(credential?.['password']) ?? '';
}

/** Runs the plug-in, and expects one line. */
async function fail(json: string | object, given: Parameters<typeof ask>[1] = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await ask(json, given);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/^docker-credential-acr: error: [^\n]+; hint: [^\n]+\n$/);
  return stderr;
}

const withAccount = (annotations: JsonObject = { 'kubernetes.azure.com/acr-client-id': CLIENT_ID }): JsonObject => ({
  serviceAccountToken: ci.issue(
    { iss: ISSUER, sub: SUBJECT, aud: [FEDERATED_AUDIENCE] },
    Math.floor(Date.now() / 1000),
  ),
  serviceAccountAnnotations: annotations,
});

describe('azure.json with', () => {
  const ids: readonly (readonly [what: string, id: string, query: JsonObject])[] = [
    ['the system-assigned identity', '', {}],
    ['a client id', OTHER.clientId, { client_id: OTHER.clientId }],
    ['a resource id', OTHER.resourceId, { msi_res_id: OTHER.resourceId }],
  ];
  test.each(ids)('%s signs in with that managed identity', async (_what, userAssignedIdentityID, query) => {
    const dummy = { aadClientId: 'msi', aadClientSecret: 'msi' };
    await answer({ useManagedIdentityExtension: true, userAssignedIdentityID, tenantId: TENANT_ID, ...dummy });
    const { 'api-version': _, resource, ...selector } = host().server.requests[0]?.query ?? {};
    expect(resource).toBe('https://containerregistry.azure.net');
    expect(selector).toEqual(query);
    expect(host().world.seen()).toEqual([EXCHANGE]);
  });

  test('a client secret exchanges it, and hands no secret to the registry', async () => {
    const password = await answer({ ...APPLICATION, aadClientSecret: CLIENT_SECRET });
    expect(password).not.toContain(CLIENT_SECRET);
    expect(host().world.seen()).toEqual([ENTRA, EXCHANGE]);
    const [entra, exchange] = host().world.emulator.requests;
    expect(entra?.form).toMatchObject({ client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
    expect(JSON.stringify(exchange?.form)).not.toContain(CLIENT_SECRET);
  });

  test('a client secret shares the cache with the same one in the environment', async () => {
    const { Secret } = await host().world.get();
    host().world.forgetRequests();
    expect(await answer({ ...APPLICATION, aadClientSecret: CLIENT_SECRET })).toBe(Secret);
    host().world.expectNothingSent();
  });

  test('YAML in it signs in as well', async () => {
    await answer(`# node\ntenantId: ${TENANT_ID}\naadClientId: ${CLIENT_ID}\naadClientSecret: '${CLIENT_SECRET}'\n`);
    expect(host().world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test('a certificate signs in with it and its chain', async () => {
    const file = write('client.pem', certificate.privateKeyPem + certificate.certificatePem);
    const variables = { AZURE_CLIENT_CERTIFICATE_PASSWORD: 'of the environment' };
    await answer({ ...APPLICATION, aadClientCertPath: file }, { variables });
    const assertion = decodeToken(host().world.emulator.requests[0]?.form['client_assertion'] ?? '');
    expect(assertion?.claims['iss']).toBe(CLIENT_ID);
    expect(assertion?.header['x5c']).toHaveLength(1);
  });

  test('a PFX file and its password sign in, and a wrong password is named by its key', async ({ skip }) => {
    skip(!hasOpenSsl(), 'OpenSSL 3 is not installed');
    const pfx = writePfx(certificate.privateKeyPem + certificate.certificatePem, 'pass-phrase', TRIPLE_DES);
    const json = { ...APPLICATION, aadClientCertPath: write('client.pfx', pfx), aadClientCertPassword: 'pass-phrase' };
    await answer(json);
    expect(host().world.seen()).toEqual([ENTRA, EXCHANGE]);
    host().reset();
    const stderr = await fail({ ...json, aadClientCertPassword: 'wrong-phrase' });
    expect(stderr).toContain(`the password in aadClientCertPassword does not open ${json.aadClientCertPath}; hint: `);
    expect(stderr).not.toContain('phrase');
  });

  test('a federated token file signs in with its token', async () => {
    const token = asText(withAccount()['serviceAccountToken']) ?? '';
    const aadFederatedTokenFile = write('token', token);
    await answer({ ...APPLICATION, useFederatedWorkloadIdentityExtension: true, aadFederatedTokenFile });
    expect(host().world.emulator.requests[0]?.form['client_assertion']).toBe(token);
  });

  test('no identity leaves the pull to the chain', async () => {
    await answer({ tenantId: 'contoso.com', cloud: 'AzurePublicCloud' }, { variables: CLIENT_SECRET_VARIABLES });
    expect(host().world.emulator.requests[0]?.form['client_secret']).toBe(CLIENT_SECRET);
  });

  test('an identity yields to the one that the configuration has for the registry', async () => {
    host().world.configure({ [REGISTRY]: { identity: { type: 'managed-identity', clientId: OTHER.clientId } } });
    await answer({ ...APPLICATION, aadClientSecret: 'wrong-secret-Q~x' });
    expect(host().server.requests[0]?.query['client_id']).toBe(OTHER.clientId);
    expect(host().world.seen()).toEqual([EXCHANGE]);
  });

  test('an identity is renewed by the same arguments, and its secret is in no argument', async () => {
    const json = { ...APPLICATION, aadClientSecret: CLIENT_SECRET };
    await answer(json);
    host().world.aheadSeconds = 2.5 * 3600;
    await answer(json);
    const [started] = host().world.started;
    expect(started?.args).toEqual(['kubelet', '--renew', join(host().world.folder, 'azure.json')]);
    expect(JSON.stringify(started)).not.toContain(CLIENT_SECRET);
    host().world.forgetRequests();
    const renewal = await host().world.run(started?.args ?? [], started?.input ?? '', host().environment('imds'));
    expect(renewal).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    // The Entra token of the first sign-in has expired.
    expect(host().world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('the service account of a pod', () => {
  test('signs in to the tenant of azure.json, whichever identity the node has', async () => {
    for (const useManagedIdentityExtension of [true, false]) {
      host().reset();
      await answer({ tenantId: TENANT_ID, useManagedIdentityExtension }, { more: withAccount() });
      expect(host().server.requests).toEqual([]);
      expect(host().world.seen()).toEqual([ENTRA, EXCHANGE]);
    }
  });

  test('signs in to the tenant of its annotation before that of azure.json, up to the exchange', async () => {
    const annotations = {
      'kubernetes.azure.com/acr-client-id': CLIENT_ID,
      'kubernetes.azure.com/acr-tenant-id': TENANT_ID,
    };
    await answer({ tenantId: KUBELET_VARIABLES.AZURE_TENANT_ID }, { more: withAccount(annotations) });
    expect(host().world.seen()).toEqual([ENTRA, EXCHANGE]);
    expect(host().world.emulator.requests[1]?.form['tenant']).toBe(TENANT_ID);
  });

  test('does not need the identity of azure.json, which may be incomplete', async () => {
    const json = { ...APPLICATION, aadClientSecret: '' };
    await answer(json, { more: withAccount() });
    expect(await fail(json)).toContain('"aadClientSecret" and "aadClientCertPath" are missing or empty');
  });
});

describe('the cloud of an operator', () => {
  const SUFFIX = 'azsacr.local.contoso.test';
  const image = `myregistry.${SUFFIX}/team/app`;
  const json = { ...APPLICATION, cloud: 'AzureStackCloud', aadClientSecret: CLIENT_SECRET };

  function environment(suffix = `.${SUFFIX}`): Variables {
    const file = write('environment.json', {
      containerRegistryDNSSuffix: suffix,
      activeDirectoryEndpoint: 'https://login.local.contoso.test/',
    });
    return { AZURE_ENVIRONMENT_FILEPATH: file };
  }

  beforeAll(() => {
    const { extraHosts } = host().world.emulator.state;
    extraHosts.set('login.local.contoso.test', { kind: 'entra' });
    extraHosts.set(`myregistry.${SUFFIX}`, { kind: 'acr', loginServer: `myregistry.${SUFFIX}` });
  });

  test('has registries of its own, and its own Entra', async () => {
    await answer(json, { image, variables: environment() });
    expect(host().world.seen()).toEqual([
      `POST login.local.contoso.test/${TENANT_ID}/oauth2/v2.0/token`,
      `POST myregistry.${SUFFIX}/oauth2/exchange`,
    ]);
  });

  test('is that of a known one whose authority is not public', async () => {
    const known = 'myregistry.azurecr.eaglex.ic.gov';
    await answer(json, { image: `${known}/app`, variables: environment('.azurecr.eaglex.ic.gov') });
    expect(host().world.seen()[0]).toBe(`POST login.local.contoso.test/${TENANT_ID}/oauth2/v2.0/token`);
  });

  test('gives the secret to no other cloud', async () => {
    const stderr = await fail(json, { variables: environment() });
    expect(stderr).toContain(`azure.json is of the ${SUFFIX} cloud, and the registry of the Public cloud`);
    host().world.expectNothingSent();
  });

  test('has no registry without the file', async () => {
    const { exitCode, stdout } = await ask(json, { image });
    expect(exitCode).toBe(0);
    expect(parseJsonObject(stdout)).not.toHaveProperty('auth');
    host().world.expectNothingSent();
  });
});

describe('azure.json fails with one line', () => {
  test.each([
    ['that is broken', `{"aadClientSecret": "${CLIENT_SECRET}`, 'it is neither JSON nor YAML'],
    ['of the wrong type', { aadClientSecret: [CLIENT_SECRET] }, '"aadClientSecret" must be text'],
    ['without a tenant', { aadClientId: CLIENT_ID, aadClientSecret: CLIENT_SECRET }, '"tenantId" is missing or empty'],
  ])('when it is a file %s', async (_what, json, problem) => {
    expect(await fail(json)).toContain(problem);
    expect(host().world.seen()).toEqual([]);
  });

  test('when Entra refuses the secret', async () => {
    const stderr = await fail({ ...APPLICATION, aadClientSecret: 'wrong-secret-Q~x' });
    expect(stderr).toContain('AADSTS7000215');
    expect(stderr).not.toContain('wrong-secret');
  });

  test('when the managed identity is not assigned, with the key that names it', async () => {
    const userAssignedIdentityID = '99999999-2222-4333-8444-555555555555';
    const stderr = await fail({ useManagedIdentityExtension: true, userAssignedIdentityID });
    expect(stderr).toContain('the identity that "userAssignedIdentityID" names is not assigned to this machine');
  });

  test('when the certificate is not there, with the key that names it', async () => {
    const stderr = await fail({ ...APPLICATION, aadClientCertPath: '/nowhere/client.pfx' });
    expect(stderr).toContain('hint: ls -l /nowhere/client.pfx; set aadClientCertPath');
  });
});
