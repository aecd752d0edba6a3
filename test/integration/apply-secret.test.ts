/** `token --apply`: writes pull secrets to the API server of the cluster, here a small server with its answers. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type JsonObject, parseJsonObject } from '../../src/json.ts';
import { startServer } from '../unit/https-server.ts';
import { type CommandResult, NOBODY, runCommand, type Variables } from './command-world.ts';
import { ENTRA, EXCHANGE, NULL_GUID, openWorld, REGISTRY } from './world.ts';

const SUBJECT = 'system:serviceaccount:acr:renewer';
const TOKEN = [{ alg: 'RS256' }, { sub: SUBJECT }, 'signature']
  .map((part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url'))
  .join('.');

interface Reply {
  readonly status: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: JsonObject;
}

/** How the server answers, by namespace. */
const replies = new Map<string, readonly Reply[]>();
const attempts = new Map<string, number>();
/** How many answers are outstanding before any is given. */
let together = 1;
const waiting: (() => void)[] = [];
const server = await startServer((response, _attempt, { url }) => {
  waiting.push(() => answer(response, url));
  if (waiting.length >= together) for (const one of waiting.splice(0)) one();
});

function answer(response: ServerResponse, url: string): void {
  const namespace = url.split('/')[4] ?? '';
  const attempt = attempts.get(namespace) ?? 0;
  attempts.set(namespace, attempt + 1);
  const list = replies.get(namespace) ?? [{ status: 200 }];
  const { status, ...rest } = list[Math.min(attempt, list.length - 1)] ?? { status: 200 };
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: status < 300 ? 'Secret' : 'Status', ...rest }));
}
const world = await openWorld();
const folder = join(world.folder, 'service-account');
mkdirSync(folder);
writeFileSync(join(folder, 'ca.crt'), server.authorityPem);
writeFileSync(join(folder, 'namespace'), 'acr');
afterAll(() => server.close());

const CLUSTER: Variables = { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: String(server.port) };
let seenBefore = 0;

beforeEach(() => {
  replies.clear();
  attempts.clear();
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  seenBefore = server.requests.length;
});

/** Runs the command in the pod, and expects that it shows no token. */
async function apply(args: readonly string[], variables: Variables = CLUSTER): Promise<CommandResult> {
  const result = await runCommand(
    world,
    ['token', REGISTRY, '--kubernetes-secret', 'acr', '--apply', '--service-account', folder, ...args],
    { variables },
  );
  for (const secret of [TOKEN, ...world.emulator.secrets]) {
    expect(`${result.output}${result.errors}`.includes(secret), 'a secret').toBe(false);
  }
  return result;
}

const requests = () => server.requests.slice(seenBefore);

