import { describe, expect, test } from 'vitest';
import { parseJsonRecord } from './json.ts';
import type { Context, EmulatedResponse } from './message.ts';
import { createRequest } from './message.ts';
import { CLIENT_ID, CLIENT_SECRET, OBJECT_ID, type Registry } from './state.ts';
import {
  accessToken,
  ask,
  basic,
  createContext,
  entraToken,
  exchange,
  get,
  LOGIN_SERVER,
  memberOf,
  NOW,
  nullGuid,
  post,
  REQUEST_ID,
  redeem,
  refreshToken,
  registry,
} from './test-client.ts';
import { decodeToken } from './tokens.ts';

const BASE = `https://${LOGIN_SERVER}`;
const GENERIC = 'authentication required, visit https://aka.ms/acr/authorization for more information.';
const CHALLENGE = `Bearer realm="${BASE}/oauth2/token",service="${LOGIN_SERVER}"`;

function challengeOf(response: EmulatedResponse): unknown {
  return response.headers['Www-Authenticate'];
}

function messageOf(response: EmulatedResponse): string | undefined {
  return /"message":"([^"]*)"/.exec(response.body)?.[1];
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return decodeToken(token)?.claims ?? {};
}

describe('the challenge', () => {
  test('is what was recorded of the service, to the byte', () => {
    const context = createContext();
    registry(context).correlationIds = false;
    const answer = get(`${BASE}/v2/`, context);
    expect(answer.status).toBe(401);
    expect(answer.body).toBe(`{"errors":[{"code":"UNAUTHORIZED","message":"${GENERIC}","detail":null}]}\n`);
    expect(answer.body.length).toBe(149);
    expect(challengeOf(answer)).toBe(CHALLENGE);
    expect(answer.headers).toMatchObject({
      'Content-Type': 'application/json; charset=utf-8',
      'Docker-Distribution-Api-Version': 'registry/2.0',
      'X-Ms-Correlation-Request-Id': REQUEST_ID,
    });
  });

  test('names the correlation id, as the service of today does', () => {
    expect(messageOf(get(`${BASE}/v2/`, createContext()))).toBe(`${GENERIC} CorrelationId: ${REQUEST_ID}`);
  });

  test('of a regional host has the realm of that host and the service of the global one', () => {
    const answer = get('https://contoso.eastus2.geo.azurecr.io/v2/', createContext());
    expect(challengeOf(answer)).toBe(
      `Bearer realm="https://contoso.eastus2.geo.azurecr.io/oauth2/token",service="${LOGIN_SERVER}"`,
    );
  });

  test.each([
    ['GET', '/v2/hello/manifests/1', 'repository:hello:pull'],
    ['HEAD', '/v2/team/hello/blobs/sha256:0', 'repository:team/hello:pull'],
    ['PUT', '/v2/hello/manifests/1', 'repository:hello:pull,push'],
    ['POST', '/v2/hello/blobs/uploads/', 'repository:hello:pull,push'],
    ['POST', '/v2/a/blobs/uploads/?mount=sha256:0&from=b', 'repository:a:pull,push repository:b:pull'],
    ['DELETE', '/v2/hello/manifests/sha256:0', 'repository:hello:delete'],
    ['GET', '/v2/_catalog', 'registry:catalog:*'],
    ['GET', '/acr/v1/_catalog', 'registry:catalog:*'],
    ['GET', '/acr/v1/team/hello/_tags', 'repository:team/hello:metadata_read'],
    ['PATCH', '/acr/v1/hello', 'repository:hello:metadata_write,metadata_read'],
    ['DELETE', '/acr/v1/hello/_tags/1', 'repository:hello:delete'],
  ])('of %s %s asks for %s', (method, path, scope) => {
    const answer = ask(createRequest({ method, url: BASE + path }), createContext());
    expect(challengeOf(answer)).toBe(`${CHALLENGE},scope="${scope}"`);
  });

  test('details the scope', () => {
    const { body } = get(`${BASE}/v2/hello/manifests/1`, createContext());
    expect(body).toContain('"detail":[{"Type":"repository","Name":"hello","Action":"pull"}]');
  });

  test.each([
    ['Bearer', 'invalid_token'],
    ['Bearer ', 'invalid_token'],
    ['Bearer a.b.c', 'invalid_token'],
    ['Digest x', 'invalid_token'],
  ])('to %j says %s', (authorization, error) => {
    expect(challengeOf(get(`${BASE}/v2/`, createContext(), authorization))).toBe(`${CHALLENGE},error="${error}"`);
  });

  test('to a refresh token as bearer says invalid_token', () => {
    const context = createContext();
    expect(challengeOf(get(`${BASE}/v2/`, context, `Bearer ${refreshToken(context)}`))).toContain('invalid_token');
  });

  test('to a token of another repository says insufficient_scope', () => {
    const context = createContext();
    const bearer = `Bearer ${accessToken(context, 'repository:hello:pull')}`;
    expect(get(`${BASE}/v2/`, context, bearer).body).toBe('to registry');
    expect(get(`${BASE}/v2/hello/tags/list`, context, bearer).body).toBe('to registry');
    expect(challengeOf(get(`${BASE}/v2/hell/tags/list`, context, bearer))).toContain('insufficient_scope');
    expect(get(`${BASE}/v2/hello/tags/list`, { ...context, now: NOW + 4499 }, bearer).status).toBe(200);
    expect(challengeOf(get(`${BASE}/v2/`, { ...context, now: NOW + 4500 }, bearer))).toContain('invalid_token');
  });

  test('to a token of another registry says invalid_token', () => {
    const context = createContext();
    const bearer = `Bearer ${accessToken(context, 'repository:hello:pull')}`;
    expect(challengeOf(get('https://fabrikam.azurecr.io/v2/', context, bearer))).toContain('invalid_token');
  });

  const BASICS: readonly (readonly [string, (context: Context) => string, number])[] = [
    ['a wrong password', () => basic('nobody', 'x'), 401],
    ['rubbish', () => 'Basic !!!', 401],
    ['the null GUID with a refresh token', (context) => nullGuid(refreshToken(context)), 401],
    ['a service principal', () => basic(CLIENT_ID, CLIENT_SECRET), 200],
    ['the admin user', () => basic('contoso', 'admin1'), 200],
    ['a repository token', () => basic('puller', 'one'), 401],
  ];
  test.each(BASICS)('to %s in the Basic scheme', (_who, authorization, status) => {
    const context = createContext();
    const known = registry(context);
    known.adminUser = { username: 'contoso', passwords: ['admin1'] };
    known.repositoryTokens.set('puller', { passwords: ['one'], scopeMap: { hello: ['pull'] } });
    const answer = get(`${BASE}/v2/`, context, authorization(context));
    expect(answer.status).toBe(status);
    expect(challengeOf(answer)).toBe(status === 401 ? 'Basic realm="Azure Container Registry"' : undefined);
  });
});

