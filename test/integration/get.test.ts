/** `get` with a client secret: the sign-in, the cache, the settings of a registry, and hosts that it does not serve. */

import { describe, expect, test } from 'vitest';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../emulator/emulator.ts';
import { addApplication, addTenant, registryOf } from '../emulator/state.ts';
import {
  CLIENT_SECRET_VARIABLES,
  ENTRA,
  EXCHANGE,
  NOT_FOUND,
  NULL_GUID,
  openWorld,
  REGISTRY,
  readClaims,
  TOKEN,
} from './world.ts';

const world = await openWorld();

describe('the first get', () => {
  test('returns the null GUID with an ACR refresh token after one Entra request and one exchange', async () => {
    const answer = await world.get();
    expect(answer.ServerURL).toBe(REGISTRY);
    expect(answer.Username).toBe(NULL_GUID);
    expect(readClaims(answer.Secret)).toMatchObject({ aud: REGISTRY, grant_type: 'refresh_token' });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test('requests the audience of the registry service with exactly the fields of the grant', async () => {
    await world.get();
    expect(world.emulator.requests[0]?.form).toEqual({
      client_id: CLIENT_ID,
      scope: 'https://containerregistry.azure.net/.default',
      grant_type: 'client_credentials',
      client_secret: CLIENT_SECRET,
    });
  });

  test('names no tenant in the exchange, since the registry reads it from the token', async () => {
    await world.get();
    expect(Object.keys(world.emulator.requests[1]?.form ?? {})).toEqual(['grant_type', 'service', 'access_token']);
  });

  test.each([
    ['myregistry.azurecr.io\n', 'myregistry.azurecr.io'],
    ['myregistry.azurecr.io \r\n', 'myregistry.azurecr.io'],
    ['\uFEFFmyregistry.azurecr.io', 'myregistry.azurecr.io'],
    ['https://myregistry.azurecr.io', 'https://myregistry.azurecr.io'],
    ['http://myregistry.azurecr.io', 'http://myregistry.azurecr.io'],
    ['https://myregistry.azurecr.io/', 'https://myregistry.azurecr.io/'],
    ['https://myregistry.azurecr.io/v2/', 'https://myregistry.azurecr.io/v2/'],
    ['myregistry.azurecr.io:443', 'myregistry.azurecr.io:443'],
    ['https://myregistry.azurecr.io:443', 'https://myregistry.azurecr.io:443'],
    ['MyRegistry.AzureCR.io', 'MyRegistry.AzureCR.io'],
    ['myregistry.azurecr.io.', 'myregistry.azurecr.io.'],
    ['myregistry.azurecr.io/team/app', 'myregistry.azurecr.io/team/app'],
  ])('echoes the server URL %j as %j and asks the login server', async (input, echoed) => {
    expect((await world.get(input)).ServerURL).toBe(echoed);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });
});

describe('a later get', () => {
  test('answers from the cache, however the registry is spelled', async () => {
    const first = await world.get();
    world.forgetRequests();
    for (const form of [REGISTRY, `https://${REGISTRY}`, `${REGISTRY}:443`, 'MYREGISTRY.azurecr.io.']) {
      expect((await world.get(form)).Secret).toBe(first.Secret);
    }
    expect(world.emulator.connects).toEqual([]);
  });

  test('uses one token for the login server and all its regional endpoints', async () => {
    const first = await world.get('myregistry.eastus2.geo.azurecr.io');
    expect(world.seen()).toEqual([ENTRA, 'POST myregistry.eastus2.geo.azurecr.io/oauth2/exchange']);
    expect(world.emulator.requests[1]?.form['service']).toBe(REGISTRY);
    world.forgetRequests();
    expect((await world.get(REGISTRY)).Secret).toBe(first.Secret);
    expect((await world.get('myregistry.westeurope.geo.azurecr.io')).Secret).toBe(first.Secret);
    expect(world.emulator.connects).toEqual([]);
  });

  test('signs in again when the token has expired', async () => {
    const first = await world.get();
    world.aheadSeconds = 10_801;
    const second = await world.get();
    expect(second.Secret).not.toBe(first.Secret);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, ENTRA, EXCHANGE]);
  });

  test('renews the token in its last five minutes', async () => {
    const first = await world.get();
    world.aheadSeconds = 10_800 - 299;
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });

  test('returns the old token in its last five minutes when renewal fails, and fails once it has expired', async () => {
    const first = await world.get();
    const restore = world.emulator.inject({ host: 'login.microsoftonline.com', status: 503, body: '' });
    try {
      world.aheadSeconds = 10_800 - 200;
      expect((await world.get()).Secret).toBe(first.Secret);
      world.aheadSeconds = 10_801;
      await world.fail();
    } finally {
      restore();
    }
  });

  test('ignores the cached token after the clock was turned back', async () => {
    const first = await world.get();
    world.aheadSeconds = -7200;
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });

  test('reads the expiry from the token instead of assuming three hours', async () => {
    registryOf(world.emulator.state, 'shortlived.azurecr.io').refreshTokenSeconds = 900;
    const first = await world.get('shortlived.azurecr.io');
    world.aheadSeconds = 901;
    expect((await world.get('shortlived.azurecr.io')).Secret).not.toBe(first.Secret);
  });
});

