/** `doctor` against the emulator: each row of what can go wrong is seen, told and mended. */

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckName, Status } from '../../src/commands/doctor/check.ts';
import type { HealthCode } from '../../src/commands/doctor/health-code.ts';
import type { Plan } from '../../src/commands/doctor/visit.ts';
import { parseJsonObject } from '../../src/json.ts';
import { CLIENT_ID, type Fault, OBJECT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { ACR_AUDIENCE, type Registry, registryOf } from '../emulator/state.ts';
import { type DiagnosisOptions, DoctorMachine } from './diagnosis.ts';
import { NULL_GUID, openWorld, REGISTRY } from './world.ts';

const ENTRA_HOST = 'login.microsoftonline.com';
const REPOSITORY = `${REGISTRY}/team/app`;

const world = await openWorld();
const machine = new DoctorMachine(world);
const restore: (() => void)[] = [];
beforeEach(() => machine.reset());
afterEach(() => {
  for (const undo of restore.splice(0)) undo();
  world.emulator.state.registries.delete(REGISTRY);
  world.emulator.state.missingRegistries.clear();
  world.emulator.state.tenants.get(TENANT_ID)?.resources.add(ACR_AUDIENCE);
});

function inject(fault: Fault): void {
  restore.push(world.emulator.inject(fault));
}

function change(changes: Partial<Registry>): void {
  Object.assign(registryOf(world.emulator.state, REGISTRY), changes);
}

function give(...actions: ('pull' | 'push' | 'catalog')[]): void {
  registryOf(world.emulator.state, REGISTRY).roles.set(OBJECT_ID, { actions });
}

/** Entra refuses the sign-in with this code. */
function refuse(code: number, error = 'invalid_grant'): void {
  const body = JSON.stringify({ error, error_description: `AADSTS${code}: No.`, correlation_id: NULL_GUID });
  inject({ host: ENTRA_HOST, status: 400, body });
}

/** The registry's `/v2/` says this instead of a challenge. */
function answer(fault: Fault): void {
  inject({ host: REGISTRY, path: '/v2/', ...fault });
}

/** The registry's `/v2/` has another header. */
function head(name: string, value: string): void {
  answer({
    tamper: (response) => ({
      ...response,
      headers: { ...response.headers, [name]: value },
    }),
  });
}

async function storeLogin(username: string, secret: string): Promise<void> {
  const variables = { PATH: machine.bin };
  await world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: username, Secret: secret }), variables);
}

interface Row {
  /** What is seen, in the words of the protocol's facts. */
  readonly row: string;
  readonly prepare: () => unknown;
  readonly options?: DiagnosisOptions;
  readonly check: CheckName;
  readonly status?: Status;
  readonly what: RegExp;
  readonly fix: RegExp;
  readonly code?: HealthCode;
}

const SIGN_IN_AGAIN = /^az login --tenant [\w-]+ --scope https:\/\/containerregistry.azure.net\/.default$/;

/** A row for each code of Entra. */
const entraRows = (codes: readonly number[], what: RegExp, fix: RegExp): readonly Row[] =>
  codes.map((code) => ({
    row: `Entra AADSTS${code}`,
    prepare: () => refuse(code),
    check: 'token',
    what: new RegExp(`^client-secret: ${what.source} \\(AADSTS${code}\\)$`),
    fix,
    code: 'CONNECTIVITY_AAD_LOGIN_ERROR',
  }));

