/** Requests to the registry's own token service. */
import { describe, expect, test } from 'vitest';
import { exchangeToken } from '../../../src/acr/exchange.ts';
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
    const token = await exchangeToken(context.runtime, context.http, REGISTRY, ENTRA_TOKEN, undefined);
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
    await exchangeToken(context.runtime, context.http, REGIONAL, ENTRA_TOKEN, 'the-tenant');
    expect(requests[0]?.url).toBe('https://myregistry.westeurope.geo.azurecr.io/oauth2/exchange');
    expect(requests[0]?.form).toContainEqual(['service', 'myregistry.azurecr.io']);
    expect(requests[0]?.form).toContainEqual(['tenant', 'the-tenant']);
  });

  test('returns a token whose expiry cannot be read', async () => {
    for (const refreshToken of ['opaque', makeToken({ sub: 'x' }), 'a.b.c']) {
      const { context } = toolsAnswering(answer(200, { refresh_token: refreshToken }));
      const token = await exchangeToken(context.runtime, context.http, REGISTRY, ENTRA_TOKEN, undefined);
      expect(token).toEqual({ token: refreshToken, expiresAtSeconds: undefined });
    }
  });
});

describe('exchangeToken explains a 401', () => {
  const explain = async (entraToken: string, response = answer(401, '')) => {
    const { context } = toolsAnswering(response);
    return await catchFailure(() => exchangeToken(context.runtime, context.http, REGISTRY, entraToken, undefined));
  };

  test('by the account, the role that it needs and the tenant that it signed in to', async () => {
    const body = { errors: [{ code: 'UNAUTHORIZED', message: 'no' }] };
    const failure = await explain(ENTRA_TOKEN, answer(401, body, { 'x-ms-correlation-request-id': 'the-id' }));
    expect(failure.code).toBe('TOKEN_REFUSED');
    expect(failure.message).toMatch(/^the-client has no role on the registry/);
    expect(failure.hint).toMatch(/^az role assignment create --role AcrPull --assignee the-client /);
    expect(failure.causes).toEqual([
      'HTTP 401 UNAUTHORIZED: no',
      'the identity signed in to tenant the-tenant',
      'correlation id the-id',
    ]);
    expect(JSON.stringify([failure.message, failure.hint, failure.causes])).not.toContain(ENTRA_TOKEN);
  });

  test.each([
    ['upn', { upn: 'ada@contoso.com', appid: 'app', azp: 'azp', oid: 'oid' }],
    ['appid', { appid: 'app', azp: 'azp', oid: 'oid' }],
    ['azp', { azp: 'azp', oid: 'oid' }],
    ['oid', { oid: 'oid' }],
  ])('by the claim %s before those that say less', async (claim, claims) => {
    const failure = await explain(makeToken(claims));
    expect(failure.message).toContain(`${Object.entries(claims).find(([name]) => name === claim)?.[1]} has no role`);
  });

  test('without naming an account when the token does not', async () => {
    for (const token of ['opaque', '', makeToken({ upn: 7, appid: [] })]) {
      expect((await explain(token)).message).toContain('the identity has no role on the registry');
    }
  });

  test('of a token for Azure Resource Manager by how the registry is set to take those', async () => {
    const failure = await explain(makeToken({ appid: 'the-client', aud: 'https://management.azure.com/' }));
    expect(failure.code).toBe('TOKEN_REFUSED');
    expect(failure.hint).toBe('az acr config authentication-as-arm show -r myregistry');
  });
});

test('exchangeToken rejects a status 400 with a token', async () => {
  const { context } = toolsAnswering(answer(400, { refresh_token: REFRESH_TOKEN }));
  expect(
    (await catchFailure(() => exchangeToken(context.runtime, context.http, REGISTRY, ENTRA_TOKEN, undefined))).code,
  ).toBe('REGISTRY_REFUSED');
});
