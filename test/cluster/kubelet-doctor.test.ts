/** The built `kubelet doctor` with a real API server: its rights, its tokens, and the plug-in that gets them. */
import { createPublicKey } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Cloud, startCloud } from '../e2e/world/cloud.ts';
import { findPart, needParts, PROGRAM } from '../e2e/world/parts.ts';
import { type RunResult, runProcess } from '../e2e/world/process.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { parseJsonRecord, parseRecord } from '../emulator/json.ts';
import { addApplication, findTenant, TENANT_ID } from '../emulator/state.ts';
import { API_SERVER_PARTS, type ApiServer, ISSUER, NODE_NAME, startApiServer } from './world/api-server.ts';

const AUDIENCE = 'api://AzureADTokenExchange';
const IMAGE = 'forpods.azurecr.io/team/app';
const CLIENT_ID = '0e0e0e0e-1111-4222-8333-444444444444';

let server: ApiServer;
let cloud: Cloud;
const { path: folder, remove } = createTemporaryFolder('acr-doctor-');

beforeAll(async () => {
  if (!API_SERVER_PARTS.every((name) => findPart(name) !== undefined)) return;
  [server, cloud] = await Promise.all([startApiServer(), startCloud()]);
  mkdirSync(join(folder, 'bin'));
  symlinkSync(PROGRAM, join(folder, 'bin', 'acr-credential-provider'));
  const { stdout } = await run('config', ['--mode', 'service-account', '--cache-dir', join(folder, 'cache')]);
  writeFileSync(join(folder, 'providers.yaml'), stdout);
  const annotations = { 'docker-credential-acr/client-id': CLIENT_ID, 'docker-credential-acr/tenant-id': TENANT_ID };
  for (const name of ['puller', 'stranger', 'idle']) {
    await server.admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, annotations } });
    if (name === 'idle') continue;
    await server.admin.apply({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `${name}-1` } },
      spec: {
        ...{ nodeName: NODE_NAME, serviceAccountName: name, automountServiceAccountToken: false },
        containers: [{ name: 'main', image: IMAGE }],
      },
    });
  }
  const tenant = findTenant(cloud.emulator.state, TENANT_ID);
  if (tenant === undefined) throw new Error('the emulator begins with a tenant');
  const application = addApplication(tenant, { clientId: CLIENT_ID, objectId: CLIENT_ID });
  const { keys } = await server.admin.get('/openid/v1/jwks');
  const [jwk] = (Array.isArray(keys) ? keys : []).map(parseRecord);
  const publicKey = createPublicKey({ key: jwk ?? {}, format: 'jwk' });
  const subject = 'system:serviceaccount:default:puller';
  application.federatedCredentials.push({ issuer: ISSUER, subject, audience: AUDIENCE, publicKey });
});
beforeEach((context) => needParts(context, ...API_SERVER_PARTS));
afterAll(async () => {
  await server?.close();
  await cloud?.close();
  remove();
});

function run(command: string, args: readonly string[]): Promise<RunResult> {
  const environment = { ...cloud.emulator.environment(), HOME: folder, PATH: '/usr/bin:/bin' };
  return runProcess(PROGRAM, ['kubelet', command, ...args], { environment, folder });
}

/** Examines the node as a user of the cluster, for a pod of a service account. */
async function examine(user: string, account: string) {
  const place = ['--config', join(folder, 'providers.yaml'), '--bin-dir', join(folder, 'bin')];
  const who = ['--kubeconfig', server.kubeconfig(user), '--service-account', `default/${account}`];
  const { exitCode, stdout } = await run('doctor', [
    ...[IMAGE, '--json', '--kubernetes-version', '1.36'],
    ...[...place, ...who],
  ]);
  expect(stdout).not.toContain(server.tokenOf(user));
  expect(stdout).not.toMatch(/eyJ/);
  const { results } = parseJsonRecord(stdout) ?? {};
  const found = (Array.isArray(results) ? results : []).map(parseRecord);
  const of = (check: string) => found.find((one) => one?.['check'] === check);
  return { exitCode, audience: of('audience'), image: of('image') };
}

it('finds that the node may not request the token, and prints the right that is missing', async () => {
  const [node, admin] = await Promise.all([examine('node', 'puller'), examine('admin', 'puller')]);
  expect(node.audience).toMatchObject({
    status: 'problem',
    what: `system:node:${NODE_NAME} may not request tokens for ${AUDIENCE}: pods get no credentials`,
    fix: `docker-credential-acr kubelet config --mode service-account --audience ${AUDIENCE} --rbac | kubectl apply -f -`,
  });
  // The API server says the same to who asks for a token.
  expect(node.image).toMatchObject({
    status: 'problem',
    causes: [expect.stringContaining(`is not authorized to request tokens for this audience`)],
  });
  expect(admin.audience).toMatchObject({ status: 'problem', what: expect.stringMatching(/^the group system:nodes/) });

  const { stdout } = await run('config', ['--mode', 'service-account', '--audience', AUDIENCE, '--rbac', '--json']);
  const { items } = parseJsonRecord(stdout) ?? {};
  for (const item of Array.isArray(items) ? items : []) await server.admin.apply(item);

  // The rights reach the authorizer by a watch.
  await expect
    .poll(async () => (await examine('node', 'puller')).audience, { timeout: 10_000 })
    .toMatchObject({
      status: 'ok',
      what: `system:node:${NODE_NAME} may request tokens for ${AUDIENCE}`,
    });
  expect((await examine('admin', 'puller')).audience).toMatchObject({ status: 'ok' });
});

it('gets a real token for a pod of the node, with which the plug-in signs in', async () => {
  const { exitCode, image } = await examine('node', 'puller');
  expect(image).toMatchObject({
    status: 'ok',
    what: expect.stringMatching(
      /^a pod of the service account gets the user 00000000-0000-0000-0000-000000000000 and a token, which expires in /,
    ),
    details: expect.objectContaining({ image: IMAGE, cacheKeyType: 'Registry' }),
  });
  expect(exitCode).toBe(0);
});

it('says why another service account gets nothing', async () => {
  const [stranger, idle, missing] = await Promise.all([
    examine('node', 'stranger'),
    examine('node', 'idle'),
    examine('admin', 'nobody'),
  ]);
  expect(stranger).toMatchObject({
    exitCode: 1,
    image: { status: 'problem', causes: [expect.stringContaining('AADSTS700213')], fix: expect.any(String) },
  });
  expect(idle.image).toMatchObject({
    status: 'problem',
    what: 'no pod of the service account default/idle runs on this node, and a node gets tokens for no other',
  });
  expect(missing.image).toMatchObject({ status: 'problem', what: 'there is no service account default/nobody' });
});

it('says who cannot ask, and what helps', async () => {
  const { audience } = await examine('nobody', 'puller');
  expect(audience).toMatchObject({
    status: 'problem',
    what: 'the API server refuses to review rights (SubjectAccessReview)',
    causes: [expect.stringContaining('User "nobody" cannot create resource "subjectaccessreviews"')],
    fix: 'use a kubeconfig with more rights, such as that of an administrator',
  });
});
