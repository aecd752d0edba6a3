/** `get` signed in with a managed identity of every kind, from the loopback to the registry's token. */

import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIENT_ID, OBJECT_ID } from '../emulator/emulator.ts';
import type { AssignedIdentity } from '../emulator/managed-identity.ts';
import { PATHS } from '../emulator/managed-identity.ts';
import { type ManagedIdentityServer, startManagedIdentityServer } from '../emulator/managed-identity-server.ts';
import { NOT_FOUND, parseAnswer, REGISTRY, World } from './world.ts';

const AUDIENCE = 'https://containerregistry.azure.net';
const ARM = 'https://management.azure.com';
const EXCHANGE = `POST ${REGISTRY}/oauth2/exchange`;
const SECRET = 'identity-header-4c1f-secret';
const ARC_KEY = 'arc-key-9b7d2c-secret';
const ARC_FOLDER = '/var/opt/azcmagent/tokens';
const ARC_FILE = `${ARC_FOLDER}/docker-credential-acr-test.key`;

const OWN: AssignedIdentity = {
  clientId: CLIENT_ID,
  objectId: OBJECT_ID,
  resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm',
};
const OTHER: AssignedIdentity = {
  clientId: 'cccccccc-2222-4333-8444-555555555555',
  objectId: 'dddddddd-2222-4333-8444-555555555555',
  resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other',
};

let world: World;
let server: ManagedIdentityServer;
let hasArcFolder = false;
/** Every header that a request has from the HTTP client alone. */
const PLAIN_HEADERS = ['host', 'connection', 'accept'];

beforeAll(async () => {
  world = await World.start();
  server = await startManagedIdentityServer({
    systemAssigned: OWN,
    userAssigned: [OTHER],
    secret: SECRET,
    refusedAudiences: new Set(),
    writeEnd: undefined,
    arcKey: ARC_KEY,
    arcChallenge: `Basic realm=${ARC_FILE}`,
    isArcAgentNew: true,
    issue: (audience, { clientId, objectId }) => world.emulator.entraToken({ audience, clientId, objectId }),
    nowSeconds: () => Math.floor(Date.now() / 1000) + world.aheadSeconds,
  });
  for (const secret of [SECRET, ARC_KEY]) world.emulator.state.issuedSecrets.add(secret);
  // Only root can make the folder that the Azure Arc agent keeps its keys in.
  hasArcFolder = makeArcFolder();
});
beforeEach(() => {
  world.forgetTokens();
  world.forgetRequests();
  world.configure({});
  server.reset();
  server.state.refusedAudiences.clear();
  Object.assign(server.state, {
    systemAssigned: OWN,
    writeEnd: undefined,
    arcChallenge: `Basic realm=${ARC_FILE}`,
    isArcAgentNew: true,
  });
});
afterEach(() => world.expectNoLeak());
afterAll(async () => {
  removeArcFolder();
  await Promise.all([server.close(), world.stop()]);
});

function makeArcFolder(): boolean {
  try {
    mkdirSync(ARC_FOLDER, { recursive: true });
    writeFileSync(ARC_FILE, ARC_KEY);
    return true;
  } catch {
    return false;
  }
}

function removeArcFolder(): void {
  rmSync(ARC_FILE, { force: true });
  for (const folder of [ARC_FOLDER, '/var/opt/azcmagent']) {
    try {
      rmdirSync(folder); // an agent's own folder is not empty
    } catch {
      return;
    }
  }
}

type Variables = Record<string, string | undefined>;
type Kind = 'app service' | 'azure ml' | 'cloud shell' | 'service fabric' | 'azure arc' | 'imds';
const KINDS: readonly Kind[] = ['app service', 'azure ml', 'cloud shell', 'service fabric', 'azure arc', 'imds'];

