/** `kubelet` with the identity of the node: for which images, under which patterns, and as the configuration says. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli.ts';
import { CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { registryOf } from '../emulator/state.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { makeStreams } from '../unit/streams.ts';
import { expectAbout, formatRequest, Kubelet, NOTHING, VERSION } from './kubelet-world.ts';
import {
  CLIENT_SECRET_VARIABLES,
  ENTRA,
  EXCHANGE,
  NULL_GUID,
  openWorld,
  REGISTRY,
  readClaims,
  TOKEN,
} from './world.ts';

const IMAGE = `${REGISTRY}/team/app`;
const LAST_RESORT = 'myregistry*.azurecr.io';
const ANONYMOUS = { username: '', password: '' };
const HOUR = 3600;

const world = await openWorld();
const kubelet = new Kubelet(world, CLIENT_SECRET_VARIABLES);
const nobody = new Kubelet(world);
const undo: (() => void)[] = [];
afterEach(() => {
  for (const restore of undo.splice(0)) restore();
  rmSync(world.dataFolder, { recursive: true, force: true });
});

/** Stores what a client sends at `docker login`. */
async function login(server: string, username: string, secret: string): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: secret });
  expect((await world.run('store', input)).exitCode).toBe(0);
}

const configure = (settings: object) => world.configure({ [REGISTRY]: settings });

