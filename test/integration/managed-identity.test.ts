/** `get` with a managed identity of every kind of host, from the service on the loopback to the registry's token. */

import { describe, expect, test } from 'vitest';
import { type AssignedIdentity, PATHS } from '../emulator/managed-identity.ts';
import {
  ARC_KEY,
  ARM,
  AUDIENCE,
  KINDS,
  type Kind,
  NEEDS_ROOT,
  OTHER,
  passing,
  SECRET,
  useManagedIdentityWorld,
} from './managed-identity-world.ts';
import { EXCHANGE, REGISTRY } from './world.ts';

/** The headers that the HTTP client adds to every request. */
const PLAIN_HEADERS = ['host', 'connection', 'accept'];

const host = useManagedIdentityWorld('kinds');

/** The requests as `METHOD path {fields} {own headers}`, to compare them in one go. */
function formatRequests(): string[] {
  return host().server.requests.map(({ method, path, query, headers, form }) => {
    const own = Object.entries(headers).filter(([name]) => !PLAIN_HEADERS.includes(name));
    const sent = Object.fromEntries(own.filter(([name]) => name !== 'content-length'));
    return `${method} ${path} ${JSON.stringify({ ...query, ...form })} ${JSON.stringify(sent)}`;
  });
}

describe('a managed identity request', () => {
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
    test(`to ${kind} is exact, bypasses every proxy, and its token is exchanged and cached`, async ({ skip }) => {
      skip(kind === 'azure arc' && !host().hasArcFolder, NEEDS_ROOT);
      const secret = await host().get(host().environment(kind));
      expect(formatRequests()).toEqual(lines);
      expect(host().world.seen()).toEqual([EXCHANGE]);
      expect(new Set(host().world.emulator.connects)).toEqual(new Set([`${REGISTRY}:443`]));
      expect(host().server.requests.every(({ headers }) => headers['accept'] === 'application/json')).toBe(true);

      host().server.reset();
      expect(await host().get(host().environment(kind))).toBe(secret); // from the cache
      expect(host().server.requests).toEqual([]);
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
    test(`is selected at ${kind} by "${parameter}", sent as ${field}`, async ({ skip }) => {
      skip(kind === 'azure arc' && !host().hasArcFolder, NEEDS_ROOT);
      const own = await host().get(host().environment(kind));
      host().server.reset();
      host().choose(parameter);
      expect(await host().get(host().environment(kind))).not.toBe(own); // another identity, another token
      const fields = Object.entries(host().server.requests[0]?.query ?? {});
      expect(fields.filter(([name]) => !['api-version', 'resource'].includes(name))).toEqual([
        [field, OTHER[parameter]],
      ]);
    });
  }

  test('is selected by AZURE_CLIENT_ID', async () => {
    await host().get({ ...host().environment('app service'), AZURE_CLIENT_ID: OTHER.clientId });
    expect(host().server.requests[0]?.query['client_id']).toBe(OTHER.clientId);
  });

  test('is selected at azure ml by DEFAULT_IDENTITY_CLIENT_ID', async () => {
    await host().get({ ...host().environment('azure ml'), DEFAULT_IDENTITY_CLIENT_ID: OTHER.clientId });
    expect(host().server.requests[0]?.query['clientid']).toBe(OTHER.clientId);
  });

  for (const [kind, parameter] of [
    ['azure ml', 'objectId'],
    ['azure ml', 'resourceId'],
    ['cloud shell', 'clientId'],
    ['cloud shell', 'resourceId'],
    ['service fabric', 'clientId'],
    ['service fabric', 'objectId'],
  ] as const) {
    test(`cannot be selected at ${kind} by "${parameter}", and nothing is sent`, async () => {
      host().choose(parameter);
      expect(await host().fail(host().environment(kind))).toContain(`cannot choose an identity by "${parameter}"`);
      expect(host().server.requests).toEqual([]);
    });
  }

  test('leads to a hint to unset AZURE_CLIENT_ID at a host without a choice', async () => {
    const stderr = await host().fail({ ...host().environment('cloud shell'), AZURE_CLIENT_ID: OTHER.clientId });
    expect(stderr).toContain('hint: unset AZURE_CLIENT_ID\n');
  });
});

describe('a transient failure', () => {
  const STATUSES = [408, 429, 500, 502, 503, 504];
  for (const [kind, statuses] of [
    ['app service', [404, ...STATUSES]],
    ['azure ml', [404, 503]],
    ['cloud shell', [404, 503]],
    ['service fabric', [429]],
    ['imds', [404, 410, ...STATUSES]],
  ] as const) {
    test(`is retried at ${kind} after ${statuses.join(' ')}`, async () => {
      for (const status of statuses) {
        host().world.forgetTokens();
        host().server.reset();
        host().server.answerNext(passing(status));
        await host().get(host().environment(kind));
        expect([status, host().server.requests.length]).toEqual([status, 2]);
      }
    });
  }

  test('ends the sign-in after four requests', async () => {
    host().server.answerAlways(passing(503));
    expect(await host().fail(host().environment('app service'))).toContain('HTTP 503');
    expect(host().server.requests.length).toBe(4);
  });

  test('is retried once more while IMDS updates itself', async () => {
    host().choose();
    host().server.answerAlways(passing(410));
    expect(await host().fail(host().environment('imds'))).toContain('HTTP 410');
    expect(host().server.requests.length).toBe(5);
  });

  test('does not include an unknown identity at service fabric', async () => {
    host().server.state.systemAssigned = undefined;
    expect(await host().fail(host().environment('service fabric'))).toContain('ManagedIdentityNotFound');
    expect(host().server.requests.length).toBe(1);
  });
});

describe('when a managed identity service refuses', () => {
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
    test(`quotes the refusal of ${kind} as "${line.split('\n')[0]}"`, async () => {
      host().server.answerNext({ status: 400, body: JSON.stringify(body) });
      expect(await host().fail(host().environment(kind))).toContain(line);
      expect(host().server.requests.length).toBe(1);
      expect(host().world.seen()).toEqual([]);
    });
  }

  for (const kind of KINDS.filter((one) => one !== 'imds' && one !== 'azure arc')) {
    test(`reports a success of ${kind} without a token`, async () => {
      host().server.answerNext({ body: '{"access_token":""}' });
      expect(await host().fail(host().environment(kind))).toContain('returned no token');
    });
  }

  test('does not follow a redirect', async () => {
    host().server.answerNext({ status: 307, headers: { Location: `${host().server.url}${PATHS.imds}` } });
    expect(await host().fail(host().environment('app service'))).toContain('which is not followed');
    expect(host().server.requests.length).toBe(1);
  });

  test('reports an unreachable endpoint without blaming a proxy', async () => {
    const IDENTITY_ENDPOINT = `${host().server.secureUrl}${PATHS.appService}`; // whose certificate nobody trusts
    const stderr = await host().fail({ ...host().environment('app service'), IDENTITY_ENDPOINT });
    expect(stderr).toContain(`App Service cannot be reached at ${new URL(host().server.secureUrl).host}`);
    expect(stderr).not.toContain('PROXY');
    expect(host().world.seen()).toEqual([]);
  });
});