/** What the host puts into the environment, beside a proxy for everything that may go through one. */
function environment(kind: Kind): Variables {
  const own: Readonly<Record<Kind, Variables>> = {
    'app service': { IDENTITY_ENDPOINT: `${server.url}${PATHS.appService}`, IDENTITY_HEADER: SECRET },
    'azure ml': { MSI_ENDPOINT: `${server.url}${PATHS.azureMl}`, MSI_SECRET: SECRET },
    'cloud shell': { MSI_ENDPOINT: `${server.url}${PATHS.cloudShell}` },
    'service fabric': {
      IDENTITY_ENDPOINT: `${server.secureUrl}${PATHS.serviceFabric}`,
      IDENTITY_HEADER: SECRET,
      IDENTITY_SERVER_THUMBPRINT: server.thumbprint,
    },
    'azure arc': { IDENTITY_ENDPOINT: `${server.url}${PATHS.azureArc}`, IMDS_ENDPOINT: server.url },
    imds: {},
  };
  return {
    // Nothing of these tests may go to a machine's real metadata service.
    AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url,
    ALL_PROXY: world.emulator.proxyUrl,
    NO_PROXY: '',
    no_proxy: '',
    ...own[kind],
  };
}

/** Runs `get` and expects an answer, after which the cache is empty again. */
async function get(variables: Variables): Promise<string> {
  const { exitCode, stdout, stderr } = await world.run('get', REGISTRY, variables);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return parseAnswer(stdout).Secret;
}

/** Runs `get` and expects a failure that the person can act on. */
async function fail(variables: Variables): Promise<string> {
  const nobody = { AZURE_TENANT_ID: undefined, AZURE_CLIENT_ID: undefined, AZURE_CLIENT_SECRET: undefined };
  return (await world.fail(REGISTRY, { ...nobody, ...variables })).stderr;
}

/** Runs `get` and expects the way to anonymous pull. */
async function expectNotFound(variables: Variables): Promise<string> {
  const { exitCode, stdout, stderr } = await world.run('get', REGISTRY, variables);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: NOT_FOUND });
  return stderr;
}

/** Requests as `METHOD path?query {headers of its own}`, to compare in one go. */
function asked(): string[] {
  return server.requests.map(({ method, path, query, headers, form }) => {
    const own = Object.entries(headers).filter(([name]) => !PLAIN_HEADERS.includes(name));
    const sent = Object.fromEntries(own.filter(([name]) => name !== 'content-length'));
    return `${method} ${path} ${JSON.stringify({ ...query, ...form })} ${JSON.stringify(sent)}`;
  });
}

const passing = (status: number) => ({ status, headers: { 'Retry-After': '0' }, body: '{"error":"busy"}' });
/** A gateway that answers for addresses which nobody has. */
const TRAP = { status: 403, headers: { 'Content-Type': 'text/plain' }, body: 'Host not in allowlist' };

describe('the request', () => {
  const resource = AUDIENCE;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const line = (method: string, path: string, fields: object, headers: object) =>
    `${method} ${path} ${JSON.stringify(fields)} ${JSON.stringify(headers)}`;
  const arc = ['GET', PATHS.azureArc, { 'api-version': '2020-06-01', resource }] as const;
  const rows: readonly (readonly [Kind, readonly string[]])[] = [
    [
      'app service',
      [line('GET', PATHS.appService, { 'api-version': '2019-08-01', resource }, { 'x-identity-header': SECRET })],
    ],
    ['azure ml', [line('GET', PATHS.azureMl, { 'api-version': '2017-09-01', resource }, { secret: SECRET })]],
    ['cloud shell', [line('POST', PATHS.cloudShell, { resource }, { metadata: 'true', ...form })]],
    [
      'service fabric',
      [line('GET', PATHS.serviceFabric, { 'api-version': '2019-07-01-preview', resource }, { secret: SECRET })],
    ],
    [
      'azure arc',
      [line(...arc, { metadata: 'true' }), line(...arc, { metadata: 'true', authorization: `Basic ${ARC_KEY}` })],
    ],
    ['imds', [line('GET', PATHS.imds, { 'api-version': '2018-02-01', resource }, { metadata: 'true' })]],
  ];
  for (const [kind, lines] of rows) {
    test(`to ${kind} is exact, goes past every proxy, and its token is exchanged`, async ({ skip }) => {
      skip(kind === 'azure arc' && !hasArcFolder, `only root can make ${ARC_FOLDER}`);
      const secret = await get(environment(kind));
      expect(asked()).toEqual(lines);
      expect(world.seen()).toEqual([EXCHANGE]);
      expect(new Set(world.emulator.connects)).toEqual(new Set([`${REGISTRY}:443`]));
      expect(server.requests.every(({ headers }) => headers['accept'] === 'application/json')).toBe(true);

      server.reset();
      expect(await get(environment(kind))).toBe(secret); // from the cache
      expect(server.requests).toEqual([]);
    });
  }
});