describe('a registry of Azure', () => {
  test('gets its token, and an anonymous pull as the last resort', async () => {
    const { response, password, keptSeconds } = await kubelet.answer(IMAGE);
    expect(readClaims(password)).toMatchObject({ aud: REGISTRY });
    expectAbout(keptSeconds, 9000);
    expect(response).toEqual({
      kind: 'CredentialProviderResponse',
      apiVersion: VERSION,
      cacheKeyType: 'Registry',
      cacheDuration: `${keptSeconds}s`,
      auth: { [LAST_RESORT]: ANONYMOUS, [REGISTRY]: { username: NULL_GUID, password } },
    });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test('has the token of get, which has that of the kubelet', async () => {
    const { Secret } = await world.get();
    world.forgetRequests();
    expect((await kubelet.answer(IMAGE)).password).toBe(Secret);
    world.expectNothingSent();
    world.forgetTokens();
    const { password } = await kubelet.answer(IMAGE);
    expect((await world.get()).Secret).toBe(password);
  });

  test('is answered in the version of the request', async () => {
    const beta = `${VERSION}beta1`;
    expect((await kubelet.answer(IMAGE, { account: { apiVersion: beta } })).response['apiVersion']).toBe(beta);
  });

  test.each([
    [`${REGISTRY}:443/team/app`, [`${REGISTRY}:443`, `${LAST_RESORT}:443`]],
    ['MyRegistry.AzureCR.io/app', ['MyRegistry.AzureCR.io', 'MyRegistry*.AzureCR.io']],
    ['myregistry.eastus.geo.azurecr.io/app', ['myregistry.eastus.geo.azurecr.io', 'myregistry*.eastus.geo.azurecr.io']],
    [REGISTRY, [REGISTRY, LAST_RESORT]],
  ])('is under the name that the image has: %s', async (image, patterns) => {
    expect((await kubelet.answer(image)).patterns).toEqual(patterns);
  });

  test('with a domain of its own is one too', async () => {
    const host = 'registry.contoso.com';
    world.writeConfig({ clouds: { [host]: { authorityHost: 'https://login.microsoftonline.com' } } });
    world.emulator.state.extraHosts.set(host, { kind: 'acr', loginServer: host });
    const { patterns, password } = await kubelet.answer(`${host}/app`);
    expect(patterns).toEqual([host, 'registry*.contoso.com']);
    expect(readClaims(password)).toMatchObject({ aud: host });
  });

  test('is asked for once when thirty images are', async () => {
    const images = Array.from({ length: 30 }, (_, index) => `${REGISTRY}/team/app${index}`);
    const answers = await Promise.all(images.map((image) => kubelet.answer(image)));
    expect(new Set(answers.map(({ password }) => password)).size).toBe(1);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('any other registry', () => {
  test.each([
    'evil.test/myregistry.azurecr.io/app',
    'myregistry.azurecr.io.evil.test/app',
    'myregistry.azurecr.io@evil.test/app',
    'evil@myregistry.azurecr.io/app',
    'https://myregistry.azurecr.io/app',
    'myregistry.azurecr.io:5000/app',
    'azurecr.io/app',
    'docker.io/library/nginx',
    'mcr.microsoft.com/dotnet/runtime',
    '/',
    '[::1]:5000/app',
  ])('gets nothing, which the kubelet does not keep: %s', async (image) => {
    expect((await kubelet.answer(image)).response).toEqual(NOTHING);
    world.expectNothingSent();
  });

  test('with a stored login gets it, for as long as the kubelet’s configuration says', async () => {
    world.writeConfig({ store: 'file' });
    await login('edge.local:5000', 'edge', 'Edge-password-1');
    const { response } = await kubelet.answer('edge.local:5000/app');
    expect(response).toEqual({
      ...{ kind: 'CredentialProviderResponse', apiVersion: VERSION, cacheKeyType: 'Registry' },
      auth: { 'edge.local:5000': { username: 'edge', password: 'Edge-password-1' } },
    });
  });

  test('with a stored identity token gets nothing: a kubelet could not use it', async () => {
    world.writeConfig({ store: 'file' });
    await login('hub.test', '<token>', 'identity-token-of-hub');
    expect((await kubelet.answer('hub.test/app')).response).toEqual(NOTHING);
  });
});

describe('a mirrored registry', () => {
  const MIRROR = `mirror.test:5000:${REGISTRY}`;

  test('gets the token of the mirror under its own name and that of the mirror', async () => {
    const { patterns, password, response } = await kubelet.answer('mirror.test:5000/team/app', {
      args: [`--registry-mirror=${MIRROR}`],
    });
    expect(patterns).toEqual([REGISTRY, 'mirror.test:5000', 'mirror*.test:5000']);
    expect(readClaims(password)).toMatchObject({ aud: REGISTRY });
    expect(response['cacheKeyType']).toBe('Registry');
  });

  test('is kept by image where only a part of it has the mirror', async () => {
    const args = ['--registry-mirror', `mcr.microsoft.com/dotnet:${REGISTRY}`];
    const { patterns, response } = await kubelet.answer('mcr.microsoft.com/dotnet/runtime', { args });
    expect(patterns).toContain('mcr.microsoft.com');
    expect(response['cacheKeyType']).toBe('Image');
    expect((await kubelet.answer('mcr.microsoft.com/other', { args })).response).toEqual(NOTHING);
  });

  test('is reported where the mirror is not a registry of Azure', async () => {
    const args = ['--registry-mirror=docker.io:myregistry.azurecr.oi'];
    expect(await kubelet.fail('docker.io/library/nginx', { args })).toBe(
      'docker-credential-acr: error: Cannot get a credential for docker.io: its mirror myregistry.azurecr.oi is not a registry of Azure; hint: correct --registry-mirror in the "args" of the kubelet\'s configuration',
    );
    world.expectNothingSent();
  });

  test('gets nothing where the mirror is pulled anonymously', async () => {
    world.configure({ [REGISTRY]: { anonymous: true } });
    const args = [`--registry-mirror=${MIRROR}`];
    expect((await kubelet.answer('mirror.test:5000/app', { args })).response).toEqual(NOTHING);
  });
});

describe('the configuration', () => {
  test('may want an anonymous pull', async () => {
    configure({ anonymous: true });
    expect((await kubelet.answer(IMAGE)).response).toEqual(NOTHING);
    world.expectNothingSent();
  });

  test('may want one after a failure', async () => {
    configure({ onError: 'anonymous' });
    const variables = { AZURE_CLIENT_SECRET: 'a-wrong-secret' };
    expect((await kubelet.answer(IMAGE, { variables })).response).toEqual(NOTHING);
  });

  test('may forbid other registries than those that it names', async () => {
    world.writeConfig({ strict: true });
    expect(await kubelet.fail(IMAGE)).toBe(
      `docker-credential-acr: error: Cannot get a credential for ${REGISTRY}; hint: "strict" forbids a sign-in for ${REGISTRY}: name it in "registries" of the configuration, with its "identity"`,
    );
    world.expectNothingSent();
  });

  test('may choose the identity, and keep nothing', async () => {
    const identity = { type: 'client-secret', clientId: CLIENT_ID, tenantId: TENANT_ID, clientSecretEnv: 'THE_SECRET' };
    world.writeConfig({ strict: true, registries: { [REGISTRY]: { identity } } });
    const variables = { THE_SECRET: CLIENT_SECRET_VARIABLES.AZURE_CLIENT_SECRET };
    expectAbout((await nobody.answer(IMAGE, { variables })).keptSeconds, 9000);
    await nobody.answer(IMAGE, { variables });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, ENTRA, EXCHANGE]);
  });

  test('may want an access token, which the kubelet keeps for the image', async () => {
    configure({ secret: 'access-token', scope: 'repository:team/app:pull' });
    const { response, password, keptSeconds } = await kubelet.answer(IMAGE);
    expect(readClaims(password)).toMatchObject({ grant_type: 'access_token' });
    expect(response['cacheKeyType']).toBe('Image');
    expectAbout(keptSeconds, 3750);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, TOKEN]);
    expect((await kubelet.answer(IMAGE)).response['cacheKeyType']).toBe('Image');
  });

  test('may want an identity token, which is a password here', async () => {
    configure({ secret: 'identity-token' });
    const { response, password } = await kubelet.answer(IMAGE);
    expect(response['auth']).toEqual({ [LAST_RESORT]: ANONYMOUS, [REGISTRY]: { username: NULL_GUID, password } });
  });

  test('may want a longer life, and then the kubelet keeps the token for less', async () => {
    configure({ minimumLifeMinutes: 60 });
    expectAbout((await kubelet.answer(IMAGE)).keptSeconds, 7200);
  });

  test('is reported when it has a mistake', async () => {
    world.writeConfig('{');
    expect(await kubelet.fail(IMAGE)).toContain('it is not valid JSON at line 1');
  });
});

describe('a login of a client', () => {
  test('is used before the identity of the node', async () => {
    registryOf(world.emulator.state, REGISTRY).adminUser = { username: 'admin', passwords: ['Admin-password-1'] };
    world.writeConfig({ store: 'file' });
    await login(REGISTRY, 'admin', 'Admin-password-1');
    const { response } = await kubelet.answer(IMAGE);
    expect(response).toMatchObject({ auth: { [REGISTRY]: { username: 'admin', password: 'Admin-password-1' } } });
    expect(response).not.toHaveProperty('cacheDuration');
  });

  test('with a token of the registry is kept as long as the token lives', async () => {
    const { Secret } = await world.get();
    world.forgetTokens();
    world.forgetRequests();
    await login(REGISTRY, NULL_GUID, Secret);
    const { response, password, keptSeconds } = await nobody.answer(IMAGE);
    expect(password).toBe(Secret);
    expect(response['cacheKeyType']).toBe('Registry');
    expectAbout(keptSeconds, 9000);
    world.expectNothingSent();
  });
});

describe('a failure', () => {
  test('without an identity says what each source misses', async () => {
    const line = await nobody.fail(IMAGE);
    expect(line).toContain(`Cannot get a credential for ${REGISTRY}: this node has no Azure identity (client-secret: `);
    expect(line).toContain(
      `hint: give the node a managed identity, or the pods' service account one; for each check: docker-credential-acr kubelet doctor ${IMAGE}`,
    );
  });

  test('of the sign-in says why', async () => {
    const line = await kubelet.fail(IMAGE, { variables: { AZURE_CLIENT_SECRET: 'a-wrong-secret' } });
    expect(line).toContain('the client secret is wrong (AADSTS7000215)');
    expect(line).toContain('hint: use the value of the secret');
  });

  test.each([
    ['the arguments', ['--unknown'], formatRequest(IMAGE), 'there is no option "--unknown"'],
    ['the request', [], 'myregistry.azurecr.io', "Cannot read the kubelet's request: it is not a JSON object"],
    ['a lost request', [], '', 'it is not a JSON object'],
  ])('of %s says what is wrong', async (_what, args, input, problem) => {
    const { exitCode, stdout, stderr } = await world.run(['kubelet', ...args], input);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(problem);
    expect(stderr).toMatch(/^docker-credential-acr: error: [^\n]+\n$/);
  });

  test('is the last line of the log', async () => {
    writeFileSync(world.logFile, '', { mode: 0o600 });
    await kubelet.fail(IMAGE, { args: ['/no/such/azure.json', '/two'] });
    expect(readFileSync(world.logFile, 'utf8')).toContain('"step":"end","outcome":"failed","code":"CONFIG_INVALID"');
  });
});

describe('the renewal', () => {
  const age = () => {
    world.aheadSeconds = 2.6 * HOUR;
  };

  test('starts with the same arguments and request when it is due, while the kubelet has the old token for a minute', async () => {
    const args = ['--registry-mirror=mirror.test:registry.test'];
    const { password } = await kubelet.answer(IMAGE);
    age();
    const { response, password: again } = await kubelet.answer(IMAGE, { args });
    expect(again).toBe(password);
    expect(response['cacheDuration']).toBe('60s');
    expect(world.started).toEqual([{ args: ['kubelet', '--renew', ...args], input: formatRequest(IMAGE) }]);
  });

  test('renews, and says nothing', async () => {
    const { password } = await kubelet.answer(IMAGE);
    age();
    await kubelet.answer(IMAGE);
    const [started] = world.started;
    const outcome = await world.run(started?.args ?? [], started?.input ?? '', CLIENT_SECRET_VARIABLES);
    expect(outcome).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const renewed = await kubelet.answer(IMAGE);
    expect(renewed.password).not.toBe(password);
    expectAbout(renewed.keptSeconds, 9000);
  });

  test('says nothing when it fails either', async () => {
    await kubelet.answer(IMAGE);
    age();
    undo.push(world.emulator.inject({ host: REGISTRY, status: 403, body: '' }));
    const outcome = await world.run(['kubelet', '--renew'], formatRequest(IMAGE), CLIENT_SECRET_VARIABLES);
    expect(outcome).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});

test('as AKS’s plug-in, it says its version', async () => {
  const outcome = await run(['kubelet', '--version'], makeStreams(), makeRuntime());
  expect(outcome).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/ v\d+\.\d+\.\d+/) });
});
