/** What `kubelet doctor` asks an API server, and what it says when that does not answer as it should. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClientCertificate } from '../emulator/certificates.ts';
import { startServer, type TestServer } from '../unit/https-server.ts';
import { makeToken } from '../unit/token.ts';
import { KubeletMachine } from './kubelet-node.ts';

const IMAGE = 'my.azurecr.io/team/app';
const AUDIENCE = 'api://AzureADTokenExchange';
const TOKEN = 'the-token-of-the-kubeconfig';
const POD_TOKEN = makeToken({ sub: 'system:serviceaccount:default:app' });
const ANNOTATIONS = { 'docker-credential-acr/client-id': 'one', 'example.com/other': 'two' };

/** What the API server answers, by method and path without a query. */
let answers: Record<string, readonly [status: number, body: object]> = {};
const server: TestServer = await startServer((response, _attempt, { method, url }) => {
  const [path = ''] = url.split('?');
  const [status, body] = answers[`${method} ${path}`] ?? [404, { message: `no ${path}` }];
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
afterAll(() => server.close());

const ACCOUNT = '/api/v1/namespaces/default/serviceaccounts/app';
const WHO = 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews';
const SELF = 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const OTHER = 'POST /apis/authorization.k8s.io/v1/subjectaccessreviews';
const who = (username: string, ...groups: readonly string[]) =>
  [201, { status: { userInfo: { username, groups } } }] as const;
const ADMIN = {
  'GET /version': [200, { gitVersion: 'v1.36.3' }],
  [WHO]: who('admin', 'system:masters'),
  [OTHER]: [201, { status: { allowed: true } }],
  [`GET ${ACCOUNT}`]: [200, { metadata: { annotations: ANNOTATIONS } }],
  [`POST ${ACCOUNT}/token`]: [201, { status: { token: POD_TOKEN } }],
} as const;
const NODE = {
  ...ADMIN,
  [WHO]: who('system:node:n1', 'system:nodes'),
  [OTHER]: [403, { message: 'a node may not ask this' }],
  [SELF]: [201, { status: { allowed: true } }],
  'GET /api/v1/namespaces/default/pods': [200, { items: [{ metadata: { name: 'app-1', uid: 'u1' } }] }],
} as const;

let node: KubeletMachine;
let seenBefore = 0;
beforeEach(() => {
  node = new KubeletMachine();
  seenBefore = server.requests.length;
  answers = { ...ADMIN };
  node.configure({ mode: 'service-account' });
});
afterEach(() => node.remove());

/** The requests of this test. */
const requests = () => server.requests.slice(seenBefore);

function writeKubeconfig(user: object = { token: TOKEN }, cluster: object = {}): string {
  const file = join(node.folder, 'kubeconfig');
  writeFileSync(join(node.folder, 'ca.crt'), server.authorityPem);
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'here' },
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: server.origin, 'certificate-authority': 'ca.crt', ...cluster } }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const examine = (user?: object, cluster?: object) =>
  node.examineFiles({
    image: IMAGE,
    serviceAccount: 'default/app',
    kubeconfig: writeKubeconfig(user, cluster),
    // No proxy carries what is for the API server.
    variables: { HTTPS_PROXY: 'http://127.0.0.1:9' },
  });

/** Keeps what the plug-in got, and answers with nothing. */
const REMEMBER = () => `[ "$1" = --version ] && exit
cat > '${node.folder}/request.json'
echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Registry","cacheDuration":"0s"}'`;
const received = () => JSON.parse(readFileSync(join(node.folder, 'request.json'), 'utf8'));

describe('an administrator', () => {
  test('asks for the group of nodes, and gets a token without a pod', async () => {
    node.install(REMEMBER());
    const { linesOf, text, json } = await examine();
    expect(linesOf('audience')).toEqual([`ok: the group system:nodes may request tokens for ${AUDIENCE}`]);
    expect(received()).toMatchObject({
      serviceAccountToken: POD_TOKEN,
      serviceAccountAnnotations: { 'docker-credential-acr/client-id': 'one' },
    });
    expect(Object.keys(received().serviceAccountAnnotations)).toHaveLength(1);
    const bodies = requests().map(({ url, body, headers }) => {
      expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
      return [url, body === '' ? undefined : JSON.parse(body).spec];
    });
    const resourceAttributes = {
      ...{ group: '', version: 'v1', resource: AUDIENCE, verb: 'request-serviceaccounts-token-audience' },
      ...{ namespace: 'default', name: 'app' },
    };
    expect(bodies).toContainEqual([
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      { user: 'system:node:any', groups: ['system:nodes', 'system:authenticated'], resourceAttributes },
    ]);
    expect(bodies).toContainEqual([`${ACCOUNT}/token`, { audiences: [AUDIENCE] }]);
    for (const written of [text, json]) {
      expect(written).not.toContain(POD_TOKEN);
      expect(written).not.toContain(TOKEN);
    }
  });

  test('learns that nodes may not request the tokens', async () => {
    answers[OTHER] = [201, { status: { allowed: false } }];
    const { find } = await examine();
    expect(find('audience')).toMatchObject({
      status: 'problem',
      what: `the group system:nodes may not request tokens for ${AUDIENCE}: pods get no credentials`,
      fix: `docker-credential-acr kubelet config --mode service-account --audience ${AUDIENCE} --rbac | kubectl apply -f -`,
    });
  });

  test('learns that an older API server needs no right', async () => {
    answers['GET /version'] = [200, { gitVersion: 'v1.32.4' }];
    expect((await examine()).linesOf('audience')).toEqual([
      'ok: nodes need no right to request tokens in Kubernetes 1.32',
    ]);
  });
});