describe('when the account changes', () => {
  const OTHER_CLIENT = '22222222-2222-4333-8444-555555555555';

  test('returns another token at once, and the first one from the cache later', async () => {
    const tenant = world.emulator.state.tenants.get(TENANT_ID);
    if (tenant === undefined) throw new Error('the emulator has a tenant');
    addApplication(tenant, { clientId: OTHER_CLIENT, objectId: OTHER_CLIENT, secret: 'other-secret-value' });
    const other = { AZURE_CLIENT_ID: OTHER_CLIENT, AZURE_CLIENT_SECRET: 'other-secret-value' };
    const first = await world.get();
    const second = await world.get(REGISTRY, other);
    expect(second.Secret).not.toBe(first.Secret);
    world.forgetRequests();
    expect((await world.get()).Secret).toBe(first.Secret);
    expect((await world.get(REGISTRY, other)).Secret).toBe(second.Secret);
    expect(world.seen()).toEqual([]);
  });

  test('keeps the token of the same application when its secret was rotated', async () => {
    const first = await world.get();
    world.forgetRequests();
    expect((await world.get(REGISTRY, { AZURE_CLIENT_SECRET: 'a-new-secret-value' })).Secret).toBe(first.Secret);
  });
});

describe('the configuration of a registry', () => {
  test('"identity-token" returns <token> with the same refresh token', async () => {
    const first = await world.get();
    world.configure({ [REGISTRY]: { secret: 'identity-token' } });
    const answer = await world.get();
    expect(answer).toEqual({ ServerURL: REGISTRY, Username: '<token>', Secret: first.Secret });
  });

  test('"access-token" returns a token for its scopes and caches it until it expires', async () => {
    const scope = ['repository:team/app:pull', 'repository:base:pull,push'];
    world.configure({ [REGISTRY]: { secret: 'access-token', scope } });
    const first = await world.get();
    expect(first.Username).toBe(NULL_GUID);
    expect(readClaims(first.Secret)).toMatchObject({ grant_type: 'access_token' });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, TOKEN]);
    expect(new URLSearchParams(world.emulator.requests[2]?.body).getAll('scope')).toEqual(scope);
    expect((await world.get()).Secret).toBe(first.Secret);
    world.forgetRequests();
    world.aheadSeconds = 4501; // the access token has expired, the refresh token has not
    expect((await world.get()).Secret).not.toBe(first.Secret);
    expect(world.seen()).toEqual([TOKEN]);
  });

  test('"scope" leads to another access token when it changes, but not when only its order does', async () => {
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: ['repository:a:pull', 'repository:b:pull'] } });
    const first = await world.get();
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: ['repository:b:pull', 'repository:a:pull'] } });
    expect((await world.get()).Secret).toBe(first.Secret);
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:a:pull' } });
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });

  test('"access-token" exchanges again when the registry rejects the refresh token', async () => {
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:a:pull' } });
    await world.get();
    registryOf(world.emulator.state, REGISTRY).epoch += 1;
    world.forgetRequests();
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:b:pull' } });
    await world.get();
    expect(world.seen()).toEqual([TOKEN, EXCHANGE, TOKEN]);
  });

  test('"tenantId" signs in at that tenant and names it to the registry', async () => {
    const id = '33333333-2222-4333-8444-555555555555';
    addApplication(addTenant(world.emulator.state, id, 'guest.onmicrosoft.com'), {
      clientId: CLIENT_ID,
      objectId: CLIENT_ID,
      secret: CLIENT_SECRET,
    });
    registryOf(world.emulator.state, 'guestregistry.azurecr.io').homeTenant = id;
    world.configure({ 'guestregistry.azurecr.io': { tenantId: id } });
    await world.get('guestregistry.azurecr.io');
    expect(world.seen()[0]).toBe(`POST login.microsoftonline.com/${id}/oauth2/v2.0/token`);
    expect(world.emulator.requests[1]?.form['tenant']).toBe(id);
  });

  test('"anonymous" answers not found without a message or a connection', async () => {
    world.configure({ '*.azurecr.io': { anonymous: true } });
    const outcome = await world.run('get', REGISTRY, CLIENT_SECRET_VARIABLES);
    expect(outcome).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
    expect(world.emulator.connects).toEqual([]);
  });

  test('"onError": "anonymous" turns a failure into not found', async () => {
    world.configure({ [REGISTRY]: { onError: 'anonymous' } });
    const outcome = await world.run('get', REGISTRY, {
      ...CLIENT_SECRET_VARIABLES,
      AZURE_CLIENT_SECRET: 'wrong-secret',
    });
    expect(outcome).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
  });

  test('"identity" fails and names what is missing when that identity is not set up', async () => {
    world.configure({ [REGISTRY]: { identity: 'azure-cli' } });
    const { stdout } = await world.fail();
    expect(stdout).toContain('Azure CLI is not signed in');
    expect(world.emulator.connects).toEqual([]);
  });

  test('reports an unknown key with the file and the nearest key, and affects no other registry', async () => {
    world.configure({ [REGISTRY]: { secrte: 'refresh-token' } });
    const { stdout } = await world.fail();
    expect(stdout).toContain('unknown key "secrte"');
    expect(stdout).toContain('did you mean "secret"?');
    expect(stdout).toContain('config.json');
    await world.get('otherregistry.azurecr.io');
  });

  test('fails for a login server but not for another host when it is not JSON', async () => {
    world.writeConfig('{ "registries": ');
    await world.fail();
    expect(await world.run('get', 'docker.io')).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
  });
});