describe('the exchange', () => {
  test('gives a refresh token of three hours and nothing else', () => {
    const context = createContext();
    const answer = exchange(context, entraToken(context));
    expect(Object.keys(parseJsonRecord(answer.body) ?? {})).toEqual(['refresh_token']);
    expect(claimsOf(memberOf(answer, 'refresh_token'))).toMatchObject({
      iss: 'Azure Container Registry',
      aud: LOGIN_SERVER,
      nbf: NOW,
      iat: NOW,
      exp: NOW + 10_800,
      grant_type: 'refresh_token',
      permissions: { actions: ['read', 'write', 'delete'], notActions: [] },
    });
  });

  test('gives no permissions but the identity in ABAC mode', () => {
    const context = createContext();
    registry(context).mode = 'abac';
    const claims = claimsOf(refreshToken(context));
    expect(claims).toMatchObject({ aad_identity: OBJECT_ID });
    expect(claims).not.toHaveProperty('permissions');
  });

  test('takes a regional host with the global service', () => {
    const context = createContext();
    const form = { grant_type: 'access_token', service: LOGIN_SERVER, access_token: entraToken(context) };
    expect(post('https://contoso.westeurope.geo.azurecr.io/oauth2/exchange', form, context).status).toBe(200);
    const wrong = { ...form, service: 'contoso.westeurope.geo.azurecr.io' };
    expect(post('https://contoso.westeurope.geo.azurecr.io/oauth2/exchange', wrong, context).status).toBe(401);
  });

  test('takes what the kubelet sends', () => {
    const context = createContext();
    const token = entraToken(context);
    const form = { grant_type: 'access_token_refresh_token', refresh_token: token };
    expect(exchange(context, token, form).status).toBe(200);
  });

  test.each(['GET', 'PUT', 'HEAD'])('is not found by %s', (method) => {
    expect(ask(createRequest({ method, url: `${BASE}/oauth2/exchange` }), createContext()).status).toBe(404);
  });

  test.each([{ grant_type: '' }, { service: '' }, { grant_type: 'magic' }])('is a bad request with %j', (form) => {
    const context = createContext();
    expect(exchange(context, entraToken(context), form).status).toBe(400);
  });

  const REFUSED: readonly (readonly [string, (known: Registry) => void, Record<string, string>])[] = [
    ['the service is another registry', () => undefined, { service: 'fabrikam.azurecr.io' }],
    ['there is no token', () => undefined, { access_token: '' }],
    ['the token is rubbish', () => undefined, { access_token: 'a.b.c' }],
    [
      'the identity has no role',
      (known) => {
        known.defaultRole = { actions: [] };
      },
      {},
    ],
    ['the role of the object id is empty', (known) => known.roles.set(OBJECT_ID, { actions: [] }), {}],
    [
      'the registry lives in another tenant',
      (known) => {
        known.homeTenant = OBJECT_ID;
      },
      {},
    ],
  ];
  test.each(REFUSED)('is the generic 401 when %s', (_why, prepare, form) => {
    const context = createContext();
    prepare(registry(context));
    const answer = exchange(context, entraToken(context), form);
    expect(answer.status).toBe(401);
    expect(answer.body).toBe(
      `{"errors":[{"code":"UNAUTHORIZED","message":"${GENERIC} CorrelationId: ${REQUEST_ID}"}]}\n`,
    );
  });

  test('refuses with an empty body when told to', () => {
    const context = createContext();
    registry(context).emptyRefusals = true;
    expect(exchange(context, 'x')).toMatchObject({ status: 401, body: '' });
  });

  test('refuses an Entra token that has expired', () => {
    const context = createContext();
    const token = entraToken(context);
    expect(exchange({ ...context, now: NOW + 3599 }, token).status).toBe(401);
  });

  test.each(['https://management.azure.com/.default', 'https://management.core.windows.net//.default'])(
    'takes the ARM audience %s unless the registry refuses it',
    (scope) => {
      const context = createContext();
      const token = entraToken(context, { scope });
      expect(exchange(context, token).status).toBe(200);
      registry(context).armTokens = false;
      expect(exchange(context, token).status).toBe(401);
      expect(exchange(context, entraToken(context)).status).toBe(200);
    },
  );

  test('never takes the audience of Graph', () => {
    const context = createContext();
    expect(exchange(context, entraToken(context, { scope: 'https://graph.microsoft.com/.default' })).status).toBe(401);
  });
});

