/** Pulls with a real client from registries of every Azure cloud under their real names. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { GITHUB_ISSUER, GITHUB_SUBJECT, installCi } from '../emulator/ci.ts';
import { ACR_AUDIENCE, CLIENT_ID, findTenant, registryOf, TENANT_ID } from '../emulator/state.ts';
import { expectAnswer, expectFailure } from './world/answer.ts';
import type { Machine } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

interface CloudCase {
  readonly name: string;
  readonly host: string;
  /** The only authority that knows the tenant. */
  readonly authority: string;
  /** The global login server, where that is not `host`. */
  readonly service?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the configuration has under "clouds". */
  readonly clouds?: Readonly<Record<string, object>>;
  readonly audience?: string;
}

const STACK_AUDIENCE = 'https://registry.local.contoso.com/5d7e';

const CASES: readonly CloudCase[] = [
  { name: 'Public', host: 'contoso.azurecr.io', authority: 'login.microsoftonline.com' },
  {
    name: 'a domain name label',
    host: 'contoso-e7ggejfuhzhgedc8.azurecr.io',
    authority: 'login.microsoftonline.com',
  },
  {
    name: 'a regional endpoint',
    host: 'contoso.westeurope.geo.azurecr.io',
    authority: 'login.microsoftonline.com',
    service: 'contoso.azurecr.io',
  },
  {
    name: 'a region and a domain name label',
    host: 'contoso-e7ggejfuhzhgedc8.usgovvirginia.geo.azurecr.us',
    authority: 'login.microsoftonline.us',
    service: 'contoso-e7ggejfuhzhgedc8.azurecr.us',
  },
  { name: 'US Government', host: 'contoso.azurecr.us', authority: 'login.microsoftonline.us' },
  { name: 'China', host: 'contoso.azurecr.cn', authority: 'login.partner.microsoftonline.cn' },
  { name: 'Germany', host: 'contoso.azurecr.de', authority: 'login.microsoftonline.de' },
  { name: 'Bleu', host: 'contoso.azurecr.sovcloud-azure.fr', authority: 'login.sovcloud-identity.fr' },
  { name: 'Delos', host: 'contoso.azurecr.sovcloud-azure.de', authority: 'login.sovcloud-identity.de' },
  {
    name: 'USNat with AZURE_AUTHORITY_HOST',
    host: 'contoso.azurecr.eaglex.ic.gov',
    authority: 'login.microsoftonline.eaglex.ic.gov',
    environment: { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.eaglex.ic.gov/' },
  },
  {
    name: 'USSec with AZURE_AUTHORITY_HOST',
    host: 'contoso.azurecr.microsoft.scloud',
    authority: 'login.microsoftonline.microsoft.scloud',
    environment: { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.microsoft.scloud' },
  },
  {
    name: "an operator's own cloud",
    host: 'registry1.azurecr.local.contoso.com',
    authority: 'login.local.contoso.com',
    audience: STACK_AUDIENCE,
    clouds: {
      '*.azurecr.local.contoso.com': { authorityHost: 'https://login.local.contoso.com', audience: STACK_AUDIENCE },
    },
  },
  {
    name: 'a registry with a custom domain',
    host: 'images.contoso.com',
    authority: 'login.microsoftonline.com',
    clouds: { 'images.contoso.com': { authorityHost: 'https://login.microsoftonline.com' } },
  },
];

const cloud = await openCloud();
const { state } = cloud.emulator;
const tenant = findTenant(state, TENANT_ID);
if (tenant === undefined) throw new Error('The emulator begins with a tenant');
tenant.resources.add(STACK_AUDIENCE);
for (const { host, authority, clouds, environment, audience } of CASES) {
  if (clouds !== undefined) state.extraHosts.set(host, { kind: 'acr', loginServer: host });
  if (environment !== undefined || audience !== undefined) state.extraHosts.set(authority, { kind: 'entra' });
  if (audience !== undefined) registryOf(state, host).audience = audience;
}

let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ credHelpers: CASES.map(({ host }) => host) });
});
afterEach(() => {
  tenant.authorities = undefined;
  tenant.resources.add(ACR_AUDIENCE);
});

/** The program's sign-in requests with their hosts. */
const listSignIns = () =>
  cloud.emulator.requests
    .filter(({ path }) => path.endsWith('/oauth2/v2.0/token') || path === '/oauth2/exchange')
    .map(({ host, path, status, form }) => ({ url: `${host}${path}`, status, form }));

const environmentOf = ({ environment = {}, clouds }: CloudCase) => ({
  ...environment,
  ...(clouds === undefined ? {} : machine.configure({ clouds })),
});