describe('a user-assigned identity', () => {
  const rows: readonly (readonly [Kind, keyof AssignedIdentity, field: string])[] = [
    ['app service', 'clientId', 'client_id'],
    ['app service', 'objectId', 'object_id'],
    ['app service', 'resourceId', 'mi_res_id'],
    ['azure ml', 'clientId', 'clientid'],
    ['azure arc', 'clientId', 'client_id'],
    ['azure arc', 'objectId', 'object_id'],
    ['azure arc', 'resourceId', 'msi_res_id'],
    ['imds', 'clientId', 'client_id'],
    ['imds', 'objectId', 'object_id'],
    ['imds', 'resourceId', 'msi_res_id'],
  ];
  for (const [kind, parameter, field] of rows) {
    test(`is chosen at ${kind} by "${parameter}", which is called ${field} there`, async ({ skip }) => {
      skip(kind === 'azure arc' && !hasArcFolder, `only root can make ${ARC_FOLDER}`);
      const own = await get(environment(kind));
      server.reset();
      world.configure({ [REGISTRY]: { identity: { type: 'managed-identity', [parameter]: OTHER[parameter] } } });
      expect(await get(environment(kind))).not.toBe(own); // another identity, another token
      const fields = Object.entries(server.requests[0]?.query ?? {});
      expect(fields.filter(([name]) => !['api-version', 'resource'].includes(name))).toEqual([
        [field, OTHER[parameter]],
      ]);
    });
  }

  test('is that of AZURE_CLIENT_ID', async () => {
    await get({ ...environment('app service'), AZURE_CLIENT_ID: OTHER.clientId });
    expect(server.requests[0]?.query['client_id']).toBe(OTHER.clientId);
  });

  test('is that of DEFAULT_IDENTITY_CLIENT_ID at azure ml', async () => {
    await get({ ...environment('azure ml'), DEFAULT_IDENTITY_CLIENT_ID: OTHER.clientId });
    expect(server.requests[0]?.query['clientid']).toBe(OTHER.clientId);
  });

  for (const [kind, parameter] of [
    ['azure ml', 'objectId'],
    ['azure ml', 'resourceId'],
    ['cloud shell', 'clientId'],
    ['cloud shell', 'resourceId'],
    ['service fabric', 'clientId'],
    ['service fabric', 'objectId'],
  ] as const) {
    test(`cannot be chosen at ${kind} by "${parameter}", and nothing is asked`, async () => {
      world.configure({ [REGISTRY]: { identity: { type: 'managed-identity', [parameter]: OTHER[parameter] } } });
      expect(await fail(environment(kind))).toContain(`cannot choose an identity by "${parameter}"`);
      expect(server.requests).toEqual([]);
    });
  }

  test('of AZURE_CLIENT_ID, where there is no choice, is told with the setting', async () => {
    const stderr = await fail({ ...environment('cloud shell'), AZURE_CLIENT_ID: OTHER.clientId });
    expect(stderr).toContain('hint: unset AZURE_CLIENT_ID\n');
  });
});

describe('a failure that passes', () => {
  const STATUSES = [408, 429, 500, 502, 503, 504];
  for (const [kind, statuses] of [
    ['app service', [404, ...STATUSES]],
    ['azure ml', [404, 503]],
    ['cloud shell', [404, 503]],
    ['service fabric', [429]],
    ['imds', [404, 410, ...STATUSES]],
  ] as const) {
    test(`is waited for at ${kind}: ${statuses.join(' ')}`, async () => {
      for (const status of statuses) {
        world.forgetTokens();
        server.reset();
        server.answerNext(passing(status));
        await get(environment(kind));
        expect([status, server.requests.length]).toEqual([status, 2]);
      }
    });
  }

  test('is not waited for longer than four requests', async () => {
    server.answerAlways(passing(503));
    expect(await fail(environment('app service'))).toContain('HTTP 503');
    expect(server.requests.length).toBe(4);
  });

  test('of an IMDS that updates itself is waited for a little longer', async () => {
    world.configure({ [REGISTRY]: { identity: 'managed-identity' } });
    server.answerAlways(passing(410));
    expect(await fail(environment('imds'))).toContain('HTTP 410');
    expect(server.requests.length).toBe(5);
  });

  test('is no unknown identity of service fabric', async () => {
    server.state.systemAssigned = undefined;
    expect(await fail(environment('service fabric'))).toContain('ManagedIdentityNotFound');
    expect(server.requests.length).toBe(1);
  });
});

