import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { startEmulator } from './emulator.ts';
import { parseAuthorizeForm } from './entra-authorize.ts';
import { parseJsonRecord } from './json.ts';
import type { EmulatedResponse } from './message.ts';

import {
  AZURE_CLI_CLIENT_ID,
  AZURE_POWERSHELL_CLIENT_ID,
  addApplication,
  CLIENT_ID,
  type Context,
  findTenant,
  TENANT_ID,
  type Tenant,
} from './state.ts';
import { USER_NAME, USER_OBJECT_ID } from './state-sign-in.ts';
import { createContext, exchange, get, memberOf, NOW, post, registry } from './test-client.ts';
import { decodeToken } from './tokens.ts';

const BASE = 'https://login.microsoftonline.com/organizations/oauth2/v2.0';
const SCOPE = 'https://containerregistry.azure.net/.default openid profile offline_access';
const CLIENT = { client_id: AZURE_CLI_CLIENT_ID };
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

const OWN_ID = '77777777-2222-4333-8444-555555555555';

function begin(context: Context, form: Record<string, string> = {}): string {
  return memberOf(post(`${BASE}/devicecode`, { ...CLIENT, scope: SCOPE, ...form }, context), 'device_code');
}

function tenantOf({ state }: Context): Tenant {
  const tenant = findTenant(state, TENANT_ID);
  if (tenant === undefined) throw new Error('the emulator has a tenant');
  return tenant;
}

function poll(context: Context, code: string, form: Record<string, string> = {}): EmulatedResponse {
  return post(`${BASE}/token`, { ...CLIENT, grant_type: DEVICE_CODE, device_code: code, ...form }, context);
}

function signIn(context: Context): EmulatedResponse {
  return poll(context, begin(context));
}

function refresh(context: Context, token: string, form: Record<string, string> = {}): EmulatedResponse {
  const grant = { ...CLIENT, grant_type: 'refresh_token', refresh_token: token, scope: SCOPE };
  return post(`${BASE}/token`, { ...grant, ...form }, context);
}

describe('the device code grant', () => {
  test('tells the user which code to enter where', () => {
    const answer = post(`${BASE}/devicecode`, { ...CLIENT, scope: SCOPE }, createContext());
    expect(parseJsonRecord(answer.body)).toMatchObject({
      user_code: expect.stringMatching(/^[0-9A-F]{9}$/),
      verification_uri: 'https://microsoft.com/devicelogin',
      expires_in: 900,
      interval: 5,
    });
  });

  test.each([DEVICE_CODE, 'device_code'])('issues the tokens of a user for the grant type %s', (grant) => {
    const context = createContext();
    const answer = poll(context, begin(context), { grant_type: grant, client_info: '1' });
    expect(parseJsonRecord(answer.body)).toMatchObject({ token_type: 'Bearer', expires_in: 3599, foci: '1' });
    const claims = { oid: USER_OBJECT_ID, tid: TENANT_ID };
    expect(decodeToken(memberOf(answer, 'access_token'))?.claims).toMatchObject({ ...claims, upn: USER_NAME });
    expect(decodeToken(memberOf(answer, 'id_token'))?.claims).toMatchObject({ ...claims, aud: AZURE_CLI_CLIENT_ID });
    const info = parseJsonRecord(Buffer.from(memberOf(answer, 'client_info'), 'base64url').toString());
    expect(info).toEqual({ uid: USER_OBJECT_ID, utid: TENANT_ID });
    expect(context.state.issuedSecrets).toContain(memberOf(answer, 'refresh_token'));
  });

  test('stays pending for the configured number of polls, then succeeds once', () => {
    const context = createContext();
    context.state.signIn.pendingPolls = 2;
    const code = begin(context);
    const errors = [1, 2, 3, 4].map(() => memberOf(poll(context, code), 'error'));
    expect(errors).toEqual(['authorization_pending', 'authorization_pending', '', 'bad_verification_code']);
  });

  const OUTCOMES: readonly (readonly [string, (context: Context) => EmulatedResponse, string])[] = [
    [
      'the user declines',
      (context) => {
        context.state.signIn.declines = true;
        return signIn(context);
      },
      'authorization_declined',
    ],
    ['the code has expired', (context) => poll({ ...context, now: NOW + 900 }, begin(context)), 'expired_token'],
    ['the code is unknown', (context) => poll(context, 'x'), 'bad_verification_code'],
    [
      'a public client sends a secret',
      (context) => poll(context, begin(context), { client_secret: 'x' }),
      'invalid_client',
    ],
    [
      'the client is confidential',
      (context) => poll(context, begin(context), { client_id: CLIENT_ID }),
      'invalid_client',
    ],
    [
      'Entra requires a second factor',
      (context) => {
        const text =
          'Due to a configuration change made by your administrator, you must use multi-factor authentication.';
        context.state.signIn.refusal = { error: 'interaction_required', code: 50076, text, claims: '{"x":1}' };
        return signIn(context);
      },
      'interaction_required',
    ],
  ];
  test.each(OUTCOMES)('fails when %s', (_why, act, error) => {
    const answer = act(createContext());
    expect(memberOf(answer, 'error')).toBe(error);
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });
});

