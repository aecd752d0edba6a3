/** The Helm chart and its manifests on a real API server: what it accepts, and exactly which rights they give. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { findHelm, listExamples, MANIFESTS, RELEASE, renderManifest } from '../../scripts/kubernetes/render.ts';
import { runCommand } from '../../scripts/parts/command.ts';
import { type Cloud, startCloud } from '../e2e/world/cloud.ts';
import { findLeak } from '../e2e/world/leak.ts';
import { findPart, needParts, needRoot, PROGRAM, partOf } from '../e2e/world/parts.ts';
import { type RunResult, runProcess } from '../e2e/world/process.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { type JsonRecord, parseJsonRecord, parseRecord, parseString, parseStrings } from '../emulator/json.ts';
import { addApplication, findTenant, registryOf, TENANT_ID } from '../emulator/state.ts';
import { writeSchemas } from './schemas.ts';
import type { ApiClient, KubernetesObject } from './world/api-client.ts';
import { API_SERVER_PARTS, type ApiServer, NODE_NAME, startApiServer } from './world/api-server.ts';

const AUDIENCE = 'api://AzureADTokenExchange';
/** The registry and the identity of the example. */
const REGISTRY = 'myregistry.azurecr.io';
const CLIENT_ID = '11111111-2222-3333-4444-555555555555';
const JOB = `${RELEASE}-acr`;
const TEAMS = ['team-a', 'team-b'];

const folder = createTemporaryFolder('acr-chart-');
const helm = findHelm();
let server: ApiServer;
let cloud: Cloud;
/** The objects of each example. */
const manifests = new Map<string, readonly KubernetesObject[]>();

beforeAll(async () => {
  if (helm === undefined || API_SERVER_PARTS.some((name) => findPart(name) === undefined)) return;
  chmodSync(folder.path, 0o711); // for the user of the CronJob
  [server, cloud] = await Promise.all([startApiServer(), startCloud()]);
  for (const name of listExamples()) manifests.set(name, readObjects(await renderManifest(helm, name)));
  for (const name of TEAMS) await server.admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const tenant = findTenant(cloud.emulator.state, TENANT_ID);
  if (tenant === undefined) throw new Error('The emulator begins with a tenant');
  const application = addApplication(tenant, { clientId: CLIENT_ID, objectId: CLIENT_ID });
  const subject = `system:serviceaccount:${RELEASE}:${JOB}`;
  const publicKey = await readPublicKey(server.admin);
  application.federatedCredentials.push({ issuer: server.issuer, subject, audience: AUDIENCE, publicKey });
});
beforeEach((context) => {
  needParts(context, ...API_SERVER_PARTS, 'helm', 'setpriv');
  needRoot(context);
});
afterAll(async () => {
  await server?.close();
  await cloud?.close();
  folder.remove();
});

it('is valid by the schemas of the API server', async (context) => {
  needParts(context, 'kubeconform');
  const schemas = join(folder.path, 'schemas');
  mkdirSync(schemas);
  await writeSchemas(server.admin, schemas);
  const { exitCode, output } = await runCommand(partOf('kubeconform'), [
    ...['-strict', '-summary', '-schema-location', `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`],
    ...listExamples().map((name) => join(MANIFESTS, `${name}.yaml`)),
  ]);
  expect([exitCode, output]).toEqual([0, expect.stringMatching(/Valid: \d\d, Invalid: 0, Errors: 0, Skipped: 0/)]);
  // The schemas find faults.
  const wrong = join(folder.path, 'wrong.yaml');
  writeFileSync(wrong, 'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x}\nspec: {selectors: {}}\n');
  const refused = await runCommand(partOf('kubeconform'), [
    ...['-strict', '-schema-location', `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`, wrong],
  ]);
  expect([refused.exitCode, refused.output]).toEqual([1, expect.stringContaining('selectors')]);
});

it.each(listExamples())('is accepted with the values of the example %s, and so are its pods', async (name) => {
  const objects = objectsOf(name);
  for (const object of objects) await server.admin.apply(object);
  for (const pod of objects.flatMap(describePods)) {
    const path = `/api/v1/namespaces/${RELEASE}/pods?dryRun=All&fieldValidation=Strict`;
    const { status, body } = await server.admin.request('POST', path, pod);
    expect([status, body['message']]).toEqual([201, undefined]);
  }
  for (const object of objects.filter(({ kind }) => kind !== 'Namespace')) await server.admin.remove(object);
});

