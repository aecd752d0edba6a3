import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createClientCertificate, parseClientCertificate } from './certificates.ts';
import { parseJsonRecord } from './json.ts';
import type { Context, EmulatedResponse } from './message.ts';
import { CLIENT_ID, findTenant, OBJECT_ID, TENANT_ID, TENANT_NAME } from './state.ts';
import { createContext, get, memberOf, NOW, post, REQUEST_ID, secretForm } from './test-client.ts';
import { decodeToken } from './tokens.ts';

const TOKEN_URL = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`;

function application(context: Context) {
  const found = findTenant(context.state, TENANT_ID)?.applications.get(CLIENT_ID);
  if (found === undefined) {
    throw new Error('The state has no application');
  }
  return found;
}

function codesOf(response: EmulatedResponse): unknown {
  return parseJsonRecord(response.body)?.['error_codes'];
}

describe('a client secret', () => {
  test('gets a token with the claims of an application', () => {
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

  test('gets another token each time, and all are among the secrets', () => {
    const context = createContext();
    const tokens = [1, 2, 3].map(() => memberOf(post(TOKEN_URL, secretForm(), context), 'access_token'));
    expect(new Set(tokens).size).toBe(3);
    expect([...context.state.issuedSecrets]).toEqual(tokens);
  });

  test.each([
    ['the name of the tenant', `https://login.microsoftonline.com/${TENANT_NAME}/oauth2/v2.0/token`],
    ['an upper-case tenant', `https://login.microsoftonline.com/${TENANT_ID.toUpperCase()}/oauth2/v2.0/token`],
    ['another cloud', `https://login.partner.microsoftonline.cn/${TENANT_ID}/oauth2/v2.0/token`],
  ])('is taken under %s', (_what, url) => {
    expect(post(url, secretForm(), createContext()).status).toBe(200);
  });

  test('gets texts for numbers at the version 1 endpoint', () => {
    const url = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/token`;
    const answer = post(url, secretForm({ resource: 'https://management.azure.com/' }), createContext());
    expect(parseJsonRecord(answer.body)).toMatchObject({ expires_in: '3599', expires_on: `${NOW + 3599}` });
  });

  const CASES: readonly (readonly [string, Record<string, string>, number, string, number])[] = [
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    ['a secret that lost its escapes', { client_secret: 'abc8Q~x._-y /z' }, 401, 'invalid_client', 7000215],
    ['an empty secret', { client_secret: '' }, 401, 'invalid_client', 7000215],
    ['an unknown client', { client_id: TENANT_ID }, 400, 'unauthorized_client', 700016],
    ['no client', { client_id: '' }, 400, 'invalid_request', 900144],
    ['a registry as audience', { scope: 'https://contoso.azurecr.io/.default' }, 400, 'invalid_resource', 500011],
    ['a scope without /.default', { scope: 'https://management.azure.com' }, 400, 'invalid_scope', 1002012],
    ['two scopes', { scope: 'https://management.azure.com/.default openid' }, 400, 'invalid_scope', 1002012],
    ['no scope', { scope: '' }, 400, 'invalid_request', 900144],
    ['no grant type', { grant_type: '' }, 400, 'invalid_request', 900144],
    ['an unknown grant type', { grant_type: 'magic' }, 400, 'unsupported_grant_type', 70003],
  ];
  test.each(CASES)('is refused with %s', (_what, form, status, error, code) => {
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

  test('is refused once it has expired', () => {
    const context = createContext();
    application(context).secrets = [{ value: 'old', expiresAtSeconds: NOW }];
    expect(codesOf(post(TOKEN_URL, secretForm({ client_secret: 'old' }), context))).toEqual([7000222]);
  });

  test('is refused when the application is disabled', () => {
    const context = createContext();
    application(context).enabled = false;
    expect(codesOf(post(TOKEN_URL, secretForm(), context))).toEqual([7000112]);
  });

  test('is refused in a tenant that nobody knows', () => {
    const url = 'https://login.microsoftonline.com/00000000-1111-4222-8333-444444444444/oauth2/v2.0/token';
    expect(codesOf(post(url, secretForm(), createContext()))).toEqual([90002]);
  });

  test('is refused at the authority of a cloud in which the tenant does not live', () => {
    const context = createContext();
    const tenant = findTenant(context.state, TENANT_ID);
    if (tenant !== undefined) {
      tenant.authorities = ['login.partner.microsoftonline.cn'];
    }
    expect(codesOf(post(TOKEN_URL, secretForm(), context))).toEqual([90002]);
    expect(
      post(TOKEN_URL.replace('login.', 'login.partner.').replace('.com', '.cn'), secretForm(), context).status,
    ).toBe(200);
  });

  test.each([
    ['form', TOKEN_URL, { 'client-request-id': 'mine' }],
    ['query', `${TOKEN_URL}?client-request-id=mine`, {}],
  ])('finds its own request id of the %s in the error', (_where, url, form) => {
    const answer = post(url, secretForm({ client_secret: 'wrong', ...form }), createContext());
    expect(memberOf(answer, 'correlation_id')).toBe('mine');
    expect(memberOf(answer, 'error_description')).toContain('Correlation ID: mine ');
  });
});

describe('a client assertion', () => {
  let certificatePem: string;
  let key: KeyObject;
  let strangerKey: KeyObject;

  beforeAll(async () => {
    const [own, stranger] = await Promise.all([createClientCertificate(), createClientCertificate('stranger')]);
    certificatePem = own.certificatePem;
    key = createPrivateKey(own.privateKeyPem);
    strangerKey = createPrivateKey(stranger.privateKeyPem);
  });

  interface Parts {
    readonly header?: Record<string, unknown>;
    readonly claims?: Record<string, unknown>;
    readonly key?: KeyObject;
    readonly algorithm?: string;
  }

  function send(context: Context, assertion: string): EmulatedResponse {
    const { client_secret: _, ...form } = secretForm();
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    return post(TOKEN_URL, { ...form, client_assertion_type: type, client_assertion: assertion }, context);
  }

  function thumbprint(encoding: 'base64' | 'base64url'): string {
    return createHash('sha256').update(new X509Certificate(certificatePem).raw).digest(encoding);
  }

  function signOwn(parts: Parts = {}): Promise<string> {
    return new SignJWT({
      aud: TOKEN_URL,
      iss: CLIENT_ID,
      sub: CLIENT_ID,
      jti: crypto.randomUUID(),
      nbf: NOW,
      iat: NOW,
      exp: NOW + 600,
      ...parts.claims,
    })
      .setProtectedHeader({
        alg: parts.algorithm ?? 'PS256',
        typ: 'JWT',
        'x5t#S256': thumbprint('base64url'),
        ...parts.header,
      })
      .sign(parts.key ?? key);
  }

  function withCertificate(): Context {
    const context = createContext();
    application(context).certificates.push(parseClientCertificate(certificatePem));
    return context;
  }

  const GOOD: readonly (readonly [string, () => Parts])[] = [
    ['PS256', () => ({})],
    ['RS256', () => ({ algorithm: 'RS256' })],
    ['a padded base64 thumbprint', () => ({ header: { 'x5t#S256': thumbprint('base64') } })],
    ['a start of some minutes ago', () => ({ claims: { nbf: NOW - 300, iat: NOW - 300 } })],
    ['a clock that is a little fast', () => ({ claims: { nbf: NOW + 200 } })],
  ];
  test.each(GOOD)('of the certificate is taken with %s', async (_what, parts) => {
    expect(send(withCertificate(), await signOwn(parts())).status).toBe(200);
  });

  const BAD: readonly (readonly [string, () => Parts, number])[] = [
    ['the key of a stranger', () => ({ key: strangerKey }), 700027],
    ['a thumbprint that is not registered', () => ({ header: { 'x5t#S256': 'AAAA' } }), 700027],
    ['no thumbprint', () => ({ header: { 'x5t#S256': undefined } }), 700027],
    ['another subject', () => ({ claims: { sub: TENANT_ID } }), 700021],
    ['another audience', () => ({ claims: { aud: 'https://login.microsoftonline.com/' } }), 700023],
    ['the audience of another cloud', () => ({ claims: { aud: TOKEN_URL.replace('.com', '.us') } }), 700023],
    ['no id', () => ({ claims: { jti: undefined } }), 50027],
    ['an end in the past', () => ({ claims: { exp: NOW } }), 700024],
    ['no end', () => ({ claims: { exp: undefined } }), 700024],
    ['a start far in the future', () => ({ claims: { nbf: NOW + 400 } }), 700024],
  ];
  test.each(BAD)('of the certificate is refused with %s', async (_what, parts, code) => {
    expect(codesOf(send(withCertificate(), await signOwn(parts())))).toEqual([code]);
  });

  test('of the certificate is taken once', async () => {
    const context = withCertificate();
    const assertion = await signOwn();
    expect(send(context, assertion).status).toBe(200);
    expect(codesOf(send(context, assertion))).toEqual([50012]);
    context.state.refuseReplayedAssertions = false;
    expect(send(context, assertion).status).toBe(200);
  });

  test.each(['', 'abc', 'a.b.c', 'e30.e30.'])('is refused when it is %j', (assertion) => {
    expect(send(withCertificate(), assertion).status).not.toBe(200);
  });

  const ISSUER = 'https://token.actions.githubusercontent.com';
  const SUBJECT = 'repo:Contoso/App:ref:refs/heads/main';
  const AUDIENCE = 'api://AzureADTokenExchange';

  function signFederated(claims: Record<string, unknown>, signingKey = key): Promise<string> {
    return new SignJWT({ iss: ISSUER, sub: SUBJECT, aud: AUDIENCE, exp: NOW + 300, nbf: NOW, ...claims })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'x' })
      .sign(signingKey);
  }

  function withFederation(publicKey: KeyObject): Context {
    const context = createContext();
    application(context).federatedCredentials.push({ issuer: ISSUER, subject: SUBJECT, audience: AUDIENCE, publicKey });
    return context;
  }

  const FEDERATED: readonly (readonly [string, Record<string, unknown>, readonly number[] | undefined])[] = [
    ['as registered', {}, undefined],
    ['with a list of one audience', { aud: [AUDIENCE] }, undefined],
    ['of another issuer', { iss: 'https://gitlab.com' }, [700211]],
    ['for another audience', { aud: 'api://AKSIdentityBinding' }, [700212]],
    ['of another subject', { sub: 'repo:Contoso/App:pull_request' }, [700213]],
    ['of a subject in another case', { sub: SUBJECT.toLowerCase() }, [7002138]],
    ['that has expired', { exp: NOW - 1 }, [700024]],
  ];
  test.each(FEDERATED)('of a trusted issuer %s', async (_what, claims, codes) => {
    const context = withFederation(parseClientCertificate(certificatePem).publicKey);
    expect(codesOf(send(context, await signFederated(claims)))).toEqual(codes);
  });

  test('of a trusted issuer is refused with the key of a stranger', async () => {
    const context = withFederation(parseClientCertificate(certificatePem).publicKey);
    expect(codesOf(send(context, await signFederated({}, strangerKey)))).toEqual([50013]);
  });

  test('is among the secrets, whether it was good or not', async () => {
    const context = createContext();
    const assertion = await signOwn();
    send(context, assertion);
    expect(context.state.issuedSecrets.has(assertion)).toBe(true);
  });
});

describe('discovery', () => {
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

  test('knows every authority that is asked about', () => {
    const endpoint = encodeURIComponent('https://login.contoso.com/x/oauth2/v2.0/authorize');
    const url = `https://login.microsoftonline.com/common/discovery/instance?authorization_endpoint=${endpoint}`;
    expect(parseJsonRecord(get(url, createContext()).body)).toMatchObject({
      metadata: [{ preferred_network: 'login.contoso.com', aliases: ['login.contoso.com'] }],
    });
  });

  test.each(['/', '/common/oauth2/magic', `/${TENANT_ID}/unknown`])('has nothing at %s', (path) => {
    expect(get(`https://login.microsoftonline.com${path}`, createContext()).status).toBeGreaterThanOrEqual(400);
  });
});
