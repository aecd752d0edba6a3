import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  createAuthorizationSecrets,
  formatAuthorizationUrl,
} from '../../../../src/commands/login/authorization-request.ts';
import { makePersonRequest } from './person-request.ts';

const SECRETS = { state: 'the-state', nonce: 'the-nonce', verifier: 'the-verifier' };

test('formats the URL with everything that Entra needs, and without the verifier', () => {
  const url = new URL(formatAuthorizationUrl(makePersonRequest(), SECRETS, 'http://localhost:1234'));
  expect(url.origin + url.pathname).toBe('https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
    response_type: 'code',
    redirect_uri: 'http://localhost:1234',
    response_mode: 'form_post',
    scope: 'https://containerregistry.azure.net/.default openid profile offline_access',
    state: 'the-state',
    nonce: 'the-nonce',
    code_challenge: createHash('sha256').update('the-verifier').digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'select_account',
  });
  expect(url.href).not.toContain('the-verifier');
});

test('encodes what it passes on, with %20 for a space', () => {
  const claims = '{"id_token":{"x y":"+&=#%"}}';
  const request = makePersonRequest({ username: 'ada+b c@contoso.com', claims });
  const text = formatAuthorizationUrl(request, SECRETS, 'http://localhost:1');
  expect(text).not.toMatch(/[\s+#]/);
  const { searchParams } = new URL(text);
  expect(searchParams.get('login_hint')).toBe('ada+b c@contoso.com');
  expect(searchParams.get('claims')).toBe(claims);
});

test('keeps the path of an authority', () => {
  const authority = { url: 'https://login.example.com/base', contradiction: undefined };
  const url = formatAuthorizationUrl(makePersonRequest({ authority, tenant: 't' }), SECRETS, 'http://localhost:1');
  expect(url.startsWith('https://login.example.com/base/t/oauth2/v2.0/authorize?')).toBe(true);
});

test('makes new secrets for each request, as long as PKCE wants', () => {
  const all = [createAuthorizationSecrets(), createAuthorizationSecrets()].flatMap((one) => Object.values(one));
  expect(new Set(all).size).toBe(6);
  for (const secret of all) expect(secret).toMatch(/^[\w-]{43}$/);
});
