import { describe, expect, test } from 'vitest';
import { parseJsonRecord } from './json.ts';
import { createRequest } from './message.ts';
import { findTenant, OBJECT_ID, type Registry, TENANT_ID } from './state.ts';
import {
  ask,
  createContext,
  entraToken,
  exchange,
  LOGIN_SERVER,
  memberOf,
  NOW,
  post,
  REQUEST_ID,
  refreshToken,
  registry,
} from './test-client.ts';
import { decodeToken } from './tokens.ts';

const BASE = `https://${LOGIN_SERVER}`;
const GENERIC = 'authentication required, visit https://aka.ms/acr/authorization for more information.';

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return decodeToken(token)?.claims ?? {};
}

describe('the exchange', () => {
  test('returns a refresh token valid for three hours and nothing else', () => {
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

  test('returns a refresh token with the identity and no permissions in ABAC mode', () => {
    const context = createContext();
    registry(context).mode = 'abac';
    const claims = claimsOf(refreshToken(context));
    expect(claims).toMatchObject({ aad_identity: OBJECT_ID });
    expect(claims).not.toHaveProperty('permissions');
  });

  test('accepts only the audience configured for the registry', () => {
    const context = createContext();
    const audience = 'https://registry.local.contoso.com';
    registry(context).audience = audience;
    findTenant(context.state, TENANT_ID)?.resources.add(audience);
    expect(exchange(context, entraToken(context, { scope: `${audience}/.default` })).status).toBe(200);
    expect(exchange(context, entraToken(context)).status).toBe(401);
  });

  test('accepts a regional host only with the service of the global login server', () => {
    const context = createContext();
    const form = { grant_type: 'access_token', service: LOGIN_SERVER, access_token: entraToken(context) };
    expect(post('https://contoso.westeurope.geo.azurecr.io/oauth2/exchange', form, context).status).toBe(200);
    const wrong = { ...form, service: 'contoso.westeurope.geo.azurecr.io' };
    expect(post('https://contoso.westeurope.geo.azurecr.io/oauth2/exchange', wrong, context).status).toBe(401);
  });

  test('accepts the form that the kubelet sends', () => {
    const context = createContext();
    const token = entraToken(context);
    const form = { grant_type: 'access_token_refresh_token', refresh_token: token };
    expect(exchange(context, token, form).status).toBe(200);
  });

  test.each(['GET', 'PUT', 'HEAD'])('answers %s with 404', (method) => {
    expect(ask(createRequest({ method, url: `${BASE}/oauth2/exchange` }), createContext()).status).toBe(404);
  });

  test.each([{ grant_type: '' }, { service: '' }, { grant_type: 'magic' }])(
    'answers 400 when the form has %j',
    (form) => {
      const context = createContext();
      expect(exchange(context, entraToken(context), form).status).toBe(400);
    },
  );

  const REFUSED: readonly (readonly [string, (known: Registry) => void, Record<string, string>])[] = [
    ['the service is another registry', () => undefined, { service: 'fabrikam.azurecr.io' }],
    ['there is no token', () => undefined, { access_token: '' }],
    ['the token is malformed', () => undefined, { access_token: 'a.b.c' }],
    [
      'the identity has no role',
      (known) => {
        known.defaultRole = { actions: [] };
      },
      {},
    ],
    ['the role of the identity allows nothing', (known) => known.roles.set(OBJECT_ID, { actions: [] }), {}],
    [
      'the registry belongs to another tenant',
      (known) => {
        known.homeTenant = OBJECT_ID;
      },
      {},
    ],
  ];
  test.each(REFUSED)('answers with the generic 401 when %s', (_why, prepare, form) => {
    const context = createContext();
    prepare(registry(context));
    const answer = exchange(context, entraToken(context), form);
    expect(answer.status).toBe(401);
    expect(answer.body).toBe(
      `{"errors":[{"code":"UNAUTHORIZED","message":"${GENERIC} CorrelationId: ${REQUEST_ID}"}]}\n`,
    );
  });

  test('refuses with an empty body when emptyRefusals is set', () => {
    const context = createContext();
    registry(context).emptyRefusals = true;
    expect(exchange(context, 'x')).toMatchObject({ status: 401, body: '' });
  });

  test('rejects an expired Entra token', () => {
    const context = createContext();
    const token = entraToken(context);
    expect(exchange({ ...context, now: NOW + 3599 }, token).status).toBe(401);
  });

  test.each(['https://management.azure.com/.default', 'https://management.core.windows.net//.default'])(
    'accepts the ARM audience %s unless the registry refuses ARM tokens',
    (scope) => {
      const context = createContext();
      const token = entraToken(context, { scope });
      expect(exchange(context, token).status).toBe(200);
      registry(context).armTokens = false;
      expect(exchange(context, token).status).toBe(401);
      expect(exchange(context, entraToken(context)).status).toBe(200);
    },
  );

  test('rejects the audience of Microsoft Graph', () => {
    const context = createContext();
    expect(exchange(context, entraToken(context, { scope: 'https://graph.microsoft.com/.default' })).status).toBe(401);
  });
});
