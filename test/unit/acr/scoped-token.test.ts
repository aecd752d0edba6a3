import { describe, expect, test } from 'vitest';
import { kindOf, requestScopedToken } from '../../../src/acr/scoped-token.ts';
import { registryNamed } from '../registry-named.ts';
import { NOW_SECONDS } from '../runtime.ts';
import { answer, toolsAnswering } from '../token-context.ts';

const NULL_GUID = '00000000-0000-0000-0000-000000000000';
const REGISTRY = registryNamed('myregistry.eastus.geo.azurecr.io');
const SCOPE = ['repository:a:pull', 'registry:catalog:*'];

function tokenWith(claims: object): string {
  return `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
}
const REFRESH = tokenWith({ grant_type: 'refresh_token' });
const ACCESS = tokenWith({ grant_type: 'access_token', exp: NOW_SECONDS + 4500 });

describe('kindOf', () => {
  test.each([
    [NULL_GUID, REFRESH, 'refresh-token'],
    ['<token>', REFRESH, 'refresh-token'],
    [NULL_GUID, ACCESS, 'access-token'],
    [NULL_GUID, 'opaque', 'refresh-token'],
    ['admin', 'password', 'password'],
    ['admin', REFRESH, 'password'],
  ])('of the user %s with %s is %s', (username, secret, kind) => {
    expect(kindOf({ username, secret })).toBe(kind);
  });
});

describe('requestScopedToken', () => {
  const request = async (credential: { readonly username: string; readonly secret: string } | undefined) => {
    const { context, requests } = toolsAnswering(answer(200, { access_token: ACCESS }));
    const complete = credential === undefined ? undefined : { serverUrl: REGISTRY.host, ...credential };
    const token = await requestScopedToken(context.runtime, context.http, REGISTRY, complete, SCOPE);
    expect(token).toEqual({ token: ACCESS, expiresAtSeconds: NOW_SECONDS + 4500 });
    expect(context.runtime.secrets).toContain(ACCESS);
    return requests[0];
  };

  test('redeems a refresh token, with each scope in a field of its own', async () => {
    const { method, url, form, headers } = (await request({ username: '<token>', secret: REFRESH })) ?? {};
    expect([method, url, headers]).toEqual(['POST', `https://${REGISTRY.host}/oauth2/token`, undefined]);
    expect(form?.filter(([name]) => name === 'scope').map(([, value]) => value)).toEqual(SCOPE);
  });

  test.each([
    ['a password', 'admin', 'p:ä'],
    ['an access token', NULL_GUID, ACCESS],
  ])('sends %s with Basic, for all scopes', async (_what, username, secret) => {
    const { method, url = '', headers } = (await request({ username, secret })) ?? {};
    expect(method).toBe('GET');
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      service: REGISTRY.service,
      scope: SCOPE.join(' '),
    });
    const basic = Buffer.from(`${username}:${secret}`).toString('base64');
    expect(headers).toEqual({ authorization: `Basic ${basic}` });
  });

  test('sends nothing for nobody', async () => {
    expect(await request(undefined)).toMatchObject({ method: 'GET' });
    expect(await request(undefined)).not.toHaveProperty('headers');
  });
});
