import { describe, expect, test } from 'vitest';
import type { EmulatedResponse } from './message.ts';

import { createRequest } from './message.ts';
import { CLIENT_ID, CLIENT_SECRET, type Context } from './state.ts';
import {
  accessToken,
  ask,
  basic,
  createContext,
  get,
  LOGIN_SERVER,
  NOW,
  nullGuid,
  REQUEST_ID,
  refreshToken,
  registry,
} from './test-client.ts';

const BASE = `https://${LOGIN_SERVER}`;
const GENERIC = 'authentication required, visit https://aka.ms/acr/authorization for more information.';
const CHALLENGE = `Bearer realm="${BASE}/oauth2/token",service="${LOGIN_SERVER}"`;

function challengeOf(response: EmulatedResponse): unknown {
  return response.headers['Www-Authenticate'];
}

function messageOf(response: EmulatedResponse): string | undefined {
  return /"message":"([^"]*)"/.exec(response.body)?.[1];
}

describe('the registry API', () => {
  test('answers an anonymous request with the challenge recorded from the service, byte for byte', () => {
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

  test('puts the correlation id into the error message', () => {
    expect(messageOf(get(`${BASE}/v2/`, createContext()))).toBe(`${GENERIC} CorrelationId: ${REQUEST_ID}`);
  });

  test('names the realm of a regional host and the service of the global login server', () => {
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
    ['GET', '/acr/v1/team%2Fhello/_manifests', 'repository:team/hello:metadata_read'],
    ['PATCH', '/acr/v1/hello', 'repository:hello:metadata_write,metadata_read'],
    ['DELETE', '/acr/v1/hello/_tags/1', 'repository:hello:delete'],
  ])('answers %s %s with a challenge for %s', (method, path, scope) => {
    const answer = ask(createRequest({ method, url: BASE + path }), createContext());
    expect(challengeOf(answer)).toBe(`${CHALLENGE},scope="${scope}"`);
  });

  test.each(['/acr/v1/%zz', '/acr/v1/team%2/_tags', '/acr/v1/%C3%28'])(
    'answers %s, whose percent-encoding is broken, with 400',
    (path) => {
      expect(get(BASE + path, createContext()).status).toBe(400);
    },
  );

  test('spells out the scope in the error detail', () => {
    const { body } = get(`${BASE}/v2/hello/manifests/1`, createContext());
    expect(body).toContain('"detail":[{"Type":"repository","Name":"hello","Action":"pull"}]');
  });

  test.each([
    ['Bearer', 'invalid_token'],
    ['Bearer ', 'invalid_token'],
    ['Bearer a.b.c', 'invalid_token'],
    ['Digest x', 'invalid_token'],
  ])('answers the authorization %j with %s', (authorization, error) => {
    expect(challengeOf(get(`${BASE}/v2/`, createContext(), authorization))).toBe(`${CHALLENGE},error="${error}"`);
  });

  test('rejects a refresh token sent as a bearer token with invalid_token', () => {
    const context = createContext();
    expect(challengeOf(get(`${BASE}/v2/`, context, `Bearer ${refreshToken(context)}`))).toContain('invalid_token');
  });

  test('rejects a token for another repository with insufficient_scope and an expired one with invalid_token', () => {
    const context = createContext();
    const bearer = `Bearer ${accessToken(context, 'repository:hello:pull')}`;
    expect(get(`${BASE}/v2/`, context, bearer).body).toBe('to registry');
    expect(get(`${BASE}/v2/hello/tags/list`, context, bearer).body).toBe('to registry');
    expect(challengeOf(get(`${BASE}/v2/hell/tags/list`, context, bearer))).toContain('insufficient_scope');
    expect(get(`${BASE}/v2/hello/tags/list`, { ...context, now: NOW + 4499 }, bearer).status).toBe(200);
    expect(challengeOf(get(`${BASE}/v2/`, { ...context, now: NOW + 4500 }, bearer))).toContain('invalid_token');
  });

  test('rejects a token of another registry with invalid_token', () => {
    const context = createContext();
    const bearer = `Bearer ${accessToken(context, 'repository:hello:pull')}`;
    expect(challengeOf(get('https://fabrikam.azurecr.io/v2/', context, bearer))).toContain('invalid_token');
  });

  const BASICS: readonly (readonly [string, (context: Context) => string, number])[] = [
    ['rejects a wrong password', () => basic('nobody', 'x'), 401],
    ['rejects malformed credentials', () => 'Basic !!!', 401],
    ['rejects the null GUID with a refresh token', (context) => nullGuid(refreshToken(context)), 401],
    ['accepts a service principal', () => basic(CLIENT_ID, CLIENT_SECRET), 200],
    ['accepts the admin user', () => basic('contoso', 'admin1'), 200],
    ['rejects a repository token', () => basic('puller', 'one'), 401],
  ];
  test.each(BASICS)('%s over Basic authentication', (_what, authorization, status) => {
    const context = createContext();
    const known = registry(context);
    known.adminUser = { username: 'contoso', passwords: ['admin1'] };
    known.repositoryTokens.set('puller', { passwords: ['one'], scopeMap: { hello: ['pull'] } });
    const answer = get(`${BASE}/v2/`, context, authorization(context));
    expect(answer.status).toBe(status);
    expect(challengeOf(answer)).toBe(status === 401 ? 'Basic realm="Azure Container Registry"' : undefined);
  });
});

describe('ACR', () => {
  test.each(['/v2/', '/oauth2/exchange', '/oauth2/token', '/nowhere'])(
    'refuses %s with 403 behind a firewall',
    (path) => {
      const context = createContext();
      registry(context).firewall = '203.0.113.7';
      const answer = get(BASE + path, context);
      expect(answer.status).toBe(403);
      expect(messageOf(answer)).toBe(
        "client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access. " +
          `CorrelationId: ${REQUEST_ID}`,
      );
      expect(challengeOf(answer)).toBeUndefined();
    },
  );

  test('refuses a login at a data endpoint with DENIED', () => {
    const answer = get('https://contoso.eastus.data.azurecr.io/v2/', createContext());
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('"code":"DENIED"');
  });

  test.each(['/', '/v3/', '/oauth2', '/oauth2/exchange/'])('answers %s with 404', (path) => {
    expect(get(BASE + path, createContext()).status).toBe(404);
  });
});