it('is installed by helm, which tells what is left to do', async () => {
  const environment = { ...process.env, KUBECONFIG: server.kubeconfig('admin'), HOME: folder.path };
  const chart = join(MANIFESTS, '..', 'chart');
  const values = ['--set', 'image.repository=registry.example.com/acr,kubelet.mode=service-account'];
  const args = ['--namespace', RELEASE, 'acr', chart, ...values];
  const { exitCode, output } = await runCommand(helm ?? '', ['install', ...args], environment);
  expect([exitCode, output]).toEqual([0, expect.stringContaining('docker-credential-acr/client-id=CLIENT_ID')]);
  const uninstall = ['uninstall', 'acr', '--namespace', RELEASE, '--cascade=background'];
  expect(await runCommand(helm ?? '', uninstall, environment)).toMatchObject({ exitCode: 0 });
});

describe('the role for nodes', () => {
  it('lets a node request the token of a pod on it for the audience of Entra, and for no other', async () => {
    const { admin, node } = server;
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'app', namespace: 'team-a' } };
    await admin.apply(account);
    const pod = await admin.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'app', namespace: 'team-a' },
      spec: { nodeName: NODE_NAME, serviceAccountName: 'app', containers: [{ name: 'main', image: 'app' }] },
    });
    const request = async (audience: string) => {
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'app', uid: parseRecord(pod['metadata'])?.['uid'] };
      const { status } = await node.request('POST', '/api/v1/namespaces/team-a/serviceaccounts/app/token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [audience], expirationSeconds: 3600, boundObjectRef },
      });
      return status;
    };
    const review = () =>
      mayDo(admin, {
        user: `system:node:${NODE_NAME}`,
        groups: ['system:nodes'],
        resourceAttributes: { verb: 'request-serviceaccounts-token-audience', resource: AUDIENCE },
      });
    // The authorizer hears of a change a moment later.
    await until(async () => !(await review()));
    expect(await request(AUDIENCE)).toBe(403);
    const roles = objectsOf('service-account').filter(({ kind }) => kind.startsWith('ClusterRole'));
    for (const object of roles) await admin.apply(object);
    await until(review);
    expect([await request(AUDIENCE), await request('api://other')]).toEqual([201, 403]);
    for (const object of roles) await admin.remove(object);
  });
});

