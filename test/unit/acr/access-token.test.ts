/** The request for an access token of a scope. */
import { expect, test } from 'vitest';
import { requestAccessToken } from '../../../src/acr/access-token.ts';
import { catchFailure } from '../failure.ts';
import { registryNamed } from '../registry-named.ts';
import { makeToken } from '../token.ts';
import { answer, toolsAnswering } from '../token-context.ts';

const REGIONAL = registryNamed('myregistry.westeurope.geo.azurecr.io');
const REFRESH_TOKEN = makeToken({ exp: 2_000_000_000 });

test('requestAccessToken sends each scope as a field of its own', async () => {
  const { context, requests } = toolsAnswering(answer(200, { access_token: 'the-access-token' }));
  const scopes = ['repository:a:pull', 'repository:b:pull'];
  expect((await requestAccessToken(context.runtime, context.http, REGIONAL, REFRESH_TOKEN, scopes)).token).toBe(
    'the-access-token',
  );
  expect(requests[0]?.url).toBe('https://myregistry.westeurope.geo.azurecr.io/oauth2/token');
  expect(requests[0]?.form).toEqual([
    ['grant_type', 'refresh_token'],
    ['service', 'myregistry.azurecr.io'],
    ['scope', 'repository:a:pull'],
    ['scope', 'repository:b:pull'],
    ['refresh_token', REFRESH_TOKEN],
  ]);
});

test('requestAccessToken explains a 401 by docker logout, and by the registry’s own words', async () => {
  const body = { errors: [{ code: 'UNAUTHORIZED', message: 'token is revoked' }] };
  const { context } = toolsAnswering(answer(401, body));
  const failure = await catchFailure(() =>
    requestAccessToken(context.runtime, context.http, REGIONAL, REFRESH_TOKEN, ['x']),
  );
  expect(failure.code).toBe('TOKEN_REFUSED');
  expect(failure.hint).toBe('docker logout myregistry.westeurope.geo.azurecr.io');
  expect(failure.causes).toEqual(['HTTP 401 UNAUTHORIZED: token is revoked']);
});

test('requestAccessToken rejects a status 403', async () => {
  const { context } = toolsAnswering(answer(403, ''));
  const failure = await catchFailure(() =>
    requestAccessToken(context.runtime, context.http, REGIONAL, REFRESH_TOKEN, ['x']),
  );
  expect(failure.code).toBe('REGISTRY_REFUSED');
});