describe('an invalid endpoint', () => {
  const rows: readonly (readonly [Kind, variable: string, value: string])[] = [
    ['app service', 'IDENTITY_ENDPOINT', 'nonsense'],
    ['app service', 'IDENTITY_ENDPOINT', 'file:///etc/passwd'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://user@127.0.0.1/msi/token'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://:password@127.0.0.1/msi/token'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://127.0.0.1/msi/token#fragment'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://evil.example/msi/token'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://8.8.8.8/msi/token'],
    ['app service', 'IDENTITY_ENDPOINT', 'http://134744072/msi/token'],
    ['azure ml', 'MSI_ENDPOINT', 'http://evil.example/msi/token'],
    ['cloud shell', 'MSI_ENDPOINT', 'http://localhost.evil.example/'],
    ['azure ml', 'MSI_ENDPOINT', 'ftp://127.0.0.1/msi/token'],
    ['cloud shell', 'MSI_ENDPOINT', 'http://user:password@127.0.0.1/'],
    ['service fabric', 'IDENTITY_ENDPOINT', 'http://127.0.0.1/sf'],
    ['azure arc', 'IDENTITY_ENDPOINT', 'http://example.com/metadata'],
    ['azure arc', 'IDENTITY_ENDPOINT', 'http://127.0.0.1.example.com/metadata'],
    ['imds', 'AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://example.com'],
    ['imds', 'AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://user@127.0.0.1'],
  ];
  for (const [kind, variable, value] of rows) {
    test(`${variable}=${value} of ${kind} is rejected before anything is sent`, async () => {
      expect(await host().fail({ ...host().environment(kind), [variable]: value })).toContain(`${variable} `);
      expect(host().server.requests).toEqual([]);
      expect(host().world.seen()).toEqual([]);
    });
  }
});

describe('the expiry of the token', () => {
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  for (const [name, write] of [
    ['a number', (end: number) => ({ expires_on: end })],
    ['a number in a string', (end: number) => ({ expires_on: String(end) })],
    ['a date', (end: number) => ({ expires_on: iso(end) })],
    ['a date with a blank', (end: number) => ({ expires_on: iso(end).replace('T', ' ').slice(0, 19) })],
    ['a lifetime', () => ({ expires_in: '3599' })],
    ['malformed, since the token itself has it', () => ({ expires_on: 'soon' })],
    ['missing', () => ({})],
  ] as const) {
    test(`may be ${name}`, async () => {
      host().server.state.writeEnd = write;
      await host().get(host().environment('app service'));
    });
  }

  for (const [name, write] of [
    ['a number', (end: number) => ({ expires_on: end - 90_000 })],
    ['a number in a string', (end: number) => ({ expires_on: String(end - 90_000) })],
    ['a date', (end: number) => ({ expires_on: iso(end - 90_000) })],
    ['an American date', () => ({ expires_on: '09/19/2017 21:45:21' })],
    ['a lifetime', () => ({ expires_in: '0' })],
  ] as const) {
    test(`is rejected when it is in the past as ${name}`, async () => {
      host().server.state.writeEnd = write;
      const stderr = await host().fail(host().environment('app service'));
      expect(stderr).toContain('a token that has already expired');
      expect(stderr).toContain("hint: check this machine's clock: date -u\n");
      expect(host().world.seen()).toEqual([]);
    });
  }
});

describe('an unknown audience', () => {
  for (const kind of KINDS) {
    test(`at ${kind} is requested once, and the ARM audience from then on`, async ({ skip }) => {
      skip(kind === 'azure arc' && !host().hasArcFolder, NEEDS_ROOT);
      host().server.state.refusedAudiences.add(AUDIENCE);
      await host().get(host().environment(kind));
      expect(host().audiences()).toEqual([AUDIENCE, ARM]);
      host().server.reset();
      host().world.aheadSeconds = 10_801; // the registry's token has expired
      await host().get(host().environment(kind));
      expect(host().audiences()).toEqual([ARM]);
    });
  }

  test('is reported with the first refusal when the ARM audience is refused too', async () => {
    host().server.state.refusedAudiences.add(AUDIENCE).add(ARM);
    const stderr = await host().fail(host().environment('cloud shell'));
    expect(stderr).toContain(`AudienceNotSupported: Audience ${AUDIENCE} isn't a supported`);
  });

  for (const [kind, body] of [
    ['app service', { statusCode: 400, message: 'The resource is busy' }],
    ['azure ml', { error: { code: 'UserError', message: 'The resource was moved' } }],
    ['cloud shell', { error: { code: 'Unauthorized', message: 'The audience is sleepy' } }],
    ['service fabric', { error: { code: 'InternalServerError', message: 'AADSTS700016: no application' } }],
    ['imds', { error: 'invalid_request', error_description: 'Identity not found' }],
  ] as const) {
    test(`is not assumed for another refusal of ${kind}`, async () => {
      host().choose();
      host().server.answerAlways({ status: 400, body: JSON.stringify(body) });
      await host().fail(host().environment(kind));
      expect(host().server.requests.map(({ query, form }) => query['resource'] ?? form['resource'])).toEqual([
        AUDIENCE,
      ]);
    });
  }
});