describe('an Entra refresh token', () => {
  test('yields new tokens for any resource and stays valid itself', () => {
    const context = createContext();
    const first = memberOf(signIn(context), 'refresh_token');
    const scope = 'https://management.azure.com/.default offline_access';
    const second = refresh(context, first, { scope });
    expect(decodeToken(memberOf(second, 'access_token'))?.claims).toMatchObject({
      aud: 'https://management.azure.com',
    });
    expect(memberOf(second, 'refresh_token')).not.toBe(first);
    expect(refresh(context, first).status).toBe(200);
  });

  test.each([
    ['was revoked', { isRevoked: true }, 50173],
    ['has expired', { expiresAtSeconds: NOW }, 700082],
  ])('fails when it %s', (_what, change, code) => {
    const context = createContext();
    const token = memberOf(signIn(context), 'refresh_token');
    Object.assign(context.state.signIn.refreshTokens.get(token) ?? {}, change);
    const answer = refresh(context, token);
    expect(parseJsonRecord(answer.body)).toMatchObject({
      error: 'invalid_grant',
      suberror: 'bad_token',
      error_codes: [code],
    });
  });

  test.each([{ refresh_token: 'x' }, { scope: 'https://contoso.azurecr.io/.default' }, { scope: 'a://b/c d://e/f' }])(
    'fails when the form has %j',
    (form) => {
      const context = createContext();
      expect(refresh(context, memberOf(signIn(context), 'refresh_token'), form).status).toBe(400);
    },
  );

  test('belongs to its user, whoever signs in now', () => {
    const context = createContext();
    const token = memberOf(signIn(context), 'refresh_token');
    context.state.signIn.user = { name: 'bob@contoso.onmicrosoft.com', displayName: 'Bob', objectId: CLIENT_ID };
    const { claims } = decodeToken(memberOf(refresh(context, token), 'access_token')) ?? {};
    expect(claims).toMatchObject({ upn: USER_NAME });
  });

  test('is revoked by its use where the state says so', () => {
    const context = createContext();
    context.state.signIn.revokesUsedTokens = true;
    const first = memberOf(signIn(context), 'refresh_token');
    const second = memberOf(refresh(context, first), 'refresh_token');
    expect(memberOf(refresh(context, first), 'suberror')).toBe('bad_token');
    expect(refresh(context, second).status).toBe(200);
  });

  test('of a family works for the other clients of the family, and for no client outside it', () => {
    const context = createContext();
    const own = addApplication(tenantOf(context), { clientId: OWN_ID, objectId: OWN_ID, isPublic: true });
    const token = memberOf(signIn(context), 'refresh_token');
    const answer = refresh(context, token, { client_id: AZURE_POWERSHELL_CLIENT_ID });
    expect(parseJsonRecord(answer.body)).toMatchObject({ foci: '1' });
    expect(memberOf(refresh(context, token, { client_id: own.clientId }), 'suberror')).toBe('client_mismatch');
    const form = { client_id: own.clientId };
    const ownToken = memberOf(poll(context, begin(context, form), form), 'refresh_token');
    expect(refresh(context, ownToken, form).status).toBe(200);
    expect(memberOf(refresh(context, ownToken), 'error')).toBe('invalid_grant');
  });

  test('is refused with claims until a sign-in has passed them on', () => {
    const context = createContext();
    const token = memberOf(signIn(context), 'refresh_token');
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
    context.state.signIn.demandedClaims = claims;
    const refused = parseJsonRecord(refresh(context, token).body);
    expect(refused).toMatchObject({ error: 'interaction_required', claims });
    const again = memberOf(poll(context, begin(context, { claims })), 'refresh_token');
    const renewed = refresh(context, again);
    expect(renewed.status).toBe(200);
    expect(refresh(context, memberOf(renewed, 'refresh_token')).status).toBe(200);
  });

  test('works in the deprecated grant of the ACR exchange until it is revoked', () => {
    const context = createContext();
    const token = memberOf(signIn(context), 'refresh_token');
    const form = { grant_type: 'refresh_token', refresh_token: token };
    const answer = exchange(context, '', form);
    expect(decodeToken(memberOf(answer, 'refresh_token'))?.claims).toMatchObject({ sub: USER_NAME });
    Object.assign(context.state.signIn.refreshTokens.get(token) ?? {}, { isRevoked: true });
    expect(exchange(context, '', form).status).toBe(401);
  });
});

