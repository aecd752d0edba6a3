/** Requests to the registry's own token service. */
import { describe, expect, test } from 'vitest';
import { exchangeToken, requestAccessToken } from '../../../src/acr/exchange.ts';
import type { HttpResponse } from '../../../src/network/http.ts';
import { catchFailure } from '../failure.ts';
import { registryNamed } from '../registry-named.ts';
import { makeToken } from '../token.ts';
import { answer, toolsAnswering } from '../token-context.ts';

const REGISTRY = registryNamed('myregistry.azurecr.io');
const REGIONAL = registryNamed('myregistry.westeurope.geo.azurecr.io');
const ENTRA_TOKEN = makeToken({ appid: 'the-client', tid: 'the-tenant', oid: 'the-object' });
const REFRESH_TOKEN = makeToken({ exp: 2_000_000_000 });

describe('exchangeToken', () => {
  test('returns the refresh token and its expiry', async () => {
    const { context, requests } = toolsAnswering(answer(200, { refresh_token: REFRESH_TOKEN }));
    const token = await exchangeToken(context, REGISTRY, ENTRA_TOKEN, undefined);
    expect(token).toEqual({ token: REFRESH_TOKEN, expiresAtSeconds: 2_000_000_000 });
    expect(requests).toMatchObject([
      {
        method: 'POST',
        url: 'https://myregistry.azurecr.io/oauth2/exchange',
        form: [
          ['grant_type', 'access_token'],
          ['service', 'myregistry.azurecr.io'],
          ['access_token', ENTRA_TOKEN],
        ],
      },
    ]);
  });

  test('asks a regional endpoint for the global service, and sends the chosen tenant', async () => {
    const { context, requests } = toolsAnswering(answer(200, { refresh_token: REFRESH_TOKEN }));
    await exchangeToken(context, REGIONAL, ENTRA_TOKEN, 'the-tenant');
    expect(requests[0]?.url).toBe('https://myregistry.westeurope.geo.azurecr.io/oauth2/exchange');
    expect(requests[0]?.form).toContainEqual(['service', 'myregistry.azurecr.io']);
    expect(requests[0]?.form).toContainEqual(['tenant', 'the-tenant']);
  });

  test('returns a token whose expiry cannot be read', async () => {
    for (const refreshToken of ['opaque', makeToken({ sub: 'x' }), 'a.b.c']) {
      const { context } = toolsAnswering(answer(200, { refresh_token: refreshToken }));
      const token = await exchangeToken(context, REGISTRY, ENTRA_TOKEN, undefined);
      expect(token).toEqual({ token: refreshToken, expiresAtSeconds: undefined });
    }
  });
});

test('requestAccessToken sends each scope as a field of its own', async () => {
  const { context, requests } = toolsAnswering(answer(200, { access_token: 'the-access-token' }));
  const scopes = ['repository:a:pull', 'repository:b:pull'];
  expect((await requestAccessToken(context, REGIONAL, REFRESH_TOKEN, scopes)).token).toBe('the-access-token');
  expect(requests[0]?.url).toBe('https://myregistry.westeurope.geo.azurecr.io/oauth2/token');
  expect(requests[0]?.form).toEqual([
    ['grant_type', 'refresh_token'],
    ['service', 'myregistry.azurecr.io'],
    ['scope', 'repository:a:pull'],
    ['scope', 'repository:b:pull'],
    ['refresh_token', REFRESH_TOKEN],
  ]);
});

describe('exchangeToken explains the response', () => {
  const denied = { errors: [{ code: 'DENIED', message: "client with IP '203.0.113.7' is not allowed access" }] };
  const rows: readonly (readonly [response: HttpResponse, message: RegExp, hint: RegExp, cause: RegExp])[] = [
    [
      answer(401, { errors: [{ code: 'UNAUTHORIZED', message: 'no' }] }),
      /: the-client has no role on the registry/,
      /^az role assignment create --role AcrPull --assignee the-client /,
      /^HTTP 401 UNAUTHORIZED: no$/,
    ],
    [
      answer(403, denied),
      /firewall of myregistry\.azurecr\.io blocks 203\.0\.113\.7/,
      /az acr network-rule add -n myregistry --ip-address 203\.0\.113\.7$/,
      /^HTTP 403 DENIED: client/,
    ],
    [answer(403, '<html>Blocked</html>'), /denies access/, /az acr show -n myregistry/, /^HTTP 403: Blocked$/],
    [answer(404, ''), /has no token service/, /az acr show/, /^HTTP 404 with an empty body$/],
    [answer(429, '', { 'retry-after': '30' }), /too many requests/, /wait 30 seconds/, /429/],
    [answer(429, ''), /too many requests/, /wait a minute/, /429/],
    [answer(500, '\u001B[2Joops'), /returned HTTP 500/, /az acr check-health -n myregistry/, /^HTTP 500: \[2Joops$/],
    [answer(503, { errors: 'x' }), /returned HTTP 503/, /az acr check-health/, /^HTTP 503: /],
    [answer(418, { errors: [null] }), /returned HTTP 418/, /az acr check-health/, /^HTTP 418: /],
  ];
  for (const [response, message, hint, cause] of rows) {
    test(`${response.status} ${response.body.slice(0, 60)} with the hint ${hint}`, async () => {
      const { context } = toolsAnswering(response);
      const failure = await catchFailure(() => exchangeToken(context, REGISTRY, ENTRA_TOKEN, undefined));
      expect(failure.code).toBe('REGISTRY_REFUSED');
      expect(failure.message).toMatch(message);
      expect(failure.hint).toMatch(hint);
      expect(failure.causes[0]).toMatch(cause);
      expect(JSON.stringify([failure.message, failure.hint, failure.causes])).not.toContain(ENTRA_TOKEN);
    });
  }

  test('with its correlation id', async () => {
    const { context } = toolsAnswering(answer(500, '', { 'x-ms-correlation-request-id': 'the-id' }));
    const failure = await catchFailure(() => exchangeToken(context, REGISTRY, ENTRA_TOKEN, undefined));
    expect(failure.causes).toContain('correlation id the-id');
  });

  test('without naming an account when the token does not', async () => {
    for (const token of ['opaque', '', makeToken({ upn: 7, appid: [] })]) {
      const { context } = toolsAnswering(answer(401, ''));
      const failure = await catchFailure(() => exchangeToken(context, REGISTRY, token, undefined));
      expect(failure.message).toContain('the identity has no role on the registry');
    }
  });
});

describe('exchangeToken rejects', () => {
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"refresh_token":""}',
    '{"refresh_token":7}',
    '{"access_token":"x"}',
    '<html>',
  ]) {
    test(`status 200 with the body ${JSON.stringify(body)}`, async () => {
      const { context } = toolsAnswering(answer(200, body));
      const failure = await catchFailure(() => exchangeToken(context, REGISTRY, ENTRA_TOKEN, undefined));
      expect(failure.code).toBe('ANSWER_INVALID');
      expect(failure.message).toContain('myregistry.azurecr.io returned no refresh_token');
    });
  }

  test('status 400 with a token', async () => {
    const { context } = toolsAnswering(answer(400, { refresh_token: REFRESH_TOKEN }));
    expect((await catchFailure(() => exchangeToken(context, REGISTRY, ENTRA_TOKEN, undefined))).code).toBe(
      'REGISTRY_REFUSED',
    );
  });
});
