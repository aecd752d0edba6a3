/** `kubelet` with the service accounts of pods: who gets whose token, and by which way. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/json.ts';
import { FEDERATED_AUDIENCE, installCi } from '../emulator/ci.ts';
import { CLIENT_ID, OBJECT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { addApplication, addTenant, findTenant, registryOf } from '../emulator/state.ts';
import { BINDING_AUDIENCE, startTokenProxy } from '../emulator/token-proxy.ts';
import { expectAbout, formatRequest, Kubelet, NOTHING } from './kubelet-world.ts';
import { CLIENT_SECRET_VARIABLES, ENTRA, EXCHANGE, NULL_GUID, openWorld, REGISTRY, readClaims } from './world.ts';

const ISSUER = 'https://oidc.example.test/cluster/';
const OTHER_ISSUER = 'https://oidc.example.test/other/';
const IMAGE = `${REGISTRY}/team/app`;
const OTHER_CLIENT = '66666666-2222-4333-8444-555555555555';
const OTHER_OBJECT = '77777777-2222-4333-8444-555555555555';
const OTHER_TENANT = '88888888-2222-4333-8444-555555555555';
const HOUR = 3600;
/** The port of an API server needs root. */
const isRoot = process.getuid?.() === 0;

const world = await openWorld();
const { state } = world.emulator;
const { application } = world;
const ci = await installCi(state);
const tenant = findTenant(state, TENANT_ID);
if (tenant === undefined) throw new Error('the emulator has a tenant');
const second = addApplication(tenant, { clientId: OTHER_CLIENT, objectId: OTHER_OBJECT });
const abroad = addApplication(addTenant(state, OTHER_TENANT, 'fabrikam.com'), {
  clientId: CLIENT_ID,
  objectId: OTHER_OBJECT,
});
/** The node has an identity of its own, which a pod with an account never gets. */
const kubelet = new Kubelet(world, CLIENT_SECRET_VARIABLES);

beforeEach(() => {
  for (const one of [application, second, abroad]) one.federatedCredentials = [];
  ci.trust(application, ISSUER, subjectOf('puller'));
  rmSync(world.dataFolder, { recursive: true, force: true });
});

function subjectOf(name: string): string {
  return `system:serviceaccount:default:${name}`;
}

function annotate(clientId = CLIENT_ID, tenantId = TENANT_ID): JsonObject {
  return { 'kubernetes.azure.com/acr-client-id': clientId, 'kubernetes.azure.com/acr-tenant-id': tenantId };
}

interface Account {
  readonly annotations?: JsonObject;
  readonly issuer?: string;
  readonly audience?: string;
  readonly claims?: JsonObject;
}

/** The part of a request that a kubelet adds for the service account of a pod; its token differs each time. */
function accountOf(name: string, { annotations = annotate(), issuer = ISSUER, audience, claims }: Account = {}) {
  const now = Math.floor(Date.now() / 1000) + world.aheadSeconds;
  const all = { iss: issuer, sub: subjectOf(name), aud: [audience ?? FEDERATED_AUDIENCE], ...claims };
  return { serviceAccountToken: ci.issue(all, now), serviceAccountAnnotations: annotations };
}

const answer = (name: string, account: Account = {}, image = IMAGE) =>
  kubelet.answer(image, { account: accountOf(name, account) });
const fail = (name: string, account: Account = {}, image = IMAGE) =>
  kubelet.fail(image, { account: accountOf(name, account) });