describe.each(CASES)('$name: $host', (one) => {
  const { host, authority, service = host, audience = ACR_AUDIENCE } = one;
  const entra = `${authority}/${TENANT_ID}/oauth2/v2.0/token`;
  const scope = `${audience}/.default`;

  it('lets crane pull after a sign-in at its own authority and nowhere else', async (context: TestContext) => {
    needParts(context, 'crane', 'docker-registry');
    tenant.authorities = [authority];
    await cloud.seed('team/app', '1');
    const environment = environmentOf(one);
    const pull = () => {
      const args = ['pull', `${host}/team/app:1`, join(machine.folder, 'image.tar')];
      return machine.run(partOf('crane'), args, { environment });
    };
    expect(await pull()).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(cloud.transfers('GET').map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/v2/team/app/manifests/1', expect.stringMatching('^/v2/team/app/blobs/')]),
    );
    expect(listSignIns()).toEqual([
      { url: entra, status: 200, form: expect.objectContaining({ scope }) },
      { url: `${host}/oauth2/exchange`, status: 200, form: expect.objectContaining({ service }) },
    ]);
    const targets = new Set(cloud.emulator.connects);
    expect([...targets].toSorted()).toEqual([`${authority}:443`, `${host}:443`].toSorted());

    cloud.forget();
    expect(await pull()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(listSignIns()).toEqual([]);
  });
});

it('a regional endpoint and its login server share a token', async () => {
  const regional = expectAnswer(await machine.helper('get', 'contoso.westeurope.geo.azurecr.io'));
  cloud.forget();
  expect(expectAnswer(await machine.helper('get', 'contoso.azurecr.io')).secret).toBe(regional.secret);
  expect(cloud.emulator.connects).toEqual([]);
});

describe('AZURE_AUTHORITY_HOST', () => {
  const get = (host: string, authorityHost?: string) =>
    machine.helper('get', host, { environment: { AZURE_AUTHORITY_HOST: authorityHost } });

  it('is named in the error when it belongs to another cloud and the sign-in fails', async () => {
    tenant.authorities = ['login.microsoftonline.com'];
    const story = expectFailure(await get('contoso.azurecr.io', 'https://login.microsoftonline.us'));
    expect(story).toContain('AADSTS90002');
    expect(story).toContain(
      'cause: AZURE_AUTHORITY_HOST names the US Government cloud, but contoso.azurecr.io belongs to the Public cloud ' +
        '(https://login.microsoftonline.com)\n',
    );
    expect(listSignIns().map(({ url, status }) => [url, status])).toEqual([
      [`login.microsoftonline.us/${TENANT_ID}/oauth2/v2.0/token`, 400],
    ]);
  });

  it('works when it belongs to another cloud that knows the tenant', async () => {
    tenant.authorities = ['login.microsoftonline.us'];
    expectAnswer(await get('contoso.azurecr.io', 'https://login.microsoftonline.us'));
  });

  it.each(['contoso.azurecr.eaglex.ic.gov', 'contoso.azurecr.microsoft.scloud'])('is required for %s', async (host) => {
    const story = expectFailure(await get(host));
    expect(story).toMatch(/the authority of the US(Nat|Sec) cloud is not public\n/);
    expect(story).toMatch(/^hint: set AZURE_AUTHORITY_HOST /m);
    expect(cloud.emulator.connects).toEqual([]);
  });

  it.each(['http://login.microsoftonline.com', 'login.microsoftonline.com', 'https://user:pass@login.example.com'])(
    'is rejected before anything is sent when it is %s',
    async (authorityHost) => {
      const story = expectFailure(await get('contoso.azurecr.io', authorityHost));
      expect(story).toContain('AZURE_AUTHORITY_HOST is not an https URL');
      expect(cloud.emulator.connects).toEqual([]);
    },
  );
});

it('get uses and remembers the ARM audience of the cloud when the tenant does not know ACR', async () => {
  tenant.resources.delete(ACR_AUDIENCE);
  expectAnswer(await machine.helper('get', 'contoso.azurecr.cn'));
  const arm = 'https://management.chinacloudapi.cn/.default';
  const scopes = () => listSignIns().flatMap(({ form }) => form['scope'] ?? []);
  expect(scopes()).toEqual([`${ACR_AUDIENCE}/.default`, arm]);
  cloud.forget();
  expectAnswer(await machine.helper('get', 'contoso2.azurecr.cn'));
  expect(scopes()).not.toContain(`${ACR_AUDIENCE}/.default`);
  expect(listSignIns().map(({ status }) => status)).not.toContain(400);
});

it.each([
  ['contoso.azurecr.us', 'api://AzureADTokenExchangeUSGov'],
  ['contoso.azurecr.cn', 'api://AzureADTokenExchangeChina'],
  ['contoso.azurecr.io', 'api://AzureADTokenExchange'],
])('a job of GitHub Actions signs in for %s with the token audience %s', async (host, audience) => {
  const ci = await installCi(state);
  const application = tenant.applications.get(CLIENT_ID);
  if (application === undefined) throw new Error('The emulator begins with an application');
  ci.trust(application, GITHUB_ISSUER, GITHUB_SUBJECT, audience);
  const environment = { AZURE_CLIENT_SECRET: undefined, ...ci.githubVariables };
  expectAnswer(await machine.helper('get', host, { environment }));
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
  application.federatedCredentials.pop();
});

it.each(['contoso.azurecr.us.example.com', 'images.contoso.com.example.com', 'xazurecr.local.contoso.com'])(
  'get answers not found for %s, without a message or a connection',
  async (host) => {
    const clouds = Object.fromEntries(CASES.flatMap(({ clouds = {} }) => Object.entries(clouds)));
    const environment = machine.configure({ clouds });
    expect(await machine.helper('get', host, { environment })).toEqual({
      exitCode: 1,
      stdout: 'credentials not found in native keychain\n',
      stderr: '',
    });
    expect(cloud.emulator.connects).toEqual([]);
  },
);