describe('the token endpoint', () => {
  const TOKEN_URL = `${BASE}/oauth2/token`;
  const query = (more: Record<string, string> = {}) =>
    `${TOKEN_URL}?${new URLSearchParams({ service: LOGIN_SERVER, scope: 'repository:hello:pull', ...more })}`;

  function accessOf(answer: EmulatedResponse): unknown {
    return claimsOf(memberOf(answer, 'access_token'))['access'];
  }

  test('gives an access token of 75 minutes and nothing else', () => {
    const context = createContext();
    const answer = redeem(context, refreshToken(context), 'repository:hello:pull,push');
    expect(Object.keys(parseJsonRecord(answer.body) ?? {})).toEqual(['access_token']);
    expect(claimsOf(memberOf(answer, 'access_token'))).toMatchObject({
      nbf: NOW,
      exp: NOW + 4500,
      aud: LOGIN_SERVER,
      grant_type: 'access_token',
      access: [{ type: 'repository', name: 'hello', actions: ['pull', 'push'] }],
    });
  });

  test.each(['', ' '])('answers 400 with nothing in it to a POST with scope %j', (scope) => {
    const context = createContext();
    expect(redeem(context, refreshToken(context), scope)).toMatchObject({ status: 400, body: '' });
  });

  test('takes scopes repeated and joined', () => {
    const context = createContext();
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      service: LOGIN_SERVER,
      refresh_token: refreshToken(context),
      scope: 'registry:catalog:* repository:a:pull',
    });
    form.append('scope', 'repository:b:push');
    expect(accessOf(ask(createRequest({ url: TOKEN_URL, body: form }), context))).toHaveLength(3);
  });

  const CALLERS: readonly (readonly [string, (context: Context) => string | undefined, number, string | undefined])[] =
    [
      ['the null GUID with a refresh token', (context) => nullGuid(refreshToken(context)), 200, undefined],
      [
        'an access token of that scope',
        (context) => nullGuid(accessToken(context, 'repository:hello:pull')),
        200,
        undefined,
      ],
      ['a service principal', () => basic(CLIENT_ID, CLIENT_SECRET), 200, undefined],
      ['the admin user', () => basic('contoso', 'admin1'), 200, undefined],
      ['a repository token', () => basic('puller', 'one'), 200, undefined],
      ['its second password', () => basic('puller', 'two'), 200, undefined],
      ['nobody', () => undefined, 401, GENERIC],
      ['the null GUID with rubbish', () => nullGuid('x'), 401, GENERIC],
      ['the null GUID with an Entra token', (context) => nullGuid(entraToken(context)), 401, GENERIC],
      [
        '<token> with a refresh token',
        (context) => basic('<token>', refreshToken(context)),
        401,
        'Application not registered with AAD.',
      ],
      ['the admin user with a wrong password', () => basic('contoso', 'x'), 401, GENERIC],
      ['a repository token with a wrong password', () => basic('puller', ''), 401, GENERIC],
      ['an e-mail address', () => basic('me@contoso.com', 'x'), 401, 'Application not registered with AAD.'],
      ['an unknown application', () => basic(OBJECT_ID, 'x'), 401, 'Application not registered with AAD.'],
      [
        'a service principal with a wrong secret',
        () => basic(CLIENT_ID, 'x'),
        401,
        'Invalid clientid or client secret.',
      ],
    ];
  test.each(CALLERS)('is asked with GET by %s', (_who, authorization, status, message) => {
    const context = createContext();
    const known = registry(context);
    known.correlationIds = false;
    known.adminUser = { username: 'contoso', passwords: ['admin0', 'admin1'] };
    known.repositoryTokens.set('puller', { passwords: ['one', 'two'], scopeMap: { hello: ['pull'] } });
    const answer = get(query(), context, authorization(context));
    expect(answer.status).toBe(status);
    expect(messageOf(answer)).toBe(message);
    expect(accessOf(answer)).toEqual(
      status === 200 ? [{ type: 'repository', name: 'hello', actions: ['pull'] }] : undefined,
    );
  });

  test('gives no more than an access token allows', () => {
    const context = createContext();
    const login = nullGuid(accessToken(context, 'repository:hello:pull'));
    expect(accessOf(get(query({ scope: 'repository:hello:pull,push' }), context, login))).toEqual([
      { type: 'repository', name: 'hello', actions: ['pull'] },
    ]);
    expect(accessOf(get(query({ scope: 'repository:other:pull' }), context, login))).toEqual([]);
  });

  test('gives the refresh token back to an offline login of the null GUID only', () => {
    const context = createContext();
    const token = refreshToken(context);
    expect(memberOf(get(query({ offline_token: 'true' }), context, nullGuid(token)), 'refresh_token')).toBe(token);
    expect(get(query({ offline_token: 'true' }), context, basic(CLIENT_ID, CLIENT_SECRET)).body).not.toContain(
      'refresh',
    );
    expect(get(query(), context, nullGuid(token)).body).not.toContain('refresh_token');
  });

  test('takes a login without scope by GET', () => {
    const context = createContext();
    const answer = get(`${TOKEN_URL}?service=${LOGIN_SERVER}`, context, nullGuid(refreshToken(context)));
    expect(answer.status).toBe(200);
    expect(accessOf(answer)).toEqual([]);
  });

  test.each(['', 'fabrikam.azurecr.io'])('refuses the service %j', (service) => {
    const context = createContext();
    expect(get(query({ service }), context, nullGuid(refreshToken(context))).status).toBe(401);
  });

  test('takes passwords by POST, and the null GUID among them only when told to', () => {
    const context = createContext();
    const form = { grant_type: 'password', service: LOGIN_SERVER, scope: 'repository:hello:pull' };
    const login = (username: string, password: string) => post(TOKEN_URL, { ...form, username, password }, context);
    expect(login(CLIENT_ID, CLIENT_SECRET).status).toBe(200);
    const token = refreshToken(context);
    expect(login('00000000-0000-0000-0000-000000000000', token).status).toBe(401);
    registry(context).nullGuidPassword = true;
    expect(login('00000000-0000-0000-0000-000000000000', token).status).toBe(200);
  });

  test('lets nobody pull when the registry is anonymous, and nothing more', () => {
    const context = createContext();
    registry(context).anonymousPull = true;
    const form = { grant_type: 'password', service: LOGIN_SERVER, refresh_token: '' };
    const scope = 'repository:hello:pull,push,metadata_read,metadata_write registry:catalog:*';
    expect(accessOf(post(TOKEN_URL, { ...form, scope }, context))).toEqual([
      { type: 'repository', name: 'hello', actions: ['pull', 'metadata_read'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ]);
    expect(get(query(), context).status).toBe(200);
    expect(get(`${BASE}/v2/`, context).status).toBe(401);
    expect(get(query(), context, nullGuid('stale')).status).toBe(401);
  });

  test('refuses a refresh token after three hours', () => {
    const context = createContext();
    const token = refreshToken(context);
    expect(redeem({ ...context, now: NOW + 10_799 }, token, 'repository:hello:pull').status).toBe(200);
    expect(redeem({ ...context, now: NOW + 10_800 }, token, 'repository:hello:pull').status).toBe(401);
  });

  const FLIPS: readonly (readonly [string, (known: Registry) => void])[] = [
    [
      'the mode changes',
      (known) => {
        known.mode = 'abac';
      },
    ],
    [
      'the epoch rises',
      (known) => {
        known.epoch += 1;
      },
    ],
  ];
  test.each(FLIPS)('refuses older tokens when %s', (_what, flip) => {
    const context = createContext();
    const token = refreshToken(context);
    const bearer = `Bearer ${accessToken(context, 'repository:hello:pull')}`;
    flip(registry(context));
    expect(redeem(context, token, 'repository:hello:pull').status).toBe(401);
    expect(get(`${BASE}/v2/`, context, bearer).status).toBe(401);
    expect(redeem(context, refreshToken(context), 'repository:hello:pull').status).toBe(200);
  });

  test('gives the intersection with the role, by repository in ABAC mode', () => {
    const context = createContext();
    const known = registry(context);
    known.roles.set(OBJECT_ID, { actions: ['pull'], repositories: ['hello'] });
    const scope = 'repository:hello:pull,push repository:other:pull repository:*:* registry:catalog:*';
    expect(accessOf(redeem(context, refreshToken(context), scope))).toEqual([
      { type: 'repository', name: 'hello', actions: ['pull'] },
      { type: 'repository', name: 'other', actions: ['pull'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ]);
    known.mode = 'abac';
    expect(accessOf(redeem(context, refreshToken(context), scope))).toEqual([
      { type: 'repository', name: 'hello', actions: ['pull'] },
    ]);
  });

  test('opens every repository to the wildcard of someone who may do everything', () => {
    const context = createContext();
    const bearer = `Bearer ${accessToken(context, 'repository:*:*')}`;
    expect(get(`${BASE}/v2/hello/manifests/1`, context, bearer).status).toBe(200);
  });

  test.each(['repository', 'repository:', '::', 'a:b:', ':b:c'])('ignores the scope %j', (scope) => {
    const context = createContext();
    expect(accessOf(redeem(context, refreshToken(context), scope))).toEqual([]);
  });
});

describe('the network', () => {
  test.each(['/v2/', '/oauth2/exchange', '/oauth2/token', '/nowhere'])('is shut by the firewall at %s', (path) => {
    const context = createContext();
    registry(context).firewall = '203.0.113.7';
    const answer = get(BASE + path, context);
    expect(answer.status).toBe(403);
    expect(messageOf(answer)).toBe(
      "client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access. " +
        `CorrelationId: ${REQUEST_ID}`,
    );
    expect(challengeOf(answer)).toBeUndefined();
  });

  test('has no login at a data endpoint', () => {
    const answer = get('https://contoso.eastus.data.azurecr.io/v2/', createContext());
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('"code":"DENIED"');
  });

  test.each(['/', '/v3/', '/oauth2', '/oauth2/exchange/'])('has nothing at %s', (path) => {
    expect(get(BASE + path, createContext()).status).toBe(404);
  });
});
