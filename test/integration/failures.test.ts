/** What the program reports when a sign-in fails: one line with a hint, the causes, and never a secret. */

import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseJsonObject } from '../../src/json.ts';
import { CLIENT_ID, type Fault, OBJECT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { ACR_AUDIENCE, addTenant, registryOf } from '../emulator/state.ts';
import { CLIENT_SECRET_VARIABLES, openWorld, REGISTRY } from './world.ts';

const ENTRA_HOST = 'login.microsoftonline.com';

const world = await openWorld();
let restore: (() => void)[];
beforeEach(() => {
  restore = [];
});
afterEach(() => {
  for (const undo of restore) undo();
});

function inject(fault: Fault): void {
  restore.push(world.emulator.inject(fault));
}

function countRequests(host: string): number {
  return world.emulator.requests.filter((request) => request.host === host).length;
}

test('a logout leaves nothing of a failed sign-in', async () => {
  await world.fail(REGISTRY, { AZURE_CLIENT_SECRET: 'wrong-secret' });
  const names = () => readdirSync(`${world.cacheFolder}/locks`);
  expect(names()).not.toEqual([]);
  await world.run('erase', REGISTRY);
  expect(names()).toEqual([]);
});

describe('when signing in at Entra fails', () => {
  const tenantOf = () => world.emulator.state.tenants.get(TENANT_ID);

  test('reports a wrong secret with its code, the correlation id and a command', async () => {
    const { stdout, stderr } = await world.fail(REGISTRY, { AZURE_CLIENT_SECRET: 'wrong-secret-value' });
    expect(stdout).toBe(
      `Cannot sign in for ${REGISTRY}: the client secret is wrong (AADSTS7000215); hint: use the value of the secret, not its id, or make a new one: az ad app credential reset --id ${CLIENT_ID}\n`,
    );
    expect(stderr).toMatch(/cause: correlation id [0-9a-f-]{36}\n/);
    expect(countRequests(ENTRA_HOST)).toBe(1);
    expect(countRequests(REGISTRY)).toBe(0);
  });

  test('writes the code of the failure into the last line of the log', async () => {
    await world.fail(REGISTRY, { AZURE_CLIENT_SECRET: 'wrong-secret-value' });
    const lines = readFileSync(world.logFile, 'utf8').trimEnd().split('\n');
    const last = parseJsonObject(lines.at(-1) ?? '');
    expect(last).toMatchObject({ step: 'end', outcome: 'failed', code: 'ENTRA_REFUSED' });
    expect(last?.['reason']).toBe(`Cannot sign in for ${REGISTRY}: the client secret is wrong (AADSTS7000215)`);
  });

  test('reports an expired secret', async () => {
    const application = tenantOf()?.applications.get(CLIENT_ID);
    if (application === undefined) throw new Error('the emulator has an application');
    const { secrets } = application;
    restore.push(() => {
      application.secrets = secrets;
    });
    application.secrets = secrets.map(({ value }) => ({ value, expiresAtSeconds: 1 }));
    expect((await world.fail()).stdout).toContain('the client secret has expired (AADSTS7000222)');
  });

  test.each([
    [
      { AZURE_CLIENT_ID: '99999999-0000-4000-8000-000000000000' },
      'AADSTS700016',
      'the application is not in this tenant',
    ],
    [{ AZURE_TENANT_ID: '99999999-0000-4000-8000-000000000000' }, 'AADSTS90002', 'there is no such tenant'],
  ])('reports %j as %s: %s', async (variables, code, meaning) => {
    const { stdout } = await world.fail(REGISTRY, variables);
    expect(stdout).toContain(`${meaning} (${code})`);
    expect(countRequests(ENTRA_HOST)).toBe(1);
  });

  test('reports a tenant that does not know Azure Container Registry', async () => {
    const id = '44444444-2222-4333-8444-555555555555';
    const tenant = addTenant(world.emulator.state, id, 'empty.onmicrosoft.com');
    const application = tenantOf()?.applications.get(CLIENT_ID);
    if (application === undefined) throw new Error('the emulator has an application');
    tenant.applications.set(CLIENT_ID, application);
    tenant.resources.clear();
    const { stdout } = await world.fail(REGISTRY, { AZURE_TENANT_ID: id });
    expect(stdout).toMatch(/does not know Azure Container Registry \(AADSTS(500011|50001|650052|650057)\)/);
  });

  test.each(['../../evil', 'a b', 'tenant?x=1', 'tenant#', 'tenant/oauth2'])(
    'sends nothing when AZURE_TENANT_ID is %j',
    async (tenant) => {
      const { stdout } = await world.fail(REGISTRY, { AZURE_TENANT_ID: tenant });
      expect(stdout).toContain('AZURE_TENANT_ID is not a tenant id or domain');
      expect(world.emulator.connects).toEqual([]);
    },
  );

  test('reports an unknown code with the page that explains it', async () => {
    const body = JSON.stringify({
      error: 'invalid_client',
      error_description: 'AADSTS999999: Something new.\r\nTrace ID: x',
    });
    inject({ host: ENTRA_HOST, status: 401, body });
    const { stdout, stderr } = await world.fail();
    expect(stdout).toContain('(AADSTS999999); hint: see https://login.microsoftonline.com/error?code=999999');
    expect(stderr).toContain('AADSTS999999: Something new.\n');
  });

  test.each([
    ['an HTML page', { status: 200, body: '<html><title>Captive portal</title></html>' }, 'sent no OAuth response'],
    ['an empty body', { status: 400, body: '' }, 'sent no OAuth response'],
    ['JSON that is not an object', { status: 200, body: '[]' }, 'sent no OAuth response'],
    ['a token that is not a string', { status: 200, body: '{"access_token":42}' }, 'sent no OAuth response'],
    ['an empty token', { status: 200, body: '{"access_token":""}' }, 'sent no OAuth response'],
  ])('reports an answer with %s', async (_name, fault, text) => {
    inject({ host: ENTRA_HOST, ...fault });
    expect((await world.fail()).stdout).toContain(text);
  });
});

describe('at the registry', () => {
  test('names an identity without a role and the command that assigns one', async () => {
    registryOf(world.emulator.state, REGISTRY).roles.set(OBJECT_ID, { actions: [] });
    restore.push(() => registryOf(world.emulator.state, REGISTRY).roles.clear());
    const { stdout, stderr } = await world.fail();
    expect(stdout).toContain(`${CLIENT_ID} has no role on the registry, or belongs to another tenant`);
    expect(stdout).toContain(`az role assignment create --role AcrPull --assignee ${CLIENT_ID}`);
    expect(stderr).toContain(`the identity signed in to tenant ${TENANT_ID}`);
    expect(countRequests(REGISTRY)).toBe(1);
  });

  test('reports an empty body when the registry refuses an identity without a role', async () => {
    const registry = registryOf(world.emulator.state, REGISTRY);
    registry.roles.set(OBJECT_ID, { actions: [] });
    registry.emptyRefusals = true;
    restore.push(() => {
      registry.roles.clear();
      registry.emptyRefusals = false;
    });
    expect((await world.fail()).stderr).toContain('cause: HTTP 401 with an empty body');
  });

  test('reports that the registry refused a token of the ARM audience', async () => {
    const resources = world.emulator.state.tenants.get(TENANT_ID)?.resources;
    const registry = registryOf(world.emulator.state, REGISTRY);
    resources?.delete(ACR_AUDIENCE);
    registry.armTokens = false;
    restore.push(() => {
      resources?.add(ACR_AUDIENCE);
      registry.armTokens = true;
    });
    const { stdout } = await world.fail();
    expect(stdout).toContain(`${REGISTRY} refused a token for Azure Resource Manager`);
    expect(stdout).toContain('az acr config authentication-as-arm show -r myregistry');
    expect(countRequests(ENTRA_HOST)).toBe(2);
    expect(countRequests(REGISTRY)).toBe(1);
  });

  test('falls back to the ARM audience when the tenant knows no other, and starts with it the next time', async () => {
    const resources = world.emulator.state.tenants.get(TENANT_ID)?.resources;
    resources?.delete(ACR_AUDIENCE);
    restore.push(() => resources?.add(ACR_AUDIENCE));
    await world.get();
    await world.get('otherregistry.azurecr.io');
    const scopes = world.emulator.requests.flatMap(({ form }) => (form['scope'] === undefined ? [] : [form['scope']]));
    expect(scopes).toEqual([
      `${ACR_AUDIENCE}/.default`,
      'https://management.azure.com/.default',
      'https://management.azure.com/.default',
    ]);
  });

  test('reports the address that the firewall blocks and the command that allows it', async () => {
    const registry = registryOf(world.emulator.state, REGISTRY);
    registry.firewall = '203.0.113.7';
    restore.push(() => {
      registry.firewall = undefined;
    });
    const { stdout } = await world.fail();
    expect(stdout).toContain(`the firewall of ${REGISTRY} blocks 203.0.113.7`);
    expect(stdout).toContain('az acr network-rule add -n myregistry --ip-address 203.0.113.7');
  });

  test('reports a registry that does not exist', async () => {
    world.emulator.state.missingRegistries.add('nosuchregistry.azurecr.io');
    expect((await world.fail('nosuchregistry.azurecr.io')).stdout).toContain('nosuchregistry.azurecr.io');
  });

  test.each([
    ['no refresh token', { status: 200, body: '{}' }, 'returned no refresh_token'],
    ['the page of a proxy', { status: 403, body: '<h1>Blocked by policy</h1>' }, 'denies access'],
    ['status 404', { status: 404, body: '' }, 'has no token service'],
  ])('reports an answer with %s', async (_name, fault, text) => {
    inject({ host: REGISTRY, ...fault });
    expect((await world.fail()).stdout).toContain(text);
  });

  test('returns a token that is not a JWT but does not cache it', async () => {
    inject({ host: REGISTRY, status: 200, body: '{"refresh_token":"opaque-token"}' });
    expect((await world.get()).Secret).toBe('opaque-token');
    expect((await world.get()).Secret).toBe('opaque-token');
    expect(countRequests(REGISTRY)).toBe(2);
  });
});

describe('when a request fails', () => {
  test.each([429, 500, 502, 503, 504, 408])('retries after a single %i', async (status) => {
    inject({ host: ENTRA_HOST, status, body: '', times: 1 });
    inject({ host: REGISTRY, status, body: '', times: 1, headers: { 'Retry-After': '0' } });
    await world.get();
    expect(countRequests(ENTRA_HOST)).toBe(2);
    expect(countRequests(REGISTRY)).toBe(2);
  });

  test('retries after a reset connection', async () => {
    inject({ host: REGISTRY, reset: true, times: 1 });
    await world.get();
    expect(countRequests(ENTRA_HOST)).toBe(1);
  });

  test('retries after a truncated answer', async () => {
    inject({ host: REGISTRY, truncate: 10, times: 1 });
    await world.get();
  });

  test('gives up after three attempts', async () => {
    inject({ host: REGISTRY, status: 503, body: '', headers: { 'Retry-After': '0' } });
    expect((await world.fail()).stdout).toContain('responded with status 503');
    expect(countRequests(REGISTRY)).toBe(3);
  });

  test('reports a long Retry-After instead of waiting', async () => {
    inject({ host: REGISTRY, status: 429, body: '', headers: { 'Retry-After': '60' } });
    expect((await world.fail()).stdout).toContain('received too many requests; hint: wait 60 seconds and try again');
    expect(countRequests(REGISTRY)).toBe(1);
  });

  test.each([400, 401, 403, 404])('does not retry after %i', async (status) => {
    inject({ host: REGISTRY, status, body: '' });
    await world.fail();
    expect(countRequests(REGISTRY)).toBe(1);
  });
});

describe('when an answer is hostile', () => {
  test.each([ENTRA_HOST, REGISTRY])('does not follow a redirect of %s', async (host) => {
    inject({ host, redirectTo: 'https://evil.example.com/steal?x=1' });
    const { stdout } = await world.fail();
    expect(stdout).toContain(`${host} redirects to evil.example.com, which is not followed`);
    expect(world.emulator.connects.some((target) => target.includes('evil'))).toBe(false);
  });

  test.each([ENTRA_HOST, REGISTRY])('leaks nothing when an error of %s echoes the request', async (host) => {
    inject({ host, echo: true });
    await world.fail();
  });

  test.each([ENTRA_HOST, REGISTRY])('stops reading an endless answer of %s', async (host) => {
    inject({ host, status: 200, body: 'x'.repeat(2 * 1024 * 1024) });
    expect((await world.fail()).stdout).toContain('sent a response that is too large');
  });

  test('keeps control characters away from the terminal', async () => {
    const description = 'AADSTS7000215: \u001B[2J\u001B]0;owned\u0007 \u202Egnorw\r\ninjected: line';
    inject({
      host: ENTRA_HOST,
      status: 401,
      body: JSON.stringify({ error: 'x\u0007`y', error_description: description }),
    });
    const { stdout, stderr } = await world.fail();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F\u202E`]/);
    expect(stderr).not.toMatch(/^injected/m);
  });
});

describe('on the network', () => {
  test('names HTTPS_PROXY when the proxy refuses the tunnel', async () => {
    inject({ at: 'connect', host: ENTRA_HOST, status: 403 });
    const { stdout } = await world.fail();
    expect(stdout).toContain(`the proxy responded with status 403 for ${ENTRA_HOST}`);
    expect(stdout).toContain('HTTPS_PROXY');
  });

  test('reports an unreachable proxy without its password', async () => {
    const proxy = 'http://someone:proxy-password@127.0.0.1:1';
    const { stdout, stderr } = await world.fail(REGISTRY, { HTTPS_PROXY: proxy, https_proxy: proxy });
    expect(stdout).toContain('cannot be reached through the proxy of HTTPS_PROXY (ECONNREFUSED)');
    expect(stdout + stderr).not.toContain('proxy-password');
  });

  test('reports a proxy that is not an http or https URL', async () => {
    const { stdout } = await world.fail(REGISTRY, { HTTPS_PROXY: 'ftp://proxy', https_proxy: 'ftp://proxy' });
    expect(stdout).toContain('it is not the URL of an http or https proxy');
  });

  test('names NODE_EXTRA_CA_CERTS when a certificate is not trusted', async () => {
    const { stdout } = await world.fail(REGISTRY, { NODE_EXTRA_CA_CERTS: undefined });
    expect(stdout).toMatch(/the certificate of login\.microsoftonline\.com is not trusted \([A-Z_]+\)/);
    expect(stdout).toContain('NODE_EXTRA_CA_CERTS');
    expect(world.emulator.requests).toEqual([]);
  });

  test.each(['/no/such/file.pem', '/etc/passwd'])('reports the unusable NODE_EXTRA_CA_CERTS file %s', async (file) => {
    const { stdout } = await world.fail(REGISTRY, { NODE_EXTRA_CA_CERTS: file });
    expect(stdout).toContain(`Cannot use NODE_EXTRA_CA_CERTS ${file}`);
  });

  test('bypasses the proxy for a host in NO_PROXY', async () => {
    const outcome = await world.run('get', REGISTRY, {
      ...CLIENT_SECRET_VARIABLES,
      AZURE_AUTHORITY_HOST: 'https://authority.invalid',
      NO_PROXY: 'authority.invalid',
      no_proxy: 'authority.invalid',
    });
    expect(outcome.stdout).toContain('the host name authority.invalid cannot be resolved');
    // Others may be asked for: the registry in advance, and late what an earlier test had begun to open.
    expect(world.emulator.connects).not.toContain('authority.invalid:443');
  });

  test('sends a secret with every special character unchanged', async () => {
    await world.get();
    expect(world.emulator.requests[0]?.form['client_secret']).toBe(CLIENT_SECRET_VARIABLES.AZURE_CLIENT_SECRET);
  });
});