describe('a pod with a service account', () => {
  test('signs in with its token to the tenant of its annotation', async () => {
    const account = accountOf('puller');
    const { patterns, password, response, keptSeconds } = await kubelet.answer(IMAGE, { account });
    expect(patterns).toEqual([REGISTRY, 'myregistry*.azurecr.io']);
    expect(readClaims(password)).toMatchObject({ aud: REGISTRY, sub: OBJECT_ID });
    expect(response['cacheKeyType']).toBe('Registry');
    expectAbout(keptSeconds, 9000);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    const [entra, exchange] = world.emulator.requests;
    expect(entra?.form).toEqual({
      client_id: CLIENT_ID,
      scope: 'https://containerregistry.azure.net/.default',
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: account.serviceAccountToken,
    });
    expect(exchange?.form['tenant']).toBe(TENANT_ID);
  });

  test('signs in to another tenant all the way, whatever the configuration and the environment name', async () => {
    ci.trust(abroad, ISSUER, subjectOf('puller'));
    registryOf(state, 'fabrikam1.azurecr.io').homeTenant = OTHER_TENANT;
    world.configure({ 'fabrikam1.azurecr.io': { tenantId: TENANT_ID, identity: 'client-secret' } });
    const { password } = await answer(
      'puller',
      { annotations: annotate(CLIENT_ID, OTHER_TENANT) },
      'fabrikam1.azurecr.io/a',
    );
    expect(readClaims(password)).toMatchObject({ sub: OTHER_OBJECT });
    const [entra, exchange] = world.emulator.requests;
    expect(entra?.path).toBe(`/${OTHER_TENANT}/oauth2/v2.0/token`);
    expect(exchange?.form['tenant']).toBe(OTHER_TENANT);
  });

  test('signs in to the authority of its registry’s cloud, with the audience of the cloud', async () => {
    const audience = `${FEDERATED_AUDIENCE}USGov`;
    ci.trust(application, ISSUER, subjectOf('puller'), audience);
    await answer('puller', { audience }, 'myregistry.azurecr.us/app');
    expect(world.seen()[0]).toBe(`POST login.microsoftonline.us/${TENANT_ID}/oauth2/v2.0/token`);
    const line = await fail('stranger', {}, 'myregistry.azurecr.us/app');
    expect(line).toContain(
      'hint: set "serviceAccountTokenAudience" of the kubelet\'s configuration to api://AzureADTokenExchangeUSGov, and: az identity',
    );
  });

  test('is answered from the cache for its next token', async () => {
    const { password } = await answer('puller');
    world.forgetRequests();
    expect((await answer('puller')).password).toBe(password);
    world.expectNothingSent();
  });

  test('shares the Entra token of its account among registries', async () => {
    await answer('puller');
    await answer('puller', {}, 'other1.azurecr.io/app');
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, 'POST other1.azurecr.io/oauth2/exchange']);
  });

  test('that Entra does not trust is told how that changes', async () => {
    const line = await fail('stranger');
    expect(line).toContain(`Cannot sign in for ${REGISTRY}: no federated credential matches (AADSTS700213)`);
    expect(line).toContain(
      `hint: az identity federated-credential create --name default-stranger --identity-name NAME_OF_${CLIENT_ID} --resource-group GROUP ` +
        `--issuer ${ISSUER} --subject ${subjectOf('stranger')} --audiences ${FEDERATED_AUDIENCE}`,
    );
    expect(world.seen()).toEqual([ENTRA]);
  });

  test.each([
    [
      'an annotation is missing',
      { annotations: { 'docker-credential-acr/client-id': CLIENT_ID } },
      'a client id but no tenant id',
    ],
    ['an annotation is no id', { annotations: annotate('the-identity') }, 'is not the id of an application'],
    ['a tenant is none', { annotations: annotate(CLIENT_ID, 'a/../b') }, 'is not a tenant id or domain'],
    ['its token is for identity bindings', { audience: BINDING_AUDIENCE }, 'which is not for Entra ID itself'],
  ])('gets nothing of the node’s when %s', async (_what, account, problem) => {
    await kubelet.answer(IMAGE);
    world.forgetRequests();
    const { exitCode, stdout, stderr } = await kubelet.ask(IMAGE, { account: accountOf('puller', account) });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(problem);
    world.expectNothingSent();
  });

  test('gets nothing of the node’s when its token is none', async () => {
    const account = { ...accountOf('puller'), serviceAccountToken: 'not-a-token' };
    const { exitCode, stderr } = await kubelet.ask(IMAGE, { account });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("the service account's token has no issuer and subject");
    expect(stderr).not.toContain('not-a-token');
  });

  test('without annotations pulls as the node', async () => {
    await answer('puller', { annotations: {} });
    expect(world.emulator.requests[0]?.form['client_secret']).toBe(CLIENT_SECRET_VARIABLES.AZURE_CLIENT_SECRET);
  });

  test('gets nothing for a registry that is not Azure’s, even if an annotation is wrong', async () => {
    for (const annotations of [annotate(), annotate('the-identity')]) {
      expect((await answer('puller', { annotations }, 'docker.io/library/nginx')).response).toEqual(NOTHING);
    }
    world.expectNothingSent();
  });

  test('pulls as the node from a mirror', async () => {
    const args = [`--registry-mirror=mcr.microsoft.com:${REGISTRY}`];
    await kubelet.answer('mcr.microsoft.com/app', { args, account: accountOf('puller') });
    expect(world.emulator.requests[0]?.form['client_secret']).toBe(CLIENT_SECRET_VARIABLES.AZURE_CLIENT_SECRET);
  });
});