test('the ACR exchange grants a user the permissions of the user’s own role', () => {
  const context = createContext();
  registry(context).roles.set(USER_OBJECT_ID, { actions: ['pull'] });
  const answer = exchange(context, memberOf(signIn(context), 'access_token'));
  expect(decodeToken(memberOf(answer, 'refresh_token'))?.claims).toMatchObject({
    sub: USER_NAME,
    permissions: { actions: ['read'] },
  });
});

describe('the authorization code grant', () => {
  const verifier = randomBytes(32).toString('base64url');
  const redirectUri = 'http://localhost:12345';

  function authorizeUrl(more: Record<string, string> = {}): string {
    const query = new URLSearchParams({
      ...CLIENT,
      response_type: 'code',
      redirect_uri: redirectUri,
      response_mode: 'form_post',
      scope: SCOPE,
      state: 'a&b"c<d',
      nonce: 'once',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    });
    return `${BASE}/authorize?${query}`;
  }

  function redeem(context: Context, code: string, form: Record<string, string> = {}): EmulatedResponse {
    const grant = { ...CLIENT, grant_type: 'authorization_code', redirect_uri: redirectUri, code_verifier: verifier };
    return post(`${BASE}/token`, { ...grant, code, scope: SCOPE, ...form }, context);
  }

  function authorize(context: Context): string {
    return parseAuthorizeForm(get(authorizeUrl(), context).body)?.body.get('code') ?? '';
  }

  test('returns the code in a form with the state unchanged and accepts it once', () => {
    const context = createContext();
    const form = parseAuthorizeForm(get(authorizeUrl(), context).body);
    expect(form?.action).toBe(redirectUri);
    expect(form?.body.get('state')).toBe('a&b"c<d');
    const code = form?.body.get('code') ?? '';
    const answer = redeem(context, code);
    expect(decodeToken(memberOf(answer, 'id_token'))?.claims).toMatchObject({ nonce: 'once' });
    expect(memberOf(redeem(context, code), 'error')).toBe('invalid_grant');
  });

  test('returns the code in a redirect when the response mode is query', () => {
    const { status, headers } = get(authorizeUrl({ response_mode: 'query' }), createContext());
    expect(status).toBe(302);
    expect(headers['Location']).toMatch(/^http:\/\/localhost:12345\/\?code=[^&]+&.*state=a%26b%22c%3Cd$/);
  });

  test('returns no code when the user declines', () => {
    const context = createContext();
    context.state.signIn.declines = true;
    const form = parseAuthorizeForm(get(authorizeUrl(), context).body);
    expect([form?.body.get('error'), form?.body.get('code')]).toEqual(['access_denied', null]);
  });

  test.each([
    ['a redirect to 127.0.0.1', { redirect_uri: 'http://127.0.0.1:12345' }],
    ['a redirect to a foreign host', { redirect_uri: 'http://localhost.example.com' }],
    ['a redirect to https', { redirect_uri: 'https://localhost' }],
    ['no challenge', { code_challenge: '' }],
    ['a plain challenge', { code_challenge_method: 'plain' }],
    ['an unknown client', { client_id: TENANT_ID }],
  ])('returns no code for a request with %s', (_what, more) => {
    const answer = get(authorizeUrl(more), createContext());
    expect([answer.status, parseAuthorizeForm(answer.body)]).toEqual([400, undefined]);
  });

  test.each([
    ['another verifier', { code_verifier: 'x' }, 0],
    ['no verifier', { code_verifier: '' }, 0],
    ['another redirect address', { redirect_uri: 'http://localhost:1' }, 0],
    ['another code', { code: 'x' }, 0],
    ['a code that is ten minutes old', {}, 600],
  ])('rejects a redemption with %s', (_what, form, seconds) => {
    const context = createContext();
    const code = authorize(context);
    expect(redeem({ ...context, now: NOW + seconds }, code, form).status).toBe(400);
  });

  test('delivers the code to the loopback server through the browser', async () => {
    const emulator = await startEmulator();
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      bodies.push(await text(request));
      response.end('You may close this window.');
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    try {
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const page = await emulator.browse(authorizeUrl({ redirect_uri: `http://localhost:${port}` }));
      expect(page).toEqual({ status: 200, text: 'You may close this window.' });
      expect(emulator.secrets).toContain(new URLSearchParams(bodies[0]).get('code'));
      expect(emulator.requests).toMatchObject([{ method: 'GET', path: '/organizations/oauth2/v2.0/authorize' }]);
    } finally {
      server.closeAllConnections();
      server.close();
      await emulator.close();
    }
  });
});