describe('for a host that is not a login server', () => {
  test.each([
    'docker.io',
    'https://index.docker.io/v1/',
    'https://not.a.real.registry/url',
    'mcr.microsoft.com',
    'myregistry.azurecr.io.evil.com',
    'evil.com/myregistry.azurecr.io',
    'myregistry.azurecr.io@evil.com',
    'user:password@myregistry.azurecr.io',
    'azurecr.io',
    'evilazurecr.io',
    'myregistry.azurecr.io:8443',
    'myregistry.azurecr.io:443@evil.com',
    'myregistry.eastus.data.azurecr.io',
    'myregistry.privatelink.azurecr.io',
    'myregistry.azurecr.io#.evil.com',
    'myregistry.azurecr.io?x=.azurecr.io',
    'evil.com\\.azurecr.io',
    'evil%2ecom.azurecr.io',
    'mуregistry.azurecr.io', // a Cyrillic letter
    'myregistry。azurecr.io',
    'myregistry.azurecr.io\u0000.evil.com',
    '127.0.0.1',
    '[::1]:443',
  ])('answers %j with not found, without a message or a connection', async (serverUrl) => {
    const outcome = await world.run('get', serverUrl, CLIENT_SECRET_VARIABLES);
    expect(outcome).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
    expect(world.emulator.connects).toEqual([]);
  });
});

describe('a machine without an identity', () => {
  test('answers not found with a hint and the identities that were tried, in order', async () => {
    const outcome = await world.run('get', REGISTRY);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toBe(NOT_FOUND);
    const [hint, ...lines] = outcome.stderr.split('\n');
    expect(hint).toBe(
      `docker-credential-acr: hint: no Azure identity is set up for ${REGISTRY}; run: docker-credential-acr login ${REGISTRY}, or az login`,
    );
    expect(lines.at(-1)).toBe('');
    const sources = lines.slice(0, -1).map((line) => /^ {2}([\w-]+): \S[^\n]*$/.exec(line)?.[1]);
    expect(sources.slice(0, 2)).toEqual(['client-secret', 'client-certificate']);
    expect(sources).toEqual(expect.arrayContaining(['azure-cli', 'azure-developer-cli', 'azure-powershell']));
    expect(sources).not.toContain('command');
    expect(lines).toContain('  client-secret: AZURE_CLIENT_SECRET is not set');
    expect(world.seen()).toEqual([]);
  });

  test.each(['AZURE_CLIENT_ID', 'AZURE_TENANT_ID'])('names %s in the hint when it is empty', async (name) => {
    const outcome = await world.run('get', REGISTRY, { ...CLIENT_SECRET_VARIABLES, [name]: '' });
    expect(outcome.stdout).toBe(NOT_FOUND);
    expect(outcome.stderr).toContain(`${name} is not`);
  });
});

describe('in every cloud', () => {
  test.each([
    ['myregistry.azurecr.io', 'login.microsoftonline.com'],
    ['myregistry-e7ggejfuhzhgedc8.azurecr.io', 'login.microsoftonline.com'],
    ['myregistry.azurecr.us', 'login.microsoftonline.us'],
    ['myregistry.azurecr.cn', 'login.partner.microsoftonline.cn'],
    ['myregistry.azurecr.de', 'login.microsoftonline.de'],
    ['myregistry.azurecr.sovcloud-azure.fr', 'login.sovcloud-identity.fr'],
    ['myregistry.azurecr.sovcloud-azure.de', 'login.sovcloud-identity.de'],
  ])('signs in for %s at %s', async (registry, authority) => {
    await world.get(registry);
    expect(world.seen()).toEqual([
      `POST ${authority}/${TENANT_ID}/oauth2/v2.0/token`,
      `POST ${registry}/oauth2/exchange`,
    ]);
  });

  test('signs in at AZURE_AUTHORITY_HOST with a trailing slash', async () => {
    await world.get(REGISTRY, { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us/' });
    expect(world.seen()[0]).toBe(`POST login.microsoftonline.us/${TENANT_ID}/oauth2/v2.0/token`);
  });

  test.each([
    'http://login.microsoftonline.com',
    'login.microsoftonline.com',
    'https://user@login.microsoftonline.com',
    'nonsense',
  ])('rejects AZURE_AUTHORITY_HOST %s before anything is sent', async (authority) => {
    const { stdout } = await world.fail(REGISTRY, { AZURE_AUTHORITY_HOST: authority });
    expect(stdout).toContain('AZURE_AUTHORITY_HOST is not an https URL');
    expect(world.emulator.connects).toEqual([]);
  });
});