const ROWS: readonly Row[] = [
  {
    row: 'NXDOMAIN',
    prepare: () => undefined,
    options: {
      variables: { NO_PROXY: '*', no_proxy: '*', AZURE_CLIENT_SECRET: undefined },
      lookUp: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })),
    },
    check: 'network',
    what: /^DNS does not know myregistry\.azurecr\.io/,
    fix: /^az acr show -n myregistry --query loginServer$/,
    code: 'CONNECTIVITY_DNS_ERROR',
  },
  {
    row: 'NXDOMAIN behind a proxy',
    prepare: () => world.emulator.state.missingRegistries.add(REGISTRY),
    check: 'network',
    what: /^the proxy responded with status 502 for myregistry\.azurecr\.io \(through the proxy 127\.0\.0\.1:\d+\)$/,
    fix: /^az acr show -n myregistry --query loginServer/,
    code: 'CONNECTIVITY_DNS_ERROR',
  },
  {
    row: '403 DENIED client with IP X',
    prepare: () => change({ firewall: '203.0.113.7' }),
    check: 'challenge',
    what: /^the firewall of myregistry\.azurecr\.io blocks 203\.0\.113\.7$/,
    fix: /^az acr network-rule add -n myregistry --ip-address 203\.0\.113\.7$/,
    code: 'CONNECTIVITY_FORBIDDEN_ERROR',
  },
  {
    row: '403 elsewhere',
    prepare: () => inject({ host: REGISTRY, status: 403, body: '<h1>Blocked by policy</h1>' }),
    check: 'challenge',
    what: /^something on the way to myregistry\.azurecr\.io answers in its place, with status 403/,
    fix: /^check HTTPS_PROXY and NO_PROXY/,
    code: 'CONNECTIVITY_FORBIDDEN_ERROR',
  },
  {
    row: '403 of the registry without an address',
    prepare: () => inject({ host: REGISTRY, status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' }),
    check: 'challenge',
    what: /^myregistry\.azurecr\.io denies access$/,
    fix: /^az acr show -n myregistry --query "\{public:publicNetworkAccess,rules:networkRuleSet\}"$/,
    code: 'CONNECTIVITY_FORBIDDEN_ERROR',
  },
  {
    row: 'no Bearer challenge: status 200',
    prepare: () => answer({ status: 200, body: '{}' }),
    check: 'challenge',
    what: /does not answer as a login server does \(status 200, no Bearer challenge\)$/,
    fix: /^az acr show -n myregistry --query loginServer/,
    code: 'CONNECTIVITY_CHALLENGE_ERROR',
  },
  {
    row: 'no Bearer challenge: 401 without a header',
    prepare: () => answer({ status: 401, body: '' }),
    check: 'challenge',
    what: /does not answer as a login server does \(status 401/,
    fix: /loginServer/,
    code: 'CONNECTIVITY_CHALLENGE_ERROR',
  },
  {
    row: 'no Bearer challenge: Basic',
    prepare: () => head('Www-Authenticate', 'Basic realm="Azure Container Registry"'),
    check: 'challenge',
    what: /asks for a password only/,
    fix: /loginServer/,
    code: 'CONNECTIVITY_CHALLENGE_ERROR',
  },
  {
    row: 'a realm on another host',
    prepare: () => head('Www-Authenticate', `Bearer realm="https://evil.example/token",service="${REGISTRY}"`),
    check: 'challenge',
    what: /sends clients to https:\/\/evil\.example\/token for tokens, which is not the registry$/,
    fix: /^check DNS/,
    code: 'CONNECTIVITY_CHALLENGE_ERROR',
  },
  {
    row: 'a realm without TLS',
    prepare: () => head('Www-Authenticate', `Bearer realm="http://${REGISTRY}/oauth2/token",service="${REGISTRY}"`),
    check: 'challenge',
    what: /which is not the registry$/,
    fix: /^check DNS/,
    code: 'CONNECTIVITY_CHALLENGE_ERROR',
  },
  {
    row: 'another service',
    prepare: () =>
      head('Www-Authenticate', `Bearer realm="https://${REGISTRY}/oauth2/token",service="other-abc123.azurecr.io"`),
    check: 'challenge',
    what: /calls itself other-abc123\.azurecr\.io, so it refuses tokens for myregistry\.azurecr\.io$/,
    fix: /^docker login other-abc123\.azurecr\.io/,
    code: 'CONNECTIVITY_CHALLENGE_ERROR',
  },
  ...entraRows([700082, 70008, 70043, 50173], /the sign-in has expired/, SIGN_IN_AGAIN),
  ...entraRows([50076, 50079, 50158, 50078], /multi-factor authentication is needed/, SIGN_IN_AGAIN),
  ...entraRows([53000, 53003, 530032], /a Conditional Access policy blocks the sign-in/, /^ask the tenant's admin/),
  ...entraRows([65001], /consent is missing/, /^az ad app permission admin-consent --id /),
  ...entraRows([65002], /this application is not allowed to request a token .*/, /^use an application of your own$/),
  ...entraRows(
    [500011, 50001, 650057],
    /the tenant does not know Azure Container Registry/,
    /^check that AZURE_TENANT_ID is the registry's tenant/,
  ),
  ...entraRows([700016], /the application is not in this tenant/, /^check AZURE_CLIENT_ID, AZURE_TENANT_ID/),
  ...entraRows([90002], /there is no such tenant/, /AZURE_AUTHORITY_HOST$/),
  ...entraRows([7000215, 70002], /the client secret is wrong/, /^use the value of the secret, not its id/),
  ...entraRows([7000222], /the client secret has expired/, /^make a new one: az ad app credential reset/),
  ...entraRows([700027], /the certificate does not belong to the application/, /^az ad sp show/),
  ...entraRows([700030], /the application does not trust the certificate/, /^az ad sp show/),
  ...entraRows([70021, 700211, 700212, 700213], /no federated credential matches/, /federated-credential list/),
  ...entraRows([50013, 500133, 700024], /the assertion is outside its validity period/, /clock/),
  ...entraRows([90055], /Entra ID received too many sign-ins/, /^wait a minute/),
  {
    row: 'HTTP 429 from Entra',
    prepare: () => inject({ host: ENTRA_HOST, status: 429, body: 'slow down', headers: { 'Retry-After': '61' } }),
    check: 'token',
    what: /^client-secret: login\.microsoftonline\.com received too many sign-ins$/,
    fix: /^wait 61 seconds/,
    code: 'CONNECTIVITY_AAD_LOGIN_ERROR',
  },
  {
    row: 'exchange 401, token aud is ARM',
    prepare: () => {
      world.emulator.state.tenants.get(TENANT_ID)?.resources.delete(ACR_AUDIENCE);
      change({ armTokens: false });
    },
    check: 'exchange',
    what: /^myregistry\.azurecr\.io refused a token for Azure Resource Manager/,
    fix: /^az acr config authentication-as-arm show -r myregistry$/,
    code: 'CONNECTIVITY_REFRESH_TOKEN_ERROR',
  },
  {
    row: 'exchange 401, aud right: no role',
    prepare: () => give(),
    check: 'exchange',
    what: /has no role on the registry, or belongs to another tenant$/,
    fix: /^az role assignment create --role AcrPull --assignee \S+ .*10 minutes/,
    code: 'CONNECTIVITY_REFRESH_TOKEN_ERROR',
  },
  {
    row: 'exchange 401, aud right: another tenant',
    prepare: () => change({ homeTenant: '99999999-2222-4333-8444-555555555555' }),
    check: 'exchange',
    what: /belongs to another tenant$/,
    fix: /for a registry in another tenant, set its "tenantId"$/,
    code: 'CONNECTIVITY_REFRESH_TOKEN_ERROR',
  },
  {
    row: 'exchange 200 but permissions.actions lacks read',
    prepare: () => give('push'),
    check: 'exchange',
    what: /accepts the identity, but its roles allow no pull: they allow write$/,
    fix: /^az role assignment create --role AcrPull --assignee 11111111-/,
  },
  {
    row: 'exchange 200, no permissions (ABAC), pull 401 insufficient_scope',
    prepare: () => {
      change({ mode: 'abac' });
      registryOf(world.emulator.state, REGISTRY).roles.set(OBJECT_ID, { actions: ['pull'], repositories: ['other'] });
    },
    options: { target: REPOSITORY },
    check: 'permissions',
    what: /^pull: .* allows no pull of team\/app: it is in ABAC mode, where AcrPull does not count/,
    fix: /--role 'Container Registry Repository Reader'/,
    code: 'CONNECTIVITY_ACCESS_TOKEN_ERROR',
  },
  {
    row: '401 right after an ABAC switch',
    prepare: async () => {
      await world.get();
      registryOf(world.emulator.state, REGISTRY).epoch += 1;
    },
    check: 'cache',
    what: /^get returns a cached token, but myregistry\.azurecr\.io no longer accepts its own refresh token/,
    fix: /^docker logout myregistry\.azurecr\.io$/,
  },
  {
    row: 'Application not registered with AAD',
    prepare: () => storeLogin('somebody@contoso.com', 'not-a-password'),
    check: 'login',
    what: /refuses the stored login: its user name is neither the admin user, nor a repository token, nor an application$/,
    fix: /^docker logout myregistry\.azurecr\.io$/,
    code: 'CONNECTIVITY_ACCESS_TOKEN_ERROR',
  },
  {
    row: 'Invalid clientid or client secret',
    prepare: () => storeLogin(CLIENT_ID, 'not-the-secret'),
    check: 'login',
    what: /refuses the stored login: the application's secret is wrong or has expired$/,
    fix: /^docker logout myregistry\.azurecr\.io$/,
    code: 'CONNECTIVITY_ACCESS_TOKEN_ERROR',
  },
  {
    row: 'the password of the admin user has changed',
    prepare: async () => {
      change({ adminUser: { username: 'myregistry', passwords: ['the-new-password'] } });
      await storeLogin('myregistry', 'the-old-password');
    },
    check: 'login',
    what: /refuses the stored login: its password is wrong or has expired$/,
    fix: /^docker logout myregistry\.azurecr\.io$/,
    code: 'CONNECTIVITY_ACCESS_TOKEN_ERROR',
  },
  {
    row: 'anonymous registry + failing pull',
    prepare: async () => {
      change({ anonymousPull: true });
      await storeLogin('somebody', 'not-a-password');
    },
    check: 'login',
    what: /allows anonymous pulls, which fail only because of it$/,
    fix: /^docker logout myregistry\.azurecr\.io$/,
  },
  {
    row: 'helper not wired for that exact host key',
    prepare: () => machine.write(machine.dockerFile, { credHelpers: { 'other.azurecr.io': 'acr' } }),
    check: 'client-configuration',
    what: /^docker does not ask this program for myregistry\.azurecr\.io/,
    fix: /^docker-credential-acr configure myregistry\.azurecr\.io$/,
  },
  {
    row: 'upper-case host',
    prepare: () => undefined,
    options: { target: 'MyRegistry.azurecr.io' },
    check: 'client-configuration',
    what: /^MyRegistry\.azurecr\.io has upper-case letters/,
    fix: /^use myregistry\.azurecr\.io in the names of images$/,
  },
  {
    row: 'a key with a scheme',
    prepare: () => machine.write(machine.dockerFile, { credHelpers: { [`https://${REGISTRY}`]: 'acr' } }),
    check: 'client-configuration',
    what: /^docker has an entry for https:\/\/myregistry\.azurecr\.io, which is not exactly myregistry\.azurecr\.io/,
    fix: /^docker-credential-acr configure myregistry\.azurecr\.io$/,
  },
  {
    row: 'regional host',
    prepare: () => undefined,
    options: { target: 'myregistry.westeurope.geo.azurecr.io' },
    check: 'client-configuration',
    what: /^docker has an entry for myregistry\.azurecr\.io, which is not exactly myregistry\.westeurope/,
    fix: /^docker-credential-acr configure myregistry\.westeurope\.geo\.azurecr\.io$/,
  },
  {
    row: 'stale auths entry',
    prepare: () => machine.write(machine.dockerFile, { auths: { [REGISTRY]: { auth: 'bm8=' } } }),
    check: 'client-configuration',
    what: /^docker uses the credential for myregistry\.azurecr\.io in .* and does not ask this program$/,
    fix: /^docker logout myregistry\.azurecr\.io; docker-credential-acr configure myregistry\.azurecr\.io$/,
  },
  {
    row: 'denied: requested access to the resource is denied (no push)',
    prepare: () => give('pull'),
    options: { target: REPOSITORY },
    check: 'permissions',
    status: 'note',
    what: /^push: team\/app may not be pushed to; a push ends with "requested access to the resource is denied"$/,
    fix: /--role AcrPush /,
  },
  {
    row: 'denied: requested access to the resource is denied (wrong repository path)',
    prepare: () => undefined,
    options: { target: REPOSITORY },
    check: 'permissions',
    status: 'warning',
    what: /has no repository team\/app/,
    fix: /^az acr repository list -n myregistry -o table$/,
  },
  {
    row: 'a repository that cannot be',
    prepare: () => undefined,
    options: { target: `${REGISTRY}/Team/App` },
    check: 'permissions',
    what: /^"Team\/App" cannot be a repository/,
    fix: /^check the path/,
  },
  {
    row: '429',
    prepare: () => inject({ host: REGISTRY, status: 429, body: '', headers: { 'Retry-After': '62' } }),
    check: 'challenge',
    what: /^myregistry\.azurecr\.io received too many requests$/,
    fix: /^wait 62 seconds/,
    code: 'CONNECTIVITY_TOOMANYREQUESTS_ERROR',
  },
  {
    row: 'clock skew',
    prepare: () => head('Date', new Date(Date.now() - 1_800_000).toUTCString()),
    check: 'clock',
    what: /^this machine's clock is 30 min ahead of that of myregistry\.azurecr\.io/,
    fix: /^timedatectl set-ntp true$/,
  },
  {
    row: 'a certificate that is not trusted',
    prepare: () => undefined,
    options: { variables: { NODE_EXTRA_CA_CERTS: undefined, SSL_CERT_FILE: undefined } },
    check: 'network',
    what: /^the certificate of myregistry\.azurecr\.io is not trusted/,
    fix: /^set NODE_EXTRA_CA_CERTS=FILE/,
    code: 'CONNECTIVITY_SSL_ERROR',
  },
];

describe('a machine that works', () => {
  test('has no problem, and asks Azure for each thing once', async () => {
    world.emulator.resetRequests();
    inject({ host: REGISTRY, path: '/v2/team/app/tags/list', status: 200, body: '{"tags":["1"]}' });
    const { results } = await machine.diagnose({ target: REPOSITORY });
    expect(results.filter(({ status }) => status === 'problem' || status === 'warning')).toEqual([]);
    expect(world.seen()).toEqual([
      expect.stringMatching(/^(GET|POST) /),
      expect.stringMatching(/^(GET|POST) /),
      `POST ${REGISTRY}/oauth2/exchange`,
      `POST ${REGISTRY}/oauth2/token`,
      `GET ${REGISTRY}/v2/team/app/tags/list`,
    ]);
  });

  test('keeps nothing of what it signed in for', async () => {
    await machine.diagnose();
    expect(world.seen()).toContain(`POST ${REGISTRY}/oauth2/exchange`);
    const { find } = await machine.diagnose();
    expect(find('cache', 'note')?.what).toMatch(/does not exist yet/);
  });

  test('tells who signed in, for what and until when', async () => {
    const { find } = await machine.diagnose();
    expect(find('token')).toMatchObject({
      status: 'ok',
      what: expect.stringMatching(
        /^client-secret signed in as \S+ in tenant \S+; the token is for https:.* and ends in /,
      ),
      details: { source: 'client-secret', who: CLIENT_ID, tenant: TENANT_ID, audience: ACR_AUDIENCE },
    });
  });

  test('warns of a token for all of Azure, which a registry may refuse', async () => {
    world.emulator.state.tenants.get(TENANT_ID)?.resources.delete(ACR_AUDIENCE);
    const { find } = await machine.diagnose();
    expect(find('token', 'warning')?.what).toMatch(
      /the token is for https:\/\/management\.azure\.com and ends in .*, since .* issues none for registries;/,
    );
    expect(find('exchange')?.status).toBe('ok');
  });

  test('tells a missing role once', async () => {
    give('push');
    const { results } = await machine.diagnose({ target: REPOSITORY });
    expect(results.filter(({ status }) => status === 'problem')).toHaveLength(1);
  });

  test.each([
    [
      'a repository token without the repository',
      { 'other/app': ['pull'] },
      /^pull: the stored login may not pull team\/app$/,
    ],
    ['a repository token', { 'team/app': ['pull'] }, /^push: team\/app may not be pushed to/],
  ])('tells what %s may do', async (_name, scopeMap, what) => {
    const tokens = registryOf(world.emulator.state, REGISTRY).repositoryTokens;
    tokens.set('ci-token', { passwords: ['the-password'], scopeMap });
    await storeLogin('ci-token', 'the-password');
    const { results } = await machine.diagnose({ target: REPOSITORY });
    expect(results.find((one) => what.test(one.what))?.check).toBe('permissions');
  });

  test('shows every source with its state', async () => {
    const { results, find } = await machine.diagnose({ variables: { AZURE_TOKEN_CREDENTIALS: 'prod' } });
    const lines = results.filter(({ check }) => check === 'identities').map(({ what }) => what);
    expect(lines).toContain('azure-cli: excluded by AZURE_TOKEN_CREDENTIALS');
    expect(lines).toContain('client-certificate: AZURE_CLIENT_CERTIFICATE_PATH is not set');
    expect(lines).toContain('command: used only where the configuration names it');
    expect(find('identities')?.what).toBe('get signs in with client-secret, the first that is set up');
  });
});

describe('reaches', () => {
  test.each(ROWS)('$row', async ({ prepare, options, check, status = 'problem', what, fix, code }) => {
    await prepare();
    const seen = await machine.diagnose(options);
    const matching = seen.results.find((one) => one.check === check && one.status === status && what.test(one.what));
    expect(matching, seen.text).toBeDefined();
    expect(matching?.fix).toMatch(fix);
    if (code !== undefined) expect(matching?.code).toBe(code);
    // Nobody has to look for it among the consequences.
    const problems = seen.results.filter((one) => one.status === 'problem');
    if (status === 'problem') expect(problems[0], seen.text).toBe(matching);
    expect(parseJsonObject(seen.json)?.['ok']).toBe(problems.length === 0);
  });
});

test('shows the first bytes of a page that answers in place of the registry', async () => {
  inject({ host: REGISTRY, status: 403, body: '<h1>Blocked by policy</h1>\u001b[31m' });
  const { text } = await machine.diagnose();
  expect(text).toContain('cause: HTTP 403: Blocked by policy');
  expect(text).not.toContain('\u001b');
});

describe('knows which credential comes first', () => {
  const storeToken = async () => {
    const { Secret } = await world.get();
    world.forgetTokens();
    await storeLogin(NULL_GUID, Secret);
  };
  const plans: readonly {
    readonly kind: Plan['kind'];
    readonly prepare: () => unknown;
    readonly user: string | undefined;
  }[] = [
    { kind: 'login', prepare: () => storeLogin('myregistry', 'the-password'), user: 'myregistry' },
    { kind: 'identity', prepare: () => undefined, user: NULL_GUID },
    { kind: 'anonymous', prepare: () => world.configure({ [REGISTRY]: { anonymous: true } }), user: undefined },
    { kind: 'forbidden', prepare: () => world.writeConfig({ strict: true }), user: undefined },
    { kind: 'stored-token', prepare: storeToken, user: NULL_GUID },
  ];
  test.each(plans)('$kind', async ({ kind, prepare, user }) => {
    change({ adminUser: { username: 'myregistry', passwords: ['the-password'] } });
    await prepare();
    const { find } = await machine.diagnose();
    expect(find('identities')?.details?.['returns']).toBe(kind);
    expect(find('login')?.status).toBe(['login', 'stored-token'].includes(kind) ? 'ok' : 'skipped');
    // `get` decides in the same way.
    const outcome = await world.run('get', REGISTRY, machine.environment());
    expect(parseJsonObject(outcome.stdout)?.['Username']).toBe(user);
  });

  test('none: an anonymous pull works', async () => {
    change({ anonymousPull: true });
    const { results, find } = await machine.diagnose({
      target: REPOSITORY,
      variables: { AZURE_CLIENT_SECRET: undefined },
    });
    expect(find('identities')?.what).toBe(`no identity is set up, but ${REGISTRY} allows anonymous pulls`);
    expect(find('permissions')?.what).toBe('pull: team/app may be pulled');
    expect(results.filter(({ status }) => status === 'problem')).toEqual([]);
  });

  test('none: nothing works', async () => {
    const { find } = await machine.diagnose({ variables: { AZURE_CLIENT_SECRET: undefined } });
    expect(find('identities')).toMatchObject({ status: 'problem', fix: `docker-credential-acr login ${REGISTRY}` });
    expect(find('token')).toMatchObject({ status: 'skipped', what: 'no identity is set up' });
  });

  test('a scope of the configuration that leaves the repository out', async () => {
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:other:pull' } });
    const { find } = await machine.diagnose({ target: REPOSITORY });
    expect(find('permissions')).toMatchObject({
      status: 'problem',
      fix: 'add "repository:team/app:pull" to "scope" of the registry',
    });
  });
});

describe('identities that cannot be used', () => {
  test('an unknown value of AZURE_TOKEN_CREDENTIALS is told once', async () => {
    for (const target of [REGISTRY, '']) {
      const { results } = await machine.diagnose({ target, variables: { AZURE_TOKEN_CREDENTIALS: 'nonsense' } });
      const problems = results.filter(({ status }) => status === 'problem');
      expect(problems).toEqual([expect.objectContaining({ check: 'identities' })]);
      expect(problems[0]?.what).toContain('AZURE_TOKEN_CREDENTIALS is "nonsense"');
    }
  });

  test('a source that is set up in a wrong way stops the search, as it does for get', async () => {
    const { find, results } = await machine.diagnose({ variables: { AZURE_TENANT_ID: '../x' } });
    expect(find('identities', 'problem')?.what).toContain('AZURE_TENANT_ID is not a tenant id or domain');
    expect(results.some(({ status, what }) => status === 'warning' && what.startsWith('client-secret: '))).toBe(true);
    expect(find('token')).toMatchObject({ status: 'skipped', what: 'no identity can be used' });
  });

  test('the one that the configuration chooses is named, and the others are excluded', async () => {
    world.configure({ [REGISTRY]: { identity: 'azure-cli' } });
    const { results, find } = await machine.diagnose();
    const lines = results.filter(({ check }) => check === 'identities').map(({ what }) => what);
    expect(lines).toContain('client-secret: excluded: the configuration chooses another');
    expect(find('identities')).toMatchObject({
      status: 'problem',
      what: `azure-cli, which the configuration chooses for ${REGISTRY}, is not set up: the Azure CLI is not signed in`,
      fix: 'set up azure-cli, or remove "identity" from the configuration',
    });
  });
});

describe('without a registry', () => {
  test('sends nothing, and lists what is configured', async () => {
    world.emulator.resetRequests();
    world.configure({ 'third.azurecr.io': { tenantId: 'contoso.onmicrosoft.com' } });
    machine.write(machine.dockerFile, { credHelpers: { [REGISTRY]: 'acr', 'https://second.azurecr.io': 'acr' } });
    const { results, text } = await machine.diagnose({ target: '' });
    expect(world.seen()).toEqual([]);
    expect(world.emulator.connects).toEqual([]);
    expect(text).toContain(`${REGISTRY}: docker`);
    expect(text).toContain('"https://second.azurecr.io" of "credHelpers" (docker) is never found');
    expect(text).toContain('third.azurecr.io: tenant contoso.onmicrosoft.com');
    expect(new Set(results.map(({ check }) => check))).toEqual(
      new Set(['executable', 'client-configuration', 'configuration', 'identities', 'cache', 'keychain']),
    );
  });

  test('shows at most ten registries', async () => {
    const hosts = Array.from({ length: 30 }, (_, index) => [`registry${index}.azurecr.io`, 'acr']);
    machine.write(machine.dockerFile, { credHelpers: Object.fromEntries(hosts) });
    const { results } = await machine.diagnose({ target: '' });
    const lines = results.filter(({ check }) => check === 'client-configuration').map(({ what }) => what);
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toBe('and 20 more registries');
  });
});

describe('a host that gets no token', () => {
  test.each([
    ['mcr.microsoft.com', 'note', /is public/, undefined],
    ['myregistry.westeurope.data.azurecr.io', 'problem', /is not a login server/, 'myregistry.azurecr.io'],
    ['myregistry.privatelink.azurecr.io', 'problem', /is not a login server/, 'myregistry.azurecr.io'],
    ['myregistry', 'problem', /is not a registry of Azure/, 'myregistry.azurecr.io'],
    ['myregistry.azurecr.io.example.com', 'problem', /is not a registry of Azure/, 'check the spelling'],
  ] as const)('%s', async (host, status, what, fix) => {
    world.emulator.resetRequests();
    const { find, results } = await machine.diagnose({ target: host });
    expect(find('host')).toMatchObject({ status, what: expect.stringMatching(what) });
    if (fix !== undefined) expect(find('host')?.fix).toContain(fix);
    expect(world.seen()).toEqual([]);
    expect(world.emulator.connects).toEqual([]);
    expect(results.filter(({ check }) => check === 'token').map(({ status: one }) => one)).toEqual(['skipped']);
  });
});

test('a mistake in the configuration is told once', async () => {
  world.configure({ [REGISTRY]: { tenantID: 'x' } });
  const { results, find } = await machine.diagnose();
  expect(find('configuration')?.what).toContain('tenantID');
  expect(results.filter(({ status }) => status === 'problem')).toHaveLength(1);
});

test('a damaged list of logins is told', async () => {
  machine.write(join(world.dataFolder, 'credentials.json'), 'x');
  const { find } = await machine.diagnose();
  expect(find('keychain', 'problem')?.what).toMatch(/credentials\.json (is damaged|is not used)/);
});