describe('token --apply', () => {
  test('applies the Secret in each namespace, with the token of one sign-in, past every proxy', async () => {
    const { exitCode, output, errors } = await apply(['--namespace', 'team-a', '--namespace', 'team-b']);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
    expect(output).toMatch(
      /^Applied Secret acr in namespace team-a; its token expires at \S+Z\nApplied Secret acr in namespace team-b; [^\n]+\n$/,
    );
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    const seen = requests().toSorted((one, other) => one.url.localeCompare(other.url));
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'PATCH /api/v1/namespaces/team-a/secrets/acr?fieldManager=docker-credential-acr',
      'PATCH /api/v1/namespaces/team-b/secrets/acr?fieldManager=docker-credential-acr',
    ]);
    const [first] = seen;
    expect(first?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/apply-patch+yaml',
    });
    const { data, ...rest } = parseJsonObject(first?.body ?? '') ?? {};
    expect(rest).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'acr',
        namespace: 'team-a',
        annotations: { 'docker-credential-acr/expires-at': expect.stringMatching(/Z$/) },
      },
      type: 'kubernetes.io/dockerconfigjson',
    });
    const config = Buffer.from(String(Object.values(data ?? {})[0]), 'base64').toString();
    expect(JSON.parse(config)).toEqual({
      auths: { [REGISTRY]: { username: NULL_GUID, password: (await world.get()).Secret, auth: expect.any(String) } },
    });
  });

  test('takes the namespace of the pod without --namespace', async () => {
    expect((await apply([])).output).toMatch(/^Applied Secret acr in namespace acr;/);
  });

  test('tries again when the API server is busy', async () => {
    replies.set('team-a', [{ status: 500 }, { status: 429 }, { status: 201 }]);
    expect(await apply(['--namespace', 'team-a'])).toMatchObject({ exitCode: 0 });
    expect(requests()).toHaveLength(3);
  });

  test('goes on after a refusal, and tells of every one', async () => {
    replies.set('team-a', [{ status: 404, reason: 'NotFound', message: 'namespaces "team-a" not found' }]);
    replies.set('team-c', [{ status: 403, reason: 'Forbidden', message: 'secrets "acr" is forbidden' }]);
    const args = ['team-a', 'team-b', 'team-c'].flatMap((name) => ['--namespace', name]);
    const { exitCode, output, errors } = await apply(args);
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^Applied Secret acr in namespace team-b; [^\n]+\n$/);
    expect(errors).toBe(
      `error: Cannot apply Secret acr in namespace team-a: there is no such namespace
cause: HTTP 404 NotFound: namespaces "team-a" not found
cause: Cannot apply Secret acr in namespace team-c: acr:renewer may not
cause: HTTP 403 Forbidden: secrets "acr" is forbidden
hint: kubectl create namespace team-a
`,
    );
  });

  test.each([
    [401, 'Unauthorized', 'the API server does not accept the service account', /^mount a token/],
    [
      403,
      'Forbidden',
      'acr:renewer may not',
      'kubectl --namespace team-a create role docker-credential-acr --verb=create,patch --resource=secrets --resource-name=acr && kubectl --namespace team-a create rolebinding docker-credential-acr --role=docker-credential-acr --serviceaccount=acr:renewer',
    ],
    [
      409,
      'Conflict',
      'another program has set its content',
      'kubectl --namespace team-a delete secret acr (unless that program needs it)',
    ],
    [422, 'Invalid', 'it exists with another type or is immutable', 'kubectl --namespace team-a delete secret acr'],
    [418, 'Teapot', 'the API server refused it', 'kubectl --namespace team-a get secret acr'],
  ])('explains the status %i with a command that helps', async (status, reason, why, hint) => {
    replies.set('team-a', [{ status, reason, message: 'no' }]);
    const { exitCode, output, errors } = await apply(['--namespace', 'team-a']);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    const [error, cause, help] = errors.split('\n');
    expect(error).toBe(`error: Cannot apply Secret acr in namespace team-a: ${why}`);
    expect(cause).toBe(`cause: HTTP ${status} ${reason}: no`);
    expect(help?.replace(/^hint: /, '')).toEqual(typeof hint === 'string' ? hint : expect.stringMatching(hint));
  });

  test('asks for no rights where the namespace is being deleted', async () => {
    const details = { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] };
    replies.set('team-a', [{ status: 403, reason: 'Forbidden', message: 'no', details }]);
    expect((await apply(['--namespace', 'team-a'])).errors).toBe(
      `error: Cannot apply Secret acr in namespace team-a: the namespace is being deleted
cause: HTTP 403 Forbidden: no
hint: take it from the list of namespaces
`,
    );
  });

  test('lets no namespace wait for the answer of another, and writes fifty', async () => {
    together = 2;
    const names = Array.from({ length: 50 }, (_none, index) => `team-${index}`);
    const { exitCode, output } = await apply(names.flatMap((name) => ['--namespace', name])).finally(() => {
      together = 1;
    });
    expect(exitCode).toBe(0);
    expect(output.match(/(?<=namespace )team-\d+/g)).toEqual(names);
  });

  test('shows nothing of its token, whatever the API server says', async () => {
    writeFileSync(join(folder, 'token'), 'an-opaque-token');
    replies.set('team-a', [{ status: 403, message: 'an-opaque-token may not' }]);
    const { errors } = await apply(['--namespace', 'team-a']);
    expect(errors).toContain('cause: HTTP 403 [redacted] may not\n');
    expect(errors).toContain('--serviceaccount=NAMESPACE:NAME');
    expect(errors).not.toContain('opaque');
  });

  test('does not trust an API server of another authority', async () => {
    const other = world.emulator.environment()['NODE_EXTRA_CA_CERTS'] ?? '';
    writeFileSync(join(folder, 'ca.crt'), readFileSync(other));
    const { exitCode, errors } = await apply(['--namespace', 'team-a']);
    writeFileSync(join(folder, 'ca.crt'), server.authorityPem);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: the certificate of localhost:\d+ /);
    expect(requests()).toEqual([]);
  });

  test('outside of a cluster is a usage error, and asks for no token', async () => {
    const { exitCode, errors } = await apply([], { KUBERNETES_SERVICE_HOST: undefined });
    expect(exitCode).toBe(2);
    expect(errors).toBe(
      'error: --apply works only in a pod: KUBERNETES_SERVICE_HOST is not set\nhint: elsewhere, leave it out and pipe the output into kubectl apply -f -\n',
    );
    world.expectNothingSent();
  });

  test('without the token of the service account says which file is missing', async () => {
    writeFileSync(join(folder, 'token'), '\n');
    const { exitCode, errors } = await apply([]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(`there is no token of the service account in ${join(folder, 'token')}`);
    world.expectNothingSent();
  });

  test('writes nothing when there is no token for the registry', async () => {
    expect((await apply([], { ...CLUSTER, ...NOBODY })).exitCode).toBe(1);
    expect(requests()).toEqual([]);
  });

  test.each([
    [['--apply'], '--apply needs --kubernetes-secret'],
    [['--service-account', '/x', '--kubernetes-secret', 'acr'], '--service-account needs --apply'],
    [['--kubernetes-secret', 'acr', '--namespace', 'a', '--namespace', 'b'], 'A manifest has one namespace'],
  ])('is a usage error: %j', async (args, message) => {
    const { exitCode, errors } = await runCommand(world, ['token', REGISTRY, ...args]);
    expect(exitCode).toBe(2);
    expect(errors).toContain(message);
    world.expectNothingSent();
  });
});
