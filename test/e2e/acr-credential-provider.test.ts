/** Replacing AKS's own credential provider: with the same arguments and the same request both sign in as the same pod. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { isExecutable } from '../../scripts/test-parts/command.ts';
import { PARTS_FOLDER } from '../../scripts/test-parts/part.ts';
import { FEDERATED_AUDIENCE } from '../emulator/ci.ts';
import { type JsonRecord, parseJsonRecord, parseRecord, parseString } from '../emulator/json.ts';
import { ACR_AUDIENCE, CLIENT_ID, NULL_GUID, TENANT_ID } from '../emulator/state.ts';
import { decodeToken } from '../emulator/tokens.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { installIdentities } from './world/identities.ts';
import type { Machine } from './world/machine.ts';
import { PROGRAM } from './world/parts.ts';
import type { RunResult } from './world/process.ts';
import { openCloud } from './world/test-cloud.ts';

const NAME = 'acr-credential-provider';
const PEER = join(PARTS_FOLDER, 'bin', NAME);
const ISSUER = 'https://oidc.example.test/cluster/';
const SUBJECT = 'system:serviceaccount:builds:puller';
/** The tenant of the node, which is not that of the pod. */
const NODE_TENANT = '0a1b2c3d-0000-4000-8000-000000000001';
const IMAGE = `${LOGIN_SERVER}/team/app`;

const cloud = await openCloud();
const { application, ci } = await installIdentities(cloud);
ci.trust(application, ISSUER, SUBJECT);
let machine: Machine;
let azureJson: string;

beforeEach((context: TestContext) => {
  if (!isExecutable(PEER)) context.skip(`not installed: ${NAME}`);
  machine = cloud.addMachine({ identity: 'nobody' });
  for (const [folder, program] of [
    ['ours', PROGRAM],
    ['peer', PEER],
  ] as const) {
    mkdirSync(join(machine.folder, folder));
    symlinkSync(program, join(machine.folder, folder, NAME));
  }
  azureJson = join(machine.folder, 'azure.json');
  const settings = { cloud: 'AzurePublicCloud', tenantId: NODE_TENANT, useManagedIdentityExtension: true };
  writeFileSync(azureJson, JSON.stringify(settings), { mode: 0o600 });
});

/** Runs a program as the kubelet does for a pod of a service account. */
function run(whose: 'ours' | 'peer', image: string, subject = SUBJECT): Promise<RunResult> {
  const now = Math.floor(Date.now() / 1000);
  const input = JSON.stringify({
    kind: 'CredentialProviderRequest',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    image,
    serviceAccountToken: ci.issue({ iss: ISSUER, sub: subject, aud: [FEDERATED_AUDIENCE] }, now),
    serviceAccountAnnotations: {
      'kubernetes.azure.com/acr-client-id': CLIENT_ID,
      'kubernetes.azure.com/acr-tenant-id': TENANT_ID,
    },
  });
  return machine.run(join(machine.folder, whose, NAME), [azureJson], { input, printsSecret: true });
}

/** What a response offers: the names of images, each with the user name and the claims of the token. */
function readAuth({ exitCode, stdout, stderr }: RunResult): JsonRecord {
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const auth = parseRecord(parseJsonRecord(stdout)?.['auth']) ?? {};
  return Object.fromEntries(
    Object.entries(auth).map(([pattern, entry]) => {
      const { username, password } = parseRecord(entry) ?? {};
      const {
        jti: _id,
        iat: _issued,
        nbf: _start,
        exp: _end,
        ...claims
      } = decodeToken(parseString(password) ?? '')?.claims ?? {};
      return [pattern, { username, claims }];
    }),
  );
}

/** Takes who asked Entra for a token, and for which tenant the registry exchanged it. */
function takeRequests() {
  const token = cloud.emulator.requests.find(({ path }) => path.endsWith('/oauth2/v2.0/token'));
  const exchange = cloud.emulator.requests.find(({ path }) => path === '/oauth2/exchange');
  cloud.forget();
  const { client_id, client_assertion, grant_type, scope } = token?.form ?? {};
  const subject = decodeToken(client_assertion ?? '')?.claims['sub'];
  return { who: { path: token?.path, client_id, subject, grant_type }, scope, tenant: exchange?.form['tenant'] };
}

describe('with the token of a service account', () => {
  it('both programs sign in as the same application, and ours exchanges for the tenant of the pod', async () => {
    const theirs = readAuth(await run('peer', IMAGE));
    const theirRequests = takeRequests();
    const ours = readAuth(await run('ours', IMAGE));
    const ourRequests = takeRequests();
    expect(ours[LOGIN_SERVER]).toEqual(theirs[LOGIN_SERVER]);
    expect(ours[LOGIN_SERVER]).toMatchObject({ username: NULL_GUID, claims: { aud: LOGIN_SERVER } });
    expect(ourRequests.who).toEqual(theirRequests.who);
    expect(ourRequests.scope).toBe(`${ACR_AUDIENCE}/.default`);
    // MSAL for Go adds the words of OpenID Connect, which Entra ignores.
    expect(theirRequests.scope).toBe(`${ACR_AUDIENCE}/.default openid offline_access profile`);
    expect([ourRequests.tenant, theirRequests.tenant]).toEqual([TENANT_ID, NODE_TENANT]);
  });

  it('ours offers an anonymous pull for this registry alone, and theirs for every one', async () => {
    expect(Object.keys(readAuth(await run('peer', IMAGE)))).toEqual(['*.azurecr.*', LOGIN_SERVER]);
    expect(Object.keys(readAuth(await run('ours', IMAGE)))).toEqual(['contoso*.azurecr.io', LOGIN_SERVER]);
  });

  it('ours does nothing for a foreign registry with the name of one of Azure in its path; theirs signs in and fails', async () => {
    const image = `evil.test/${IMAGE}`;
    const theirs = await run('peer', image);
    expect(theirs.exitCode).toBe(1);
    expect(cloud.signIns()).toEqual(['entra 200']);
    cloud.forget();
    expect(readAuth(await run('ours', image))).toEqual({});
    expect(cloud.emulator.connects).toEqual([]);
  });

  it('both fail for an account that nothing trusts, and ours says so in one line', async () => {
    const stranger = 'system:serviceaccount:builds:stranger';
    const [theirs, ours] = [await run('peer', IMAGE, stranger), await run('ours', IMAGE, stranger)];
    expect([theirs.exitCode, ours.exitCode, ours.stdout]).toEqual([1, 1, '']);
    expect(theirs.stderr.split('\n').length).toBeGreaterThan(10);
    expect(ours.stderr).toMatch(/^docker-credential-acr: error: [^\n]+; hint: [^\n]+\n$/);
    expect(ours.stderr).toContain('AADSTS700213');
  });
});
