/** `kubelet`: the requests of a kubelet, answered with the identity of the node or of the pod's service account. */

import { beforeEach, describe, expect, test } from 'vitest';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../src/json.ts';
import { FEDERATED_AUDIENCE, installCi } from '../emulator/ci.ts';
import { CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { CLIENT_SECRET_VARIABLES, ENTRA, EXCHANGE, NULL_GUID, openWorld, REGISTRY, readClaims } from './world.ts';

const VERSION = 'credentialprovider.kubelet.k8s.io/v1';
const ISSUER = 'https://oidc.example.test/cluster/';
const IMAGE = `${REGISTRY}/team/app`;
const LAST_RESORT = 'myregistry*.azurecr.io';
const ANONYMOUS = { username: '', password: '' };
const ANNOTATIONS = {
  'kubernetes.azure.com/acr-client-id': CLIENT_ID,
  'kubernetes.azure.com/acr-tenant-id': TENANT_ID,
};

const world = await openWorld();
const { application } = world;
const ci = await installCi(world.emulator.state);

beforeEach(() => {
  application.federatedCredentials = [];
  ci.trust(application, ISSUER, subjectOf('puller'));
});

function subjectOf(name: string): string {
  return `system:serviceaccount:default:${name}`;
}

/** The part of a request that a kubelet adds for the service account of a pod. */
function withAccount(name: string, annotations: JsonObject = ANNOTATIONS): JsonObject {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, sub: subjectOf(name), aud: [FEDERATED_AUDIENCE] };
  return { serviceAccountToken: ci.issue(claims, now), serviceAccountAnnotations: annotations };
}

/** Runs the plug-in once. */
function ask(
  image: string,
  more: JsonObject = {},
  { args = [], variables = {} }: { args?: readonly string[]; variables?: Record<string, string | undefined> } = {},
) {
  const request = { kind: 'CredentialProviderRequest', apiVersion: VERSION, image, ...more };
  return world.run(['kubelet', ...args], JSON.stringify(request), variables);
}

/** Runs the plug-in with the node's service principal, and expects a response. */
async function answer(image: string, more: JsonObject = {}, args: readonly string[] = []): Promise<JsonObject> {
  const { exitCode, stdout, stderr } = await ask(image, more, { args, variables: CLIENT_SECRET_VARIABLES });
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return parseJsonObject(stdout) ?? {};
}

/** The patterns of a response, and the password under one. */
function passwordOf(response: JsonObject, pattern: string): string {
  const password = asJsonObject(asJsonObject(response['auth'])?.[pattern])?.['password'];
  return typeof password === 'string' ? password : '';
}

describe('the identity of the node', () => {
  test('answers with the token of its registry, and an anonymous pull as the last resort', async () => {
    const response = await answer(IMAGE);
    const password = passwordOf(response, REGISTRY);
    expect(readClaims(password)).toMatchObject({ aud: REGISTRY });
    expect(response).toEqual({
      kind: 'CredentialProviderResponse',
      apiVersion: VERSION,
      cacheKeyType: 'Registry',
      cacheDuration: expect.stringMatching(/^(8999|9000)s$/),
      auth: { [LAST_RESORT]: ANONYMOUS, [REGISTRY]: { username: NULL_GUID, password } },
    });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test('shares the cache of get', async () => {
    const { Secret } = await world.get();
    world.forgetRequests();
    expect(passwordOf(await answer(IMAGE), REGISTRY)).toBe(Secret);
    world.expectNothingSent();
  });

  test('keeps the port of the image in the pattern', async () => {
    const { auth } = await answer(`${REGISTRY}:443/team/app`);
    expect(Object.keys(asJsonObject(auth) ?? {})).toEqual([`${LAST_RESORT}:443`, `${REGISTRY}:443`]);
  });

  test.each([
    'evil.test/myregistry.azurecr.io/app',
    'myregistry.azurecr.io.evil.test/app',
    'myregistry.azurecr.io:5000/app',
    'docker.io/library/nginx',
    'mcr.microsoft.com/dotnet/runtime',
  ])('answers nothing for %s, which the kubelet does not keep', async (image) => {
    expect(await answer(image)).toEqual({
      kind: 'CredentialProviderResponse',
      apiVersion: VERSION,
      cacheKeyType: 'Registry',
      cacheDuration: '0s',
    });
    world.expectNothingSent();
  });

  test('is used for the images of a mirrored registry, even for a pod with a service account', async () => {
    const args = [`--registry-mirror=mirror.example.test:5000:${REGISTRY}`];
    const response = await answer('mirror.example.test:5000/team/app', withAccount('stranger'), args);
    expect(readClaims(passwordOf(response, 'mirror.example.test:5000'))).toMatchObject({ aud: REGISTRY });
    expect(Object.keys(asJsonObject(response['auth']) ?? {})).toHaveLength(2);
  });

  test('fails with one line when there is none', async () => {
    const { exitCode, stdout, stderr } = await ask(IMAGE);
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^docker-credential-acr: error: Cannot get a credential for myregistry\.azurecr\.io: this node has no Azure identity \([^\n]+\); hint: [^\n]+\n$/,
    );
  });
});

describe('the service account of a pod', () => {
  test('signs in with its token to the tenant of its annotation', async () => {
    const account = withAccount('puller');
    const response = await answer(IMAGE, account);
    expect(passwordOf(response, REGISTRY)).not.toBe('');
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    const [entra, exchange] = world.emulator.requests;
    expect(entra?.form['client_assertion']).toBe(account['serviceAccountToken']);
    expect(exchange?.form['tenant']).toBe(TENANT_ID);
  });

  test('gets nothing that another account has earned', async () => {
    await answer(IMAGE, withAccount('puller'));
    const { exitCode, stdout, stderr } = await ask(IMAGE, withAccount('stranger'));
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('system:serviceaccount:default:stranger');
  });

  test('is answered from the cache for its next token', async () => {
    const first = passwordOf(await answer(IMAGE, withAccount('puller')), REGISTRY);
    world.forgetRequests();
    expect(passwordOf(await answer(IMAGE, withAccount('puller')), REGISTRY)).toBe(first);
    world.expectNothingSent();
  });

  test('without annotations leaves the pull to the node', async () => {
    await answer(IMAGE, withAccount('puller', {}));
    expect(world.emulator.requests[0]?.form['client_secret']).toBe(CLIENT_SECRET_VARIABLES.AZURE_CLIENT_SECRET);
  });
});

describe('the renewal', () => {
  test('gets the same request through a pipe, and writes nothing', async () => {
    const account = withAccount('puller');
    await answer(IMAGE, account);
    world.aheadSeconds = 2.5 * 3600;
    await answer(IMAGE, account);
    const [started] = world.started;
    expect(started?.args).toEqual(['kubelet', '--renew']);
    expect(parseJsonObject(started?.input ?? '')).toMatchObject(account);
  });
});