describe('accounts that share a cache', () => {
  const strangers: readonly (readonly [what: string, name: string, account: Account])[] = [
    ['another account', 'stranger', {}],
    ['the account of another namespace', 'puller', { claims: { sub: 'system:serviceaccount:other:puller' } }],
    ['the account of another cluster', 'puller', { issuer: OTHER_ISSUER }],
    ['the same account for another client', 'puller', { annotations: annotate(OTHER_CLIENT) }],
    ['the same account for another tenant', 'puller', { annotations: annotate(CLIENT_ID, OTHER_TENANT) }],
  ];

  test.each(strangers)('give nothing to %s', async (_what, name, account) => {
    await answer('puller');
    await answer('puller', {}, 'other1.azurecr.io/app');
    await kubelet.answer(IMAGE);
    world.forgetRequests();
    // Neither the registry's token, nor that of Entra, with which any registry would give one.
    for (const image of [IMAGE, 'third1.azurecr.io/app'])
      expect(await fail(name, account, image)).toContain('AADSTS700');
    expect(world.seen().filter((one) => one.includes('exchange'))).toEqual([]);
  });

  test('each get their own, in a crowd too', async () => {
    ci.trust(application, ISSUER, subjectOf('second'));
    ci.trust(second, ISSUER, subjectOf('third'));
    const third = { annotations: annotate(OTHER_CLIENT) };
    const crowd = await Promise.all(
      Array.from({ length: 4 }, () => [answer('puller'), answer('second'), answer('third', third)]).flat(),
    );
    const passwords = (index: number) => new Set(crowd.filter((_, at) => at % 3 === index).map((one) => one.password));
    expect([0, 1, 2].map((index) => passwords(index).size)).toEqual([1, 1, 1]);
    expect(new Set(crowd.map(({ password }) => password)).size).toBe(3);
    expect(readClaims(crowd[2]?.password ?? '')).toMatchObject({ sub: OTHER_OBJECT });
    expect(world.seen().toSorted()).toEqual([ENTRA, ENTRA, ENTRA, EXCHANGE, EXCHANGE, EXCHANGE]);
  });

  test('share a failure only among the pods of one account', async () => {
    const undo = world.emulator.inject({ host: 'login.microsoftonline.com', delayMs: 300 });
    try {
      const [one, two, good] = await Promise.all([
        Promise.all(Array.from({ length: 4 }, () => fail('stranger'))),
        Promise.all(Array.from({ length: 4 }, () => fail('villain'))),
        Promise.all(Array.from({ length: 4 }, () => answer('puller'))),
      ]);
      for (const line of one) expect(line).toContain(`--subject ${subjectOf('stranger')}`);
      for (const line of two) expect(line).toContain(`--subject ${subjectOf('villain')}`);
      expect(new Set(good.map(({ password }) => password)).size).toBe(1);
    } finally {
      undo();
    }
    // One for each account, although each of the twelve had a token of its own.
    expect(world.seen().filter((request) => request === ENTRA)).toHaveLength(3);
  });

  test('keep no token of a service account on the disk', async () => {
    const account = accountOf('puller');
    await kubelet.answer(IMAGE, { account });
    const files = readdirSync(world.folder, { recursive: true, encoding: 'utf8', withFileTypes: true });
    const texts = files
      .filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'));
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.filter((text) => text.includes(account.serviceAccountToken))).toEqual([]);
  });
});

describe('what somebody has stored', () => {
  async function login(username: string, secret: string): Promise<void> {
    const input = JSON.stringify({ ServerURL: REGISTRY, Username: username, Secret: secret });
    expect((await world.run('store', input)).exitCode).toBe(0);
  }

  test('as a login is not for pods with an account', async () => {
    registryOf(state, REGISTRY).adminUser = { username: 'admin', passwords: ['Admin-password-1'] };
    world.writeConfig({ store: 'file' });
    await login('admin', 'Admin-password-1');
    expect((await answer('puller')).response).toMatchObject({ auth: { [REGISTRY]: { username: NULL_GUID } } });
    expect(await fail('stranger')).toContain('AADSTS700213');
    expect((await kubelet.answer(IMAGE)).password).toBe('Admin-password-1');
  });

  test('as a token of docker login is not either', async () => {
    const { Secret } = await world.get();
    world.forgetTokens();
    await login(NULL_GUID, Secret);
    expect((await kubelet.answer(IMAGE)).password).toBe(Secret);
    expect((await answer('puller')).password).not.toBe(Secret);
    expect(await fail('stranger')).toContain('AADSTS700213');
  });
});

