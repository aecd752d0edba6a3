import { describe, expect, test } from 'vitest';
import { parseJsonRecord } from './json.ts';
import type { EmulatedResponse } from './message.ts';

import { createRequest } from './message.ts';
import { CLIENT_ID, CLIENT_SECRET, type Context, OBJECT_ID, type Registry } from './state.ts';
import {
  accessToken,
  ask,
  basic,
  createContext,
  entraToken,
  get,
  LOGIN_SERVER,
  memberOf,
  NOW,
  nullGuid,
  post,
  redeem,
  refreshToken,
  registry,
} from './test-client.ts';
import { decodeToken } from './tokens.ts';

const BASE = `https://${LOGIN_SERVER}`;
const GENERIC = 'authentication required, visit https://aka.ms/acr/authorization for more information.';

function messageOf(response: EmulatedResponse): string | undefined {
  return /"message":"([^"]*)"/.exec(response.body)?.[1];
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return decodeToken(token)?.claims ?? {};
}

describe('the token endpoint', () => {
  const TOKEN_URL = `${BASE}/oauth2/token`;
  const query = (more: Record<string, string> = {}) =>
    `${TOKEN_URL}?${new URLSearchParams({ service: LOGIN_SERVER, scope: 'repository:hello:pull', ...more })}`;

  function accessOf(answer: EmulatedResponse): unknown {
    return claimsOf(memberOf(answer, 'access_token'))['access'];
  }

  test('returns an access token valid for 75 minutes and nothing else', () => {
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

  test.each(['', ' '])('answers a POST with the scope %j with 400 and an empty body', (scope) => {
    const context = createContext();
    expect(redeem(context, refreshToken(context), scope)).toMatchObject({ status: 400, body: '' });
  });

  test('accepts scopes that are repeated or joined by spaces', () => {
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
      ['accepts the null GUID with a refresh token', (context) => nullGuid(refreshToken(context)), 200, undefined],
      [
        'accepts the null GUID with an access token of that scope',
        (context) => nullGuid(accessToken(context, 'repository:hello:pull')),
        200,
        undefined,
      ],
      ['accepts a service principal', () => basic(CLIENT_ID, CLIENT_SECRET), 200, undefined],
      ['accepts the admin user', () => basic('contoso', 'admin1'), 200, undefined],
      ['accepts a repository token', () => basic('puller', 'one'), 200, undefined],
      ['accepts the second password of a repository token', () => basic('puller', 'two'), 200, undefined],
      ['rejects a caller without credentials', () => undefined, 401, GENERIC],
      ['rejects the null GUID with a malformed token', () => nullGuid('x'), 401, GENERIC],
      ['rejects the null GUID with an Entra token', (context) => nullGuid(entraToken(context)), 401, GENERIC],
      [
        'rejects the user name <token> with a refresh token',
        (context) => basic('<token>', refreshToken(context)),
        401,
        'Application not registered with AAD.',
      ],
      ['rejects the admin user with a wrong password', () => basic('contoso', 'x'), 401, GENERIC],
      ['rejects a repository token with an empty password', () => basic('puller', ''), 401, GENERIC],
      [
        'rejects an e-mail address as the user name',
        () => basic('me@contoso.com', 'x'),
        401,
        'Application not registered with AAD.',
      ],
      ['rejects an unknown application', () => basic(OBJECT_ID, 'x'), 401, 'Application not registered with AAD.'],
      [
        'rejects a service principal with a wrong secret',
        () => basic(CLIENT_ID, 'x'),
        401,
        'Invalid clientid or client secret.',
      ],
    ];
  test.each(CALLERS)('%s in a GET request', (_what, authorization, status, message) => {
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

  test('narrows the scope to what the presented access token allows', () => {
    const context = createContext();
    const login = nullGuid(accessToken(context, 'repository:hello:pull'));
    expect(accessOf(get(query({ scope: 'repository:hello:pull,push' }), context, login))).toEqual([
      { type: 'repository', name: 'hello', actions: ['pull'] },
    ]);
    expect(accessOf(get(query({ scope: 'repository:other:pull' }), context, login))).toEqual([]);
  });

  test('returns the refresh token only to an offline request of the null GUID', () => {
    const context = createContext();
    const token = refreshToken(context);
    expect(memberOf(get(query({ offline_token: 'true' }), context, nullGuid(token)), 'refresh_token')).toBe(token);
    expect(get(query({ offline_token: 'true' }), context, basic(CLIENT_ID, CLIENT_SECRET)).body).not.toContain(
      'refresh',
    );
    expect(get(query(), context, nullGuid(token)).body).not.toContain('refresh_token');
  });

  test('accepts a GET without a scope and grants no access', () => {
    const context = createContext();
    const answer = get(`${TOKEN_URL}?service=${LOGIN_SERVER}`, context, nullGuid(refreshToken(context)));
    expect(answer.status).toBe(200);
    expect(accessOf(answer)).toEqual([]);
  });

  test.each(['', 'fabrikam.azurecr.io'])('rejects the service %j', (service) => {
    const context = createContext();
    expect(get(query({ service }), context, nullGuid(refreshToken(context))).status).toBe(401);
  });

  test('accepts passwords by POST, and the null GUID unless nullGuidPassword is off', () => {
    const context = createContext();
    const form = { grant_type: 'password', service: LOGIN_SERVER, scope: 'repository:hello:pull' };
    const login = (username: string, password: string) => post(TOKEN_URL, { ...form, username, password }, context);
    expect(login(CLIENT_ID, CLIENT_SECRET).status).toBe(200);
    const token = refreshToken(context);
    expect(login('00000000-0000-0000-0000-000000000000', token).status).toBe(200);
    expect(login('00000000-0000-0000-0000-000000000000', 'stale').status).toBe(401);
    registry(context).nullGuidPassword = false;
    expect(login('00000000-0000-0000-0000-000000000000', token).status).toBe(401);
  });

  test('grants an anonymous caller read access and no more when anonymous pull is on', () => {
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

  test('rejects a refresh token after three hours', () => {
    const context = createContext();
    const token = refreshToken(context);
    expect(redeem({ ...context, now: NOW + 10_799 }, token, 'repository:hello:pull').status).toBe(200);
    expect(redeem({ ...context, now: NOW + 10_800 }, token, 'repository:hello:pull').status).toBe(401);
  });

  const FLIPS: readonly (readonly [string, (known: Registry) => void])[] = [
    [
      'the mode changed',
      (known) => {
        known.mode = 'abac';
      },
    ],
    [
      'the epoch increased',
      (known) => {
        known.epoch += 1;
      },
    ],
  ];
  test.each(FLIPS)('rejects tokens issued before %s', (_what, flip) => {
    const context = createContext();
    const token = refreshToken(context);
    const bearer = `Bearer ${accessToken(context, 'repository:hello:pull')}`;
    flip(registry(context));
    expect(redeem(context, token, 'repository:hello:pull').status).toBe(401);
    expect(get(`${BASE}/v2/`, context, bearer).status).toBe(401);
    expect(redeem(context, refreshToken(context), 'repository:hello:pull').status).toBe(200);
  });

  test('grants what both scope and role allow, by repository in ABAC mode', () => {
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

  test('lets an unrestricted identity read any repository with a wildcard scope', () => {
    const context = createContext();
    const bearer = `Bearer ${accessToken(context, 'repository:*:*')}`;
    expect(get(`${BASE}/v2/hello/manifests/1`, context, bearer).status).toBe(200);
  });

  test.each(['repository', 'repository:', '::', 'a:b:', ':b:c'])('ignores the malformed scope %j', (scope) => {
    const context = createContext();
    expect(accessOf(redeem(context, refreshToken(context), scope))).toEqual([]);
  });
});