describe('a refusal', () => {
  const rows: readonly (readonly [Kind, body: object, line: string])[] = [
    [
      'app service',
      { statusCode: 400, message: 'No User Assigned Identity found', correlationId: 'c-1' },
      'cause: HTTP 400 No User Assigned Identity found\ncause: correlation id c-1\n',
    ],
    ['azure ml', { error: { code: 'UserError', message: 'No identity' } }, 'cause: HTTP 400 UserError: No identity\n'],
    ['cloud shell', { error: { code: 'Broken', message: 'No shell' } }, 'cause: HTTP 400 Broken: No shell\n'],
    [
      'service fabric',
      { error: { correlationId: 'c-2', code: 'ArgumentNullOrEmpty', message: 'Empty' } },
      'cause: HTTP 400 ArgumentNullOrEmpty: Empty\ncause: correlation id c-2\n',
    ],
    ['azure arc', { error: 'invalid_request', error_description: 'No' }, 'cause: HTTP 400 invalid_request: No\n'],
    [
      'app service',
      { statusCode: 400, message: `wrong header ${SECRET}` },
      'cause: HTTP 400 wrong header [redacted]\n',
    ],
    ['app service', { unknown: 'shape' }, 'cause: HTTP 400: {"unknown":"shape"}\n'],
  ];
  for (const [kind, body, line] of rows) {
    test(`of ${kind} is told in its words: ${line.split('\n')[0]}`, async () => {
      server.answerNext({ status: 400, body: JSON.stringify(body) });
      expect(await fail(environment(kind))).toContain(line);
      expect(server.requests.length).toBe(1);
      expect(world.seen()).toEqual([]);
    });
  }

  for (const kind of KINDS.filter((one) => one !== 'imds' && one !== 'azure arc')) {
    test(`of ${kind} is one too when it is a success without a token`, async () => {
      server.answerNext({ body: '{"access_token":""}' });
      expect(await fail(environment(kind))).toContain('answered without a token');
    });
  }

  test('is a redirect, which is not followed', async () => {
    server.answerNext({ status: 307, headers: { Location: `${server.url}${PATHS.imds}` } });
    expect(await fail(environment('app service'))).toContain('which is not followed');
    expect(server.requests.length).toBe(1);
  });

  test('is an endpoint that cannot be reached, which has nothing to do with a proxy', async () => {
    const IDENTITY_ENDPOINT = `${server.secureUrl}${PATHS.appService}`; // whose certificate nobody trusts
    const stderr = await fail({ ...environment('app service'), IDENTITY_ENDPOINT });
    expect(stderr).toContain(`App Service cannot be reached at ${new URL(server.secureUrl).host}`);
    expect(stderr).not.toContain('PROXY');
    expect(world.seen()).toEqual([]);
  });
});