describe('the configuration', () => {
  const configure = (settings: object) => world.configure({ [REGISTRY]: settings });

  test('may forbid registries, but not choose the identity of a pod', async () => {
    world.writeConfig({ strict: true });
    expect(await fail('puller')).toContain('hint: "strict" forbids a sign-in');
    world.expectNothingSent();
    world.writeConfig({ strict: true, registries: { [REGISTRY]: { identity: 'client-secret' } } });
    await answer('puller');
    expect(world.emulator.requests[0]?.form['client_assertion']).toBeDefined();
    // Without a cache, no account can get another's token.
    expect(existsSync(world.cacheFolder)).toBe(false);
  });

  test('may want an anonymous pull', async () => {
    configure({ anonymous: true });
    expect((await answer('puller')).response).toEqual(NOTHING);
    configure({ onError: 'anonymous' });
    expect((await answer('stranger')).response).toEqual(NOTHING);
  });

  test('may want an access token, of each account its own', async () => {
    configure({ secret: 'access-token', scope: 'repository:team/app:pull' });
    ci.trust(application, ISSUER, subjectOf('second'));
    const { response, password } = await answer('puller');
    expect(response['cacheKeyType']).toBe('Image');
    expect(readClaims(password)).toMatchObject({ grant_type: 'access_token' });
    expect((await answer('second')).password).not.toBe(password);
    expect((await answer('puller')).password).toBe(password);
    expect(await fail('stranger')).toContain('AADSTS700213');
  });

  test('may want an identity token, or a longer life', async () => {
    configure({ secret: 'identity-token', minimumLifeMinutes: 60 });
    const { response, keptSeconds } = await answer('puller');
    expect(response).toMatchObject({ auth: { [REGISTRY]: { username: NULL_GUID } } });
    expectAbout(keptSeconds, 7200);
  });
});

describe('the renewal of an account', () => {
  test('gets the request through a pipe, and renews only the token of the account', async () => {
    ci.trust(application, ISSUER, subjectOf('second'));
    const first = await answer('puller');
    const second = await answer('second');
    world.aheadSeconds = 2.6 * HOUR;
    const account = accountOf('puller');
    expect((await kubelet.answer(IMAGE, { account })).password).toBe(first.password);
    const [started] = world.started;
    expect(started).toEqual({ args: ['kubelet', '--renew'], input: formatRequest(IMAGE, account) });
    world.forgetRequests();
    const outcome = await world.run(started?.args ?? [], started?.input ?? '', CLIENT_SECRET_VARIABLES);
    expect(outcome).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
    expect(world.emulator.requests[0]?.form['client_assertion']).toBe(account.serviceAccountToken);
    expect((await answer('puller')).password).not.toBe(first.password);
    expect((await answer('second')).password).toBe(second.password);
  });
});