describe('a node', () => {
  test('asks for itself, and gets the token of a pod that it runs', async () => {
    answers = { ...NODE };
    node.install(REMEMBER());
    const { linesOf } = await examine();
    expect(linesOf('audience')).toEqual([`ok: system:node:n1 may request tokens for ${AUDIENCE}`]);
    const pods = requests().find(({ url }) => url.includes('/pods?'));
    expect(decodeURIComponent(pods?.url ?? '')).toContain('fieldSelector=spec.nodeName=n1,spec.serviceAccountName=app');
    const token = requests().find(({ url }) => url.endsWith('/token'));
    expect(JSON.parse(token?.body ?? '').spec).toEqual({
      audiences: [AUDIENCE],
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'app-1', uid: 'u1' },
    });
  });

  test('has a name, which a report leaves out like that of the service account', async () => {
    const account = '/api/v1/namespaces/billing/serviceaccounts/invoices';
    answers = { ...NODE, [WHO]: who('system:node:aks-pool-7', 'system:nodes') };
    const run = { image: IMAGE, serviceAccount: 'billing/invoices', kubeconfig: writeKubeconfig() };
    const { report, text } = await node.examineFiles(run);
    expect(requests().map(({ url }) => url)).toContain(account);
    for (const name of ['aks-pool-7', 'billing', 'invoices']) {
      expect(text).toContain(name);
      expect(report).not.toContain(name);
    }
  });

  test('runs no pod of the service account', async () => {
    answers = { ...NODE, 'GET /api/v1/namespaces/default/pods': [200, { items: [] }] };
    expect((await examine()).find('image')).toMatchObject({
      status: 'problem',
      what: 'no pod of the service account default/app runs on n1, and a node gets tokens for no other',
    });
  });
});

describe('a service account', () => {
  test('that does not exist', async () => {
    delete answers[`GET ${ACCOUNT}`];
    expect((await examine()).find('image')).toMatchObject({
      status: 'problem',
      what: 'there is no service account default/app',
      fix: 'kubectl get serviceaccounts -n default',
    });
  });

  test('without a required annotation', async () => {
    node.configure({ mode: 'service-account', requireServiceAccount: true }, (text) =>
      text.replace('optionalServiceAccount', 'requiredServiceAccount'),
    );
    expect((await examine()).find('image')).toMatchObject({
      what: 'the service account has no annotation docker-credential-acr/tenant-id, so the kubelet does not ask the plug-in',
      fix: 'kubectl annotate serviceaccount -n default app docker-credential-acr/tenant-id=ID',
    });
  });

  test('whose token the plug-in returns as the password', async () => {
    node.install(`[ "$1" = --version ] && exit
token=$(sed 's/.*"serviceAccountToken":"\\([^"]*\\)".*/\\1/')
echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Registry","auth":{"my.azurecr.io":{"username":"u","password":"'$token'"}}}'`);
    expect((await examine()).find('image')).toMatchObject({
      status: 'problem',
      what: "acr-credential-provider returned the service account's token itself, which the kubelet refuses",
    });
  });
});

test('a token that the plug-in repeats is not shown, whatever it looks like', async () => {
  const opaque = 'opaque+token/of-the-pod';
  answers[`POST ${ACCOUNT}/token`] = [201, { status: { token: opaque } }];
  node.install(`cat >&2; exit 1`);
  const { text, json, find } = await examine();
  expect(find('image')?.causes?.[0]).toContain('"serviceAccountToken":"[redacted]"');
  for (const written of [text, json]) expect(written).not.toContain(opaque);
});

