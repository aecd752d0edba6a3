import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createClientCertificate, parseClientCertificate } from './certificates.ts';
import type { EmulatedResponse } from './message.ts';

import { CLIENT_ID, type Context, TENANT_ID } from './state.ts';
import { createContext, findApplication, NOW, post, readErrorCodes, secretForm, TOKEN_URL } from './test-client.ts';

describe('Entra, given a client assertion', () => {
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
    findApplication(context).certificates.push(parseClientCertificate(certificatePem));
    return context;
  }

  const GOOD: readonly (readonly [string, () => Parts])[] = [
    ['PS256', () => ({})],
    [
      'RS256 and a SHA-1 thumbprint, as the Azure CLI sends it',
      () => ({
        algorithm: 'RS256',
        header: {
          'x5t#S256': undefined,
          x5t: createHash('sha1').update(new X509Certificate(certificatePem).raw).digest('base64'),
        },
      }),
    ],
    ['RS256', () => ({ algorithm: 'RS256' })],
    ['a padded base64 thumbprint', () => ({ header: { 'x5t#S256': thumbprint('base64') } })],
    ['a start time five minutes ago', () => ({ claims: { nbf: NOW - 300, iat: NOW - 300 } })],
    ['a start time slightly in the future', () => ({ claims: { nbf: NOW + 200 } })],
  ];
  test.each(GOOD)('accepts a certificate assertion with %s', async (_what, parts) => {
    expect(send(withCertificate(), await signOwn(parts())).status).toBe(200);
  });

  const BAD: readonly (readonly [string, () => Parts, number])[] = [
    ['the key of another certificate', () => ({ key: strangerKey }), 700027],
    ['an unregistered thumbprint', () => ({ header: { 'x5t#S256': 'AAAA' } }), 700027],
    ['no thumbprint', () => ({ header: { 'x5t#S256': undefined } }), 700027],
    ['another subject', () => ({ claims: { sub: TENANT_ID } }), 700021],
    ['another audience', () => ({ claims: { aud: 'https://login.microsoftonline.com/' } }), 700023],
    ['the audience of another cloud', () => ({ claims: { aud: TOKEN_URL.replace('.com', '.us') } }), 700023],
    ['no jti', () => ({ claims: { jti: undefined } }), 50027],
    ['an expiry time that has been reached', () => ({ claims: { exp: NOW } }), 700024],
    ['no expiry time', () => ({ claims: { exp: undefined } }), 700024],
    ['a start time too far in the future', () => ({ claims: { nbf: NOW + 400 } }), 700024],
  ];
  test.each(BAD)('rejects a certificate assertion with %s', async (_what, parts, code) => {
    expect(readErrorCodes(send(withCertificate(), await signOwn(parts())))).toEqual([code]);
  });

  test('accepts a certificate assertion only once unless replays are allowed', async () => {
    const context = withCertificate();
    const assertion = await signOwn();
    expect(send(context, assertion).status).toBe(200);
    expect(readErrorCodes(send(context, assertion))).toEqual([50012]);
    context.state.refuseReplayedAssertions = false;
    expect(send(context, assertion).status).toBe(200);
  });

  test.each(['', 'abc', 'a.b.c', 'e30.e30.'])('rejects the malformed assertion %j', (assertion) => {
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
    findApplication(context).federatedCredentials.push({
      issuer: ISSUER,
      subject: SUBJECT,
      audience: AUDIENCE,
      publicKey,
    });
    return context;
  }

  const FEDERATED: readonly (readonly [string, Record<string, unknown>, readonly number[] | undefined])[] = [
    ['accepts a federated assertion as registered', {}, undefined],
    ['accepts a federated assertion with a list of one audience', { aud: [AUDIENCE] }, undefined],
    ['rejects a federated assertion of another issuer', { iss: 'https://gitlab.com' }, [700211]],
    ['rejects a federated assertion for another audience', { aud: 'api://AKSIdentityBinding' }, [700212]],
    ['rejects a federated assertion of another subject', { sub: 'repo:Contoso/App:pull_request' }, [700213]],
    ['rejects a federated assertion of a subject in another case', { sub: SUBJECT.toLowerCase() }, [7002138]],
    ['rejects a federated assertion that has expired', { exp: NOW - 1 }, [700024]],
  ];
  test.each(FEDERATED)('%s', async (_what, claims, codes) => {
    const context = withFederation(parseClientCertificate(certificatePem).publicKey);
    expect(readErrorCodes(send(context, await signFederated(claims)))).toEqual(codes);
  });

  test('rejects a federated assertion signed with another key', async () => {
    const context = withFederation(parseClientCertificate(certificatePem).publicKey);
    expect(readErrorCodes(send(context, await signFederated({}, strangerKey)))).toEqual([50013]);
  });

  test('records a rejected assertion as a secret', async () => {
    const context = createContext();
    const assertion = await signOwn();
    send(context, assertion);
    expect(context.state.issuedSecrets.has(assertion)).toBe(true);
  });
});
