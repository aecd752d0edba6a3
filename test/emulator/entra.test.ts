import { describe, expect, test } from 'vitest';
import { parseJsonRecord } from './json.ts';
import { CLIENT_ID, findTenant, OBJECT_ID, TENANT_ID, TENANT_NAME } from './state.ts';
import {
  createContext,
  findApplication,
  get,
  memberOf,
  NOW,
  post,
  REQUEST_ID,
  readErrorCodes,
  secretForm,
  TOKEN_URL,
} from './test-client.ts';
import { decodeToken } from './tokens.ts';

const ARM = 'https://management.azure.com';
const ARM_SCOPE = `${ARM}/.default`;

describe('Entra, given a client secret', () => {
  test('issues a token with the claims of an application', () => {
    const context = createContext();
    const answer = post(TOKEN_URL, secretForm(), context);
    expect(answer.status).toBe(200);
    expect(parseJsonRecord(answer.body)).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3599,
      ext_expires_in: 3599,
    });
    expect(decodeToken(memberOf(answer, 'access_token'))?.claims).toMatchObject({
      aud: 'https://containerregistry.azure.net',
      iss: `https://sts.windows.net/${TENANT_ID}/`,
      tid: TENANT_ID,
      oid: OBJECT_ID,
      appid: CLIENT_ID,
      idtyp: 'app',
      iat: NOW,
      nbf: NOW,
      exp: NOW + 3599,
    });
  });

  test('issues a different token each time and records each as a secret', () => {
    const context = createContext();
    const tokens = [1, 2, 3].map(() => memberOf(post(TOKEN_URL, secretForm(), context), 'access_token'));
    expect(new Set(tokens).size).toBe(3);
    expect([...context.state.issuedSecrets]).toEqual(tokens);
  });

  test.each([
    ['the name of the tenant', `https://login.microsoftonline.com/${TENANT_NAME}/oauth2/v2.0/token`],
    ['the tenant id in upper case', `https://login.microsoftonline.com/${TENANT_ID.toUpperCase()}/oauth2/v2.0/token`],
    ['the authority of another cloud', `https://login.partner.microsoftonline.cn/${TENANT_ID}/oauth2/v2.0/token`],
  ])('accepts it under %s', (_what, url) => {
    expect(post(url, secretForm(), createContext()).status).toBe(200);
  });

  test('writes numbers as strings at the version 1 endpoint', () => {
    const url = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/token`;
    const answer = post(url, secretForm({ resource: 'https://management.azure.com/' }), createContext());
    expect(parseJsonRecord(answer.body)).toMatchObject({ expires_in: '3599', expires_on: `${NOW + 3599}` });
  });

  test.each([
    ['as MSAL for Go sends it', 'https://containerregistry.azure.net/.default openid offline_access profile'],
    ['after words of OpenID Connect', 'openid email https://containerregistry.azure.net/.default'],
    ['with spaces around it', ' https://containerregistry.azure.net/.default '],
  ])('issues a token for the one resource in a scope %s', (_what, scope) => {
    const answer = post(TOKEN_URL, secretForm({ scope }), createContext());
    expect(answer.status).toBe(200);
    expect(decodeToken(memberOf(answer, 'access_token'))?.claims['aud']).toBe('https://containerregistry.azure.net');
  });

  const CASES: readonly (readonly [string, Record<string, string>, number, string, number])[] = [
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    ['a secret that lost its percent-encoding', { client_secret: 'abc8Q~x._-y /z' }, 401, 'invalid_client', 7000215],
    ['an empty secret', { client_secret: '' }, 401, 'invalid_client', 7000215],
    ['an unknown client', { client_id: TENANT_ID }, 400, 'unauthorized_client', 700016],
    ['no client id', { client_id: '' }, 400, 'invalid_request', 900144],
    ['a registry as the audience', { scope: 'https://contoso.azurecr.io/.default' }, 400, 'invalid_resource', 500011],
    ['a scope without /.default', { scope: 'https://management.azure.com' }, 400, 'invalid_scope', 1002012],
    [
      'a permission beside /.default',
      { scope: `${ARM_SCOPE} ${ARM}/user_impersonation` },
      400,
      'invalid_scope',
      1002012,
    ],
    ['two resources', { scope: `${ARM_SCOPE} https://vault.azure.net/.default` }, 400, 'invalid_scope', 1002012],
    ['a permission beside the words of OpenID Connect', { scope: `${ARM}/read openid` }, 400, 'invalid_scope', 1002012],
    ['no resource but the words of OpenID Connect', { scope: 'openid profile' }, 400, 'invalid_scope', 1002012],
    ['a tab between the words', { scope: `${ARM_SCOPE}\topenid` }, 400, 'invalid_scope', 1002012],
    ['an unknown resource', { scope: 'https://contoso.azurecr.io/.default openid' }, 400, 'invalid_resource', 500011],
    ['no scope', { scope: '' }, 400, 'invalid_request', 900144],
    ['no grant type', { grant_type: '' }, 400, 'invalid_request', 900144],
    ['an unknown grant type', { grant_type: 'magic' }, 400, 'unsupported_grant_type', 70003],
  ];
  test.each(CASES)('rejects a request with %s', (_what, form, status, error, code) => {
    const answer = post(TOKEN_URL, secretForm(form), createContext());
    expect(answer.status).toBe(status);
    const body = parseJsonRecord(answer.body);
    expect(body).toMatchObject({
      error,
      error_codes: [code],
      trace_id: REQUEST_ID,
      timestamp: '2027-01-15 08:00:00Z',
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    });
    expect(body?.['error_description']).toMatch(
      new RegExp(`^AADSTS${code}: .+ Trace ID: ${REQUEST_ID} Correlation ID: \\S+ Timestamp: 2027-01-15 08:00:00Z$`),
    );
  });

  test('rejects an expired secret', () => {
    const context = createContext();
    findApplication(context).secrets = [{ value: 'old', expiresAtSeconds: NOW }];
    expect(readErrorCodes(post(TOKEN_URL, secretForm({ client_secret: 'old' }), context))).toEqual([7000222]);
  });

  test('rejects the secret of a disabled application', () => {
    const context = createContext();
    findApplication(context).enabled = false;
    expect(readErrorCodes(post(TOKEN_URL, secretForm(), context))).toEqual([7000112]);
  });

  test('rejects an unknown tenant', () => {
    const url = 'https://login.microsoftonline.com/00000000-1111-4222-8333-444444444444/oauth2/v2.0/token';
    expect(readErrorCodes(post(url, secretForm(), createContext()))).toEqual([90002]);
  });

  test('rejects a tenant at the authority of a cloud to which it does not belong', () => {
    const context = createContext();
    const tenant = findTenant(context.state, TENANT_ID);
    if (tenant !== undefined) {
      tenant.authorities = ['login.partner.microsoftonline.cn'];
    }
    expect(readErrorCodes(post(TOKEN_URL, secretForm(), context))).toEqual([90002]);
    expect(
      post(TOKEN_URL.replace('login.', 'login.partner.').replace('.com', '.cn'), secretForm(), context).status,
    ).toBe(200);
  });

  test.each([
    ['form', TOKEN_URL, { 'client-request-id': 'mine' }],
    ['query', `${TOKEN_URL}?client-request-id=mine`, {}],
  ])('repeats the client request id from the %s in the error', (_where, url, form) => {
    const answer = post(url, secretForm({ client_secret: 'wrong', ...form }), createContext());
    expect(memberOf(answer, 'correlation_id')).toBe('mine');
    expect(memberOf(answer, 'error_description')).toContain('Correlation ID: mine ');
  });
});

describe('Entra discovery', () => {
  test('names the endpoints of a tenant', () => {
    const answer = get(
      `https://login.microsoftonline.us/${TENANT_ID}/v2.0/.well-known/openid-configuration`,
      createContext(),
    );
    expect(parseJsonRecord(answer.body)).toMatchObject({
      token_endpoint: `https://login.microsoftonline.us/${TENANT_ID}/oauth2/v2.0/token`,
      issuer: `https://login.microsoftonline.us/${TENANT_ID}/v2.0`,
    });
  });

  test('describes any authority that it is asked about', () => {
    const endpoint = encodeURIComponent('https://login.contoso.com/x/oauth2/v2.0/authorize');
    const url = `https://login.microsoftonline.com/common/discovery/instance?authorization_endpoint=${endpoint}`;
    expect(parseJsonRecord(get(url, createContext()).body)).toMatchObject({
      metadata: [{ preferred_network: 'login.contoso.com', aliases: ['login.contoso.com'] }],
    });
  });

  test.each(['/', '/common/oauth2/magic', `/${TENANT_ID}/unknown`])('answers %s with an error', (path) => {
    expect(get(`https://login.microsoftonline.com${path}`, createContext()).status).toBeGreaterThanOrEqual(400);
  });
});