describe('the CronJob', () => {
  let token: string;
  let job: ApiClient;

  beforeAll(async () => {
    if (server === undefined) return;
    for (const object of objectsOf('pull-secrets')) await server.admin.apply(object);
    token = await server.admin.requestToken(RELEASE, JOB);
    job = server.bearer(token);
    const attributes = { verb: 'patch', resource: 'secrets', name: 'acr', namespace: 'team-b' };
    await until(() => mayDo(job, { resourceAttributes: attributes }, 'SelfSubjectAccessReview'));
  });

  it('may create and change its Secrets, and nothing else', async () => {
    const rulesOf = async (namespace: string) => {
      const rules = await job.request('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectRulesReview',
        spec: { namespace },
      });
      const list = parseRecord(rules.body['status'])?.['resourceRules'];
      const found = (Array.isArray(list) ? list : []).map((one: unknown) => parseRecord(one) ?? {});
      // Everybody may ask what they may do.
      return found.filter((one) => !parseStrings(one['apiGroups']).some((group) => group.endsWith('ation.k8s.io')));
    };
    const rule = { verbs: ['create', 'patch'], apiGroups: [''], resources: ['secrets'], resourceNames: ['acr'] };
    for (const team of TEAMS) expect(await rulesOf(team)).toEqual([rule]);
    for (const other of [RELEASE, 'default', 'kube-system']) expect(await rulesOf(other)).toEqual([]);
    // Without a name, such a right allows no ordinary creation.
    const others: readonly (readonly [method: string, path: string])[] = [
      ['POST', '/api/v1/namespaces/team-a/secrets'],
      ['GET', '/api/v1/namespaces/team-a/secrets'],
      ['GET', '/api/v1/namespaces/team-a/secrets/acr'],
      ['DELETE', '/api/v1/namespaces/team-a/secrets/acr'],
      ['PUT', '/api/v1/namespaces/team-a/secrets/acr'],
      ['GET', `/api/v1/namespaces/${RELEASE}/secrets`],
      ['GET', '/api/v1/namespaces/team-a/pods'],
      ['GET', '/api/v1/nodes'],
    ];
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'acr', namespace: 'team-a' } };
    const statuses = others.map(async ([method, path]) => {
      const { status } = await job.request(method, path, ['POST', 'PUT'].includes(method) ? secret : undefined);
      return `${method} ${path} ${status}`;
    });
    expect(await Promise.all(statuses)).toEqual(others.map(([method, path]) => `${method} ${path} 403`));
    await expect(job.apply({ ...secret, metadata: { name: 'other', namespace: 'team-a' } })).rejects.toThrow('403');
  });

  it('creates the Secrets, and renews them', async () => {
    expect(await renew()).toMatchObject({ exitCode: 0, stderr: '' });
    const first = await readLogins();
    expect(await renew()).toMatchObject({ exitCode: 0, stderr: '' });
    const second = await readLogins();
    expect(first).toHaveLength(2);
    for (const login of second) expect(first).not.toContainEqual(login);
    expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200', 'entra 200', 'exchange 200']);
  });

  it('writes what lets a client in', async (context) => {
    needParts(context, 'crane', 'docker-registry');
    await renew();
    await cloud.seed('team/app', '1');
    registryOf(cloud.emulator.state, REGISTRY).nullGuidPassword = true;
    const config = join(folder.path, 'docker');
    mkdirSync(config);
    const [login] = await readLogins();
    writeFileSync(join(config, 'config.json'), JSON.stringify(login));
    const environment = { ...cloud.emulator.environment(), PATH: '/usr/bin:/bin', HOME: config, DOCKER_CONFIG: config };
    const { exitCode, stdout } = await runProcess(partOf('crane'), ['manifest', `${REGISTRY}/team/app:1`], {
      environment,
    });
    expect([exitCode, parseJsonRecord(stdout)]).toEqual([0, expect.objectContaining({ schemaVersion: 2 })]);
  });

  it('says what helps when it lacks a right, or another program has set the Secret', async () => {
    const { admin } = server;
    const binding = objectsOf('pull-secrets').find(
      ({ kind, metadata }) => kind === 'RoleBinding' && metadata.namespace === 'team-b',
    );
    if (binding === undefined) throw new Error('the example has a binding');
    await admin.remove(binding);
    await admin.remove({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'acr', namespace: 'team-a' } });
    const path = '/api/v1/namespaces/team-a/secrets?fieldManager=somebody';
    await admin.request('POST', path, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'acr' },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') },
    });
    const attributes = { verb: 'patch', resource: 'secrets', name: 'acr', namespace: 'team-b' };
    await until(async () => !(await mayDo(job, { resourceAttributes: attributes }, 'SelfSubjectAccessReview')));
    const { exitCode, stdout, stderr } = await renew();
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^error: Cannot apply Secret acr in namespace team-a: another program has set its content\ncause: HTTP 409 Conflict: [^\n]*conflict with "somebody"[^\n]*\ncause: Cannot apply Secret acr in namespace team-b: docker-credential-acr:docker-credential-acr-acr may not\ncause: HTTP 403 Forbidden: [^\n]*\nhint: kubectl --namespace team-a delete secret acr [^\n]*\n$/,
    );
  });

  it('asks for no rights in a namespace that is being deleted', async () => {
    const { admin } = server;
    await admin.remove({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'acr', namespace: 'team-a' } });
    await admin.remove({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team-a' } });
    expect((await renew()).stderr).toMatch(
      /^error: Cannot apply Secret acr in namespace team-a: the namespace is being deleted\ncause: HTTP 403 Forbidden: [^\n]*being terminated\n/,
    );
  });

  /** Runs what the CronJob runs, as its service account, with nothing but what the pod has. */
  async function renew(): Promise<RunResult> {
    const place = join(folder.path, 'service-account');
    mkdirSync(place, { recursive: true });
    const federated = await server.admin.requestToken(RELEASE, JOB, AUDIENCE);
    writeFileSync(join(place, 'token'), token);
    writeFileSync(join(place, 'azure'), federated);
    writeFileSync(join(place, 'ca.crt'), readFileSync(server.caFile));
    const azure = cloud.emulator.environment();
    writeFileSync(join(place, 'azure.crt'), readFileSync(azure['NODE_EXTRA_CA_CERTS'] ?? ''));
    const [container] = containersOf('CronJob');
    const given = Object.fromEntries(listRecords(container?.['env']).map((one) => [String(one['name']), one['value']]));
    const { hostname, port } = new URL(server.url);
    const args = parseStrings(container?.['args']).map((one) => one.replace('/var/run/secrets/cluster', place));
    const result = await runProcess(
      partOf('setpriv'),
      ['--reuid=65532', '--regid=65532', '--clear-groups', '--bounding-set=-all', '--no-new-privs', PROGRAM, ...args],
      {
        environment: {
          ...azure, // neither HOME nor a folder for a cache
          NODE_EXTRA_CA_CERTS: join(place, 'azure.crt'),
          SSL_CERT_FILE: join(place, 'azure.crt'),
          ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)])),
          AZURE_TENANT_ID: TENANT_ID,
          AZURE_FEDERATED_TOKEN_FILE: join(place, 'azure'),
          KUBERNETES_SERVICE_HOST: hostname,
          KUBERNETES_SERVICE_PORT: port,
        },
      },
    );
    const leak = findLeak(result.stdout + result.stderr, [token, federated, ...cloud.emulator.secrets]);
    expect(leak).toBeUndefined();
    return result;
  }

  function containersOf(kind: string): readonly JsonRecord[] {
    const object = objectsOf('pull-secrets').find((one) => one.kind === kind);
    return listRecords(parseRecord(describePods(object ?? never())[0]?.['spec'])?.['containers']);
  }

  /** The Docker configurations in the Secrets. */
  async function readLogins(): Promise<readonly (JsonRecord | undefined)[]> {
    const secrets = TEAMS.map((team) => server.admin.get(`/api/v1/namespaces/${team}/secrets/acr`));
    return (await Promise.all(secrets)).map(({ data, type, metadata }) => {
      expect(type).toBe('kubernetes.io/dockerconfigjson');
      const until = parseString(
        parseRecord(parseRecord(metadata)?.['annotations'])?.['docker-credential-acr/expires-at'],
      );
      expect(Date.parse(until ?? '')).toBeGreaterThan(Date.now() + 2 * 60 * 60 * 1000);
      const text = parseString(parseRecord(data)?.['.dockerconfigjson']) ?? '';
      return parseJsonRecord(Buffer.from(text, 'base64').toString());
    });
  }
});