describe('an API server that', () => {
  test.each<[name: string, answer: readonly [number, object], what: string, causes: readonly string[]]>([
    [
      'does not know the token',
      [401, { message: 'Unauthorized' }],
      'the API server does not know the kubeconfig: its token or certificate may have expired',
      ['HTTP 401: Unauthorized'],
    ],
    [
      'refuses',
      [403, { message: 'admin is not allowed' }],
      'the API server refuses to read its version',
      ['HTTP 403: admin is not allowed'],
    ],
    ['answers with something else', [200, []], 'the API server refuses to read its version', ['HTTP 200: []']],
    [
      'repeats the token',
      [403, { message: `who is ${TOKEN}?` }],
      'the API server refuses to read its version',
      ['HTTP 403: who is [redacted]?'],
    ],
  ])('%s', async (_name, answer, what, causes) => {
    answers['GET /version'] = answer;
    expect((await examine()).find('audience')).toMatchObject({ status: 'problem', what, causes });
  });

  test('is another one', async () => {
    const { find } = await examine(undefined, { 'certificate-authority': undefined });
    expect(find('audience')).toMatchObject({ status: 'problem', what: expect.stringMatching(/certificate/) });
    expect(requests()).toEqual([]);
  });
});

describe('a kubeconfig', () => {
  test.each<[name: string, user: object, cluster: object, why: string]>([
    [
      'whose user is a program',
      { exec: { command: 'kubelogin', args: ['get-token'] } },
      {},
      'its user signs in by the program kubelogin, which this program does not run',
    ],
    ['without a secret', {}, {}, 'its user has neither a token nor a certificate'],
    [
      'that trusts everybody',
      { token: TOKEN },
      { 'insecure-skip-tls-verify': true },
      'it does not check who the server is, so this program sends it no token',
    ],
    [
      'without TLS',
      { token: TOKEN },
      { server: 'http://127.0.0.1:9' },
      'its server http://127.0.0.1:9 is not an https URL',
    ],
  ])('%s', async (_name, user, cluster, why) => {
    const { find } = await examine(user, cluster);
    expect(find('audience')).toMatchObject({
      status: 'problem',
      what: `cannot use the kubeconfig ${node.folder}/kubeconfig: ${why}`,
      fix: expect.any(String),
    });
    expect(requests()).toEqual([]);
  });

  test('names a file with the token, and its certificates in base64', async () => {
    writeFileSync(join(node.folder, 'token'), `${TOKEN}\n`);
    const data = Buffer.from(server.authorityPem).toString('base64');
    const { find } = await examine(
      { tokenFile: 'token' },
      { 'certificate-authority': undefined, 'certificate-authority-data': data },
    );
    expect(find('audience')?.status).toBe('ok');
  });

  test('signs in with a certificate, and sends no token', async () => {
    const { certificatePem, privateKeyPem } = await createClientCertificate('somebody');
    const encode = (text: string) => Buffer.from(text).toString('base64');
    const user = { 'client-certificate-data': encode(certificatePem), 'client-key-data': encode(privateKeyPem) };
    expect((await examine(user)).find('audience')?.status).toBe('ok');
    for (const { headers } of requests()) expect(headers.authorization).toBeUndefined();
  });

  test.each([
    ['none', undefined, 'cannot read'],
    ['broken', '{', 'is not valid YAML'],
    ['empty', '', 'it has no current-context'],
    ['without a context', 'current-context: x', 'it has no context x'],
  ])('%s', async (_name, text, why) => {
    const file = join(node.folder, 'other');
    if (text !== undefined) writeFileSync(file, text);
    const { find } = await node.examineFiles({ kubeconfig: file });
    expect(find('audience')).toMatchObject({ status: 'problem', what: expect.stringContaining(why) });
  });
});

test.each([
  [{ serviceAccount: 'app', kubeconfig: '/k' }, 'the value of --service-account is not NAMESPACE/NAME'],
  [{ serviceAccount: 'a/b/c', kubeconfig: '/k' }, 'the value of --service-account is not NAMESPACE/NAME'],
  [{ serviceAccount: 'A/b', kubeconfig: '/k' }, 'the value of --service-account is not NAMESPACE/NAME'],
  [{ serviceAccount: 'a/b' }, '--service-account needs --kubeconfig, since the API server issues the token'],
  [{ kubernetesVersion: 'x' }, 'the value of --kubernetes-version is not a version of Kubernetes'],
  [{ image: 'A B' }, 'this is not the name of an image'],
])('options that cannot be used: %j', async (run, message) => {
  await expect(node.examine(run)).rejects.toThrow(expect.objectContaining({ name: 'UsageError', message }));
});