describe.skipIf(!isRoot)('an identity binding', async () => {
  const now = () => Math.floor(Date.now() / 1000) + world.aheadSeconds;
  // Started even if the tests are skipped.
  const proxy = await startTokenProxy(state, now, isRoot ? 443 : 0);
  afterAll(() => proxy.close());
  const caFile = join(world.folder, 'ca.crt');
  const ARGS = [`--ib-sni-name=${proxy.serverName}`, `--ib-apiserver-ip=${proxy.address}`, `--ib-ca-file=${caFile}`];
  const bound = { audience: BINDING_AUDIENCE };
  const defaults = [`--ib-default-client-id=${OTHER_CLIENT}`, `--ib-default-tenant-id=${TENANT_ID}`];

  beforeEach(() => {
    proxy.requests.length = 0;
    proxy.answer = undefined;
    writeFileSync(caFile, proxy.caPem);
  });

  test('signs in at the token proxy behind the API server, past the HTTP proxy', async () => {
    const account = accountOf('anyone', bound);
    const variables = { NO_PROXY: undefined, no_proxy: undefined };
    const { password } = await kubelet.answer(IMAGE, { args: ARGS, account, variables });
    expect(readClaims(password)).toMatchObject({ sub: OBJECT_ID });
    expect(world.seen()).toEqual([EXCHANGE]);
    expect(world.emulator.requests[0]?.form['tenant']).toBe(TENANT_ID);
    expect(new Set(world.emulator.connects)).toEqual(new Set([`${REGISTRY}:443`]));
    expect(proxy.requests).toEqual([
      {
        serverName: proxy.serverName,
        path: '/',
        form: {
          client_id: CLIENT_ID,
          scope: 'https://containerregistry.azure.net/.default',
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: account.serviceAccountToken,
        },
      },
    ]);
  });

  test('uses the default ids for accounts without annotations', async () => {
    const account = accountOf('anyone', { ...bound, annotations: {} });
    const { password } = await kubelet.answer(IMAGE, { args: [...ARGS, ...defaults], account });
    expect(readClaims(password)).toMatchObject({ sub: OTHER_OBJECT });
  });

  test('leaves pods without an account, and accounts without a client id, to the node', async () => {
    for (const account of [undefined, accountOf('anyone', { ...bound, annotations: {} })]) {
      world.forgetTokens();
      world.forgetRequests();
      await kubelet.answer(IMAGE, { args: ARGS, account });
      expect(world.emulator.requests[0]?.form['client_secret']).toBe(CLIENT_SECRET_VARIABLES.AZURE_CLIENT_SECRET);
    }
    expect(proxy.requests).toEqual([]);
  });

  test('shares nothing with the same account without a binding', async () => {
    await kubelet.answer(IMAGE, { args: ARGS, account: accountOf('stranger', bound) });
    expect(await fail('stranger')).toContain('AADSTS700213');
    await answer('puller');
    proxy.requests.length = 0;
    await kubelet.answer(IMAGE, { args: ARGS, account: accountOf('puller', bound) });
    expect(proxy.requests).toHaveLength(1);
  });

  test.each([
    ['a token for Entra', undefined, 'which is not for identity bindings', 'set "serviceAccountTokenAudience"'],
    ['no authority', () => rmSync(caFile), 'there is no such file', `ls -l `],
    ['an empty authority', () => writeFileSync(caFile, ''), 'is empty', 'ls -l '],
    ['a damaged authority', () => writeFileSync(caFile, 'PEM'), 'contains no certificate', 'set --ib-ca-file'],
  ])('with %s fails before anything is sent', async (_what, damage, problem, hint) => {
    damage?.();
    const account = accountOf('anyone', damage === undefined ? {} : bound);
    const line = await kubelet.fail(IMAGE, { args: ARGS, account });
    expect(line).toContain(problem);
    expect(line).toContain(`hint: ${hint}`);
    expect(proxy.requests).toEqual([]);
    expect(world.seen()).toEqual([]);
  });

  test('does not trust a server of another authority', async () => {
    writeFileSync(caFile, readFileSync(world.variables['NODE_EXTRA_CA_CERTS'] ?? ''));
    const line = await kubelet.fail(IMAGE, { args: ARGS, account: accountOf('anyone', bound) });
    expect(line).toMatch(/certificate/);
    expect(line).toContain('hint: check --ib-sni-name, --ib-apiserver-ip and --ib-ca-file');
    expect(proxy.requests).toEqual([]);
  });

  test('does not trust the machine’s authorities instead', async () => {
    const variables = { NODE_EXTRA_CA_CERTS: caFile };
    writeFileSync(join(world.folder, 'other.crt'), readFileSync(world.variables['NODE_EXTRA_CA_CERTS'] ?? ''));
    const args = [...ARGS, `--ib-ca-file=${join(world.folder, 'other.crt')}`];
    await kubelet.fail(IMAGE, { args, account: accountOf('anyone', bound), variables });
    expect(proxy.requests).toEqual([]);
  });

  test('reports what the proxy refuses, and what it does not understand', async () => {
    const unknown = { ...bound, annotations: annotate('99999999-2222-4333-8444-555555555555') };
    const refused = await kubelet.fail(IMAGE, { args: ARGS, account: accountOf('anyone', unknown) });
    expect(refused).toContain('no federated credential matches (AADSTS700212)');
    expect(refused).toContain('hint: az aks identity-binding create ');
    proxy.answer = { status: 404, headers: {}, body: '<html>404' };
    const strange = await kubelet.fail(IMAGE, { args: ARGS, account: accountOf('anyone', bound) });
    expect(strange).toContain(`${proxy.serverName} sent no OAuth response (status 404)`);
    expect(strange).toContain('hint: check --ib-sni-name');
  });

  test('reports an API server that does not answer', async () => {
    const args = [...ARGS, '--ib-apiserver-ip=127.255.255.254'];
    const line = await kubelet.fail(IMAGE, { args, account: accountOf('anyone', bound) });
    expect(line).toContain('ECONNREFUSED');
    expect(line).toContain('hint: check --ib-sni-name');
  });
});