function objectsOf(example: string): readonly KubernetesObject[] {
  return manifests.get(example) ?? never();
}

function never(): never {
  throw new Error('the chart renders it');
}

function readObjects(text: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(text);
  return (Array.isArray(documents) ? documents : []).map((document) => {
    const object = parseRecord(document.toJS()) ?? {};
    const metadata = parseRecord(object['metadata']) ?? {};
    const [apiVersion, kind] = [parseString(object['apiVersion']) ?? '', parseString(object['kind']) ?? ''];
    const name = parseString(metadata['name']) ?? '';
    const namespace = parseString(metadata['namespace']);
    return { ...object, apiVersion, kind, metadata: { ...metadata, name, ...(namespace && { namespace }) } };
  });
}

/** The pods that a controller would create of an object. */
function describePods({ kind, spec }: KubernetesObject): readonly JsonRecord[] {
  const outer = parseRecord(spec);
  const inner = kind === 'CronJob' ? parseRecord(parseRecord(outer?.['jobTemplate'])?.['spec']) : outer;
  const template = parseRecord(inner?.['template']);
  if (!['CronJob', 'DaemonSet'].includes(kind) || template === undefined) return [];
  const metadata = { ...parseRecord(template['metadata']), name: 'pod', namespace: RELEASE };
  return [{ apiVersion: 'v1', kind: 'Pod', ...template, metadata }];
}

function listRecords(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.map((one: unknown) => parseRecord(one) ?? {}) : [];
}

async function mayDo(api: ApiClient, spec: object, kind = 'SubjectAccessReview'): Promise<boolean> {
  const path = `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`;
  const { body } = await api.request('POST', path, { apiVersion: 'authorization.k8s.io/v1', kind, spec });
  return parseRecord(body['status'])?.['allowed'] === true;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 250; tries += 1) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('The API server does not hear of a change');
}

async function readPublicKey(admin: ApiClient): Promise<KeyObject> {
  const { keys } = await admin.get('/openid/v1/jwks');
  const key = Array.isArray(keys) ? parseRecord(keys[0]) : undefined;
  if (key === undefined) throw new Error('The API server publishes no key');
  return createPublicKey({ key, format: 'jwk' });
}