describe('an endpoint', () => {
  const rows: readonly (readonly [Kind, variable: string, value: string])[] = [
    ['app service', 'IDENTITY_ENDPOINT', 'nonsense'],
    ['app service', 'IDENTITY_ENDPOINT', 'file:///etc/passwd'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://user@127.0.0.1/msi/token'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://:password@127.0.0.1/msi/token'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://127.0.0.1/msi/token#fragment'],
    ['azure ml', 'MSI_ENDPOINT', 'ftp://127.0.0.1/msi/token'],
    ['cloud shell', 'MSI_ENDPOINT', 'http://user:password@127.0.0.1/'],
    ['service fabric', 'IDENTITY_ENDPOINT', 'http://127.0.0.1/sf'],
    ['azure arc', 'IDENTITY_ENDPOINT', 'http://example.com/metadata'],
    ['azure arc', 'IDENTITY_ENDPOINT', 'http://127.0.0.1.example.com/metadata'],
    ['imds', 'AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://example.com'],
    ['imds', 'AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://user@127.0.0.1'],
  ];
  for (const [kind, variable, value] of rows) {
    test(`${variable}=${value} of ${kind} is refused before anything is sent`, async () => {
      expect(await fail({ ...environment(kind), [variable]: value })).toContain(`${variable} `);
      expect(server.requests).toEqual([]);
      expect(world.seen()).toEqual([]);
    });
  }
});

describe('the end of the token', () => {
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  for (const [name, write] of [
    ['a number', (end: number) => ({ expires_on: end })],
    ['a number in a text', (end: number) => ({ expires_on: String(end) })],
    ['a date', (end: number) => ({ expires_on: iso(end) })],
    ['a date with a blank', (end: number) => ({ expires_on: iso(end).replace('T', ' ').slice(0, 19) })],
    ['a life', () => ({ expires_in: '3599' })],
    ['nonsense, so that the token itself tells it', () => ({ expires_on: 'soon' })],
    ['nothing', () => ({})],
  ] as const) {
    test(`may be ${name}`, async () => {
      server.state.writeEnd = write;
      await get(environment('app service'));
    });
  }

  for (const [name, write] of [
    ['a number', (end: number) => ({ expires_on: end - 90_000 })],
    ['a number in a text', (end: number) => ({ expires_on: String(end - 90_000) })],
    ['a date', (end: number) => ({ expires_on: iso(end - 90_000) })],
    ['an American date', () => ({ expires_on: '09/19/2017 21:45:21' })],
    ['a life', () => ({ expires_in: '0' })],
  ] as const) {
    test(`is refused when it is over: ${name}`, async () => {
      server.state.writeEnd = write;
      const stderr = await fail(environment('app service'));
      expect(stderr).toContain('a token that has ended already');
      expect(stderr).toContain("hint: check this machine's clock: date -u\n");
      expect(world.seen()).toEqual([]);
    });
  }
});

describe('an audience that is not known', () => {
  for (const kind of KINDS) {
    test(`to ${kind} is asked for once, and the ARM audience from then on`, async ({ skip }) => {
      skip(kind === 'azure arc' && !hasArcFolder, `only root can make ${ARC_FOLDER}`);
      server.state.refusedAudiences.add(AUDIENCE);
      const audiences = () => {
        const resources = server.requests.map(({ query, form }) => query['resource'] ?? form['resource'] ?? '');
        return [...new Set(resources)];
      };
      await get(environment(kind));
      expect(audiences()).toEqual([AUDIENCE, ARM]);
      server.reset();
      world.aheadSeconds = 10_801; // the registry's token has ended
      try {
        await get(environment(kind));
      } finally {
        world.aheadSeconds = 0;
      }
      expect(audiences()).toEqual([ARM]);
    });
  }

  test('that is refused twice is told as it was the first time', async () => {
    server.state.refusedAudiences.add(AUDIENCE).add(ARM);
    const stderr = await fail(environment('cloud shell'));
    expect(stderr).toContain(`AudienceNotSupported: Audience ${AUDIENCE} isn't a supported`);
  });

  for (const [kind, body] of [
    ['app service', { statusCode: 400, message: 'The resource is busy' }],
    ['azure ml', { error: { code: 'UserError', message: 'The resource was moved' } }],
    ['cloud shell', { error: { code: 'Unauthorized', message: 'The audience is sleepy' } }],
    ['service fabric', { error: { code: 'InternalServerError', message: 'AADSTS700016: no application' } }],
    ['imds', { error: 'invalid_request', error_description: 'Identity not found' }],
  ] as const) {
    test(`is no other refusal of ${kind}`, async () => {
      world.configure({ [REGISTRY]: { identity: 'managed-identity' } });
      server.answerAlways({ status: 400, body: JSON.stringify(body) });
      await fail(environment(kind));
      expect(server.requests.map(({ query, form }) => query['resource'] ?? form['resource'])).toEqual([AUDIENCE]);
    });
  }
});

describe('service fabric', () => {
  const spellings: readonly (readonly [name: string, spell: (thumbprint: string) => string])[] = [
    ['lower case', (thumbprint) => thumbprint.toLowerCase()],
    ['colons', (thumbprint) => thumbprint.replace(/..(?!$)/g, '$&:')],
    ['blanks', (thumbprint) => ` ${thumbprint.replace(/..(?!$)/g, '$& ')} `],
  ];
  for (const [name, spell] of spellings) {
    test(`is known by its thumbprint in ${name}`, async () => {
      await get({ ...environment('service fabric'), IDENTITY_SERVER_THUMBPRINT: spell(server.thumbprint) });
    });
  }

  test('with another certificate is sent nothing, not even a request without the secret', async () => {
    const IDENTITY_SERVER_THUMBPRINT = server.thumbprint.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    const stderr = await fail({ ...environment('service fabric'), IDENTITY_SERVER_THUMBPRINT });
    expect(stderr).toContain('does not have the certificate of IDENTITY_SERVER_THUMBPRINT');
    expect(stderr).toContain('cause: nothing was sent to it\n');
    expect(stderr).toMatch(/hint: openssl s_client -connect 127\.0\.0\.1:\d+ /);
    expect(server.secureConnections).toBe(1); // it was there
    expect(server.requests).toEqual([]);
  });

  test.each(['', 'nonsense', 'AA'.repeat(32), `${'AA'.repeat(19)}G0`])('has no thumbprint %j', async (thumbprint) => {
    const variables = { ...environment('service fabric'), IDENTITY_SERVER_THUMBPRINT: thumbprint || ' ' };
    expect(await fail(variables)).toContain('IDENTITY_SERVER_THUMBPRINT is not a SHA-1 thumbprint');
    expect(server.secureConnections).toBe(0);
  });
});

describe('azure arc', () => {
  beforeEach(({ skip }) => {
    skip(!hasArcFolder, `only root can make ${ARC_FOLDER}`);
    writeFileSync(ARC_FILE, ARC_KEY);
  });

  test('at localhost is asked at 127.0.0.1', async () => {
    const variables = environment('azure arc');
    await get({ ...variables, IDENTITY_ENDPOINT: variables['IDENTITY_ENDPOINT']?.replace('127.0.0.1', 'localhost') });
    expect(server.requests.map(({ headers }) => headers['host'])).toEqual(Array(2).fill(new URL(server.url).host));
  });

  test.each([
    `Basic realm=/etc/passwd`,
    `Basic realm=/etc/docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/../docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/./docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}//docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/deeper/docker-credential-acr-test.key`,
    `Basic realm=${ARC_FOLDER}/docker-credential-acr-test.key/`,
    `Basic realm=${ARC_FOLDER}/docker-credential-acr-test.txt`,
    `Basic realm=${ARC_FOLDER}/.key`,
    `Basic realm=${ARC_FOLDER.toUpperCase()}/docker-credential-acr-test.key`,
    'Basic realm=docker-credential-acr-test.key',
    'Basic realm=C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\one.key',
  ])('that names another file gets no key: %s', async (arcChallenge) => {
    server.state.arcChallenge = arcChallenge;
    expect(await fail(environment('azure arc'))).toContain('named a key file where it keeps none');
    expect(server.requests.length).toBe(1);
  });

  test.each(['Bearer realm=x', 'Basic', 'Basic realm=', ''])('that asks %j gets no key', async (arcChallenge) => {
    server.state.arcChallenge = arcChallenge;
    expect(await fail(environment('azure arc'))).toContain('named no key file');
    expect(server.requests.length).toBe(1);
  });

  test('that does not ask for its key is not believed', async () => {
    server.answerNext({ body: JSON.stringify({ access_token: world.emulator.entraToken() }) });
    expect(await fail(environment('azure arc'))).toContain('did not ask for its key');
  });

  test('gets a key of 4096 bytes, and none that is larger', async () => {
    const largest = 'k'.repeat(4096);
    world.emulator.state.issuedSecrets.add(largest);
    server.state.arcKey = largest;
    try {
      writeFileSync(ARC_FILE, largest);
      await get(environment('azure arc'));
      world.forgetTokens();
      writeFileSync(ARC_FILE, `${largest}k`);
      expect(await fail(environment('azure arc'))).toContain('it is larger than 4096 bytes');
    } finally {
      server.state.arcKey = ARC_KEY;
    }
  });

  test.each([
    ['is not there', undefined, 'there is no such file'],
    ['is empty', '', 'it does not hold a key'],
    ['holds more than a key', `${ARC_KEY}\r\nX-Other: header`, 'it does not hold a key'],
  ])('whose key file %s says which group may read it', async (_name, text, reason) => {
    if (text === undefined) rmSync(ARC_FILE);
    else writeFileSync(ARC_FILE, text);
    const stderr = await fail(environment('azure arc'));
    expect(stderr).toContain(`cause: ${ARC_FILE}: ${reason}\n`);
    expect(stderr).toContain('hint: sudo usermod -aG himds ');
    expect(server.requests.length).toBe(1);
  });

  test('that refuses the key is not asked again', async () => {
    writeFileSync(ARC_FILE, 'another-key-secret');
    expect(await fail(environment('azure arc'))).toContain('HTTP 403 unauthorized: The key is wrong');
    expect(server.requests.length).toBe(2);
  });

  test.each(['clientId', 'objectId', 'resourceId'] as const)(
    'that is too old for "%s" is not believed',
    async (name) => {
      server.state.isArcAgentNew = false;
      world.configure({ [REGISTRY]: { identity: { type: 'managed-identity', [name]: OTHER[name] } } });
      expect(await fail(environment('azure arc'))).toContain(`did not answer for the identity of "${name}"`);
      expect(world.seen()).toEqual([]);
    },
  );
});

describe('IMDS at the place that a variable names', () => {
  test('is asked at once, without looking first whether it is there', async () => {
    await get(environment('imds'));
    expect(server.requests.map(({ headers }) => headers['metadata'])).toEqual(['true']);
  });

  test.each(['', '/', '/base', '/base/'])('may have the path %j', async (path) => {
    server.answerNext({ status: 400, body: '{"error":"invalid_request"}' });
    await expectNotFound({ ...environment('imds'), AZURE_POD_IDENTITY_AUTHORITY_HOST: `${server.url}${path}` });
    expect(server.requests[0]?.path).toBe(`${path.replace(/\/$/, '')}${PATHS.imds}`);
  });

  test.each([
    ['nobody', undefined, 'there is no metadata service (IMDS)'],
    ['a gateway', TRAP, 'something else answers in place of IMDS'],
    [
      'a captive portal',
      { status: 302, headers: { Location: 'http://example.com/' } },
      'there is no metadata service (IMDS)',
    ],
    ['a web server', { status: 200, body: '<html>Welcome</html>' }, 'something else answers in place of IMDS'],
    [
      'a machine without an identity',
      { status: 400, body: '{"error":"invalid_request"}' },
      'this machine has no managed identity',
    ],
  ])('with %s is passed over, so that anonymous pull works', async (_name, answer, reason) => {
    if (answer !== undefined) server.answerAlways(answer);
    const place = answer === undefined ? 'http://127.0.0.1:9' : server.url;
    const stderr = await expectNotFound({ ...environment('imds'), AZURE_POD_IDENTITY_AUTHORITY_HOST: place });
    expect(stderr).toContain(`  managed-identity: ${reason}\n`);
    expect(server.requests.length).toBe(answer === undefined ? 0 : 1);
    expect(world.seen()).toEqual([]);
  });

  test('without the identity of AZURE_CLIENT_ID is a failure', async () => {
    const stderr = await fail({ ...environment('imds'), AZURE_CLIENT_ID: 'eeeeeeee-2222-4333-8444-555555555555' });
    expect(stderr).toContain('the identity of AZURE_CLIENT_ID is not assigned to this machine');
    expect(stderr).toContain('cause: HTTP 400 invalid_request: Identity not found\n');
  });

  test('that was chosen has to be there and to have an identity', async () => {
    world.configure({ [REGISTRY]: { identity: 'managed-identity' } });
    server.state.systemAssigned = undefined;
    expect(await fail(environment('imds'))).toContain('no identity is assigned to this machine');
    server.answerAlways(TRAP);
    expect(await fail(environment('imds'))).toContain('cause: HTTP 403: Host not in allowlist\n');
    const unreachable = { ...environment('imds'), AZURE_POD_IDENTITY_AUTHORITY_HOST: server.secureUrl };
    expect(await fail(unreachable)).toContain('the metadata service (IMDS) cannot be reached at 127.0.0.1:');
  });
});
