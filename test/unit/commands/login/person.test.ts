import { describe, expect, test } from 'vitest';
import { readPerson } from '../../../../src/commands/login/person.ts';
import type { PersonTokens } from '../../../../src/entra/refresh-token.ts';
import { catchFailure } from '../../failure.ts';
import { makePersonRequest } from './person-request.ts';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const HOME = '00000000-1111-4222-8333-444444444444';
const OBJECT = '12121212-3434-4565-8787-909090909090';
const CLIENT = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const CLAIMS = { aud: CLIENT, tid: TENANT, nonce: 'n', preferred_username: 'ada@contoso.com' };

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function makeTokens(claims: object, changes: Partial<PersonTokens> = {}): PersonTokens {
  return {
    accessToken: 'a',
    refreshToken: 'r',
    familyId: '1',
    clientInfo: encode({ uid: OBJECT.toUpperCase(), utid: HOME }),
    idToken: `${encode({})}.${encode(claims)}.x`,
    ...changes,
  };
}

test('reads who signed in: the account of the home tenant, in the tenant of the sign-in', () => {
  expect(readPerson(makePersonRequest(), makeTokens(CLAIMS), 'n')).toEqual({
    id: `${OBJECT}.${HOME}`,
    username: 'ada@contoso.com',
    tenantId: TENANT,
    familyId: '1',
    refreshToken: 'r',
  });
});

test.each([
  [{ preferred_username: 'a@b' }, 'a@b'],
  [{ preferred_username: undefined, upn: 'u@b', email: 'e@b' }, 'u@b'],
  [{ preferred_username: '', email: 'e@b' }, 'e@b'],
  [{ preferred_username: undefined }, OBJECT],
  [{ preferred_username: 7 }, OBJECT],
  [{ preferred_username: ' \u001b[31mada\u202e\n ' }, '[31mada'],
  [{ preferred_username: 'a '.repeat(200) }, `${'a '.repeat(100).trim()}…`],
])('names the account %j', (changes, username) => {
  expect(readPerson(makePersonRequest(), makeTokens({ ...CLAIMS, ...changes }), 'n').username).toBe(username);
});

describe('refuses', () => {
  test.each<readonly [string, object, Partial<PersonTokens>, string]>([
    ['no id token', {}, { idToken: undefined }, 'they do not say who signed in'],
    ['an id token that is none', {}, { idToken: 'x' }, 'they do not say who signed in'],
    ['a tenant that is no id', { tid: '../x' }, {}, 'they do not say who signed in'],
    ['another audience', { aud: 'x' }, {}, 'for another application'],
    ['two audiences', { aud: [CLIENT, 'x'] }, {}, 'for another application'],
    ['no audience', { aud: undefined }, {}, 'for another application'],
    ['another nonce', { nonce: 'N' }, {}, 'for another request'],
    ['no nonce', { nonce: undefined }, {}, 'for another request'],
    ['no client info', {}, { clientInfo: undefined }, 'they do not name the account'],
    ['client info that is none', {}, { clientInfo: encode('[]') }, 'they do not name the account'],
    [
      'client info with a path',
      {},
      { clientInfo: encode({ uid: '../x', utid: HOME }) },
      'they do not name the account',
    ],
  ])('%s', async (_what, claims, tokens, why) => {
    const failure = await catchFailure(() =>
      readPerson(makePersonRequest(), makeTokens({ ...CLAIMS, ...claims }, tokens), 'n'),
    );
    expect(failure.code).toBe('ANSWER_INVALID');
    expect(failure.message).toMatch(/^the tokens of login\.microsoftonline\.com cannot be used: /);
    expect(failure.message).toContain(why);
  });

  test('another tenant than the one that was asked for', async () => {
    const request = makePersonRequest({ tenant: HOME });
    const failure = await catchFailure(() => readPerson(request, makeTokens(CLAIMS), 'n'));
    expect(failure.message).toContain('from another tenant');
    const named = makePersonRequest({ tenant: 'contoso.com' }); // a domain says nothing about the id
    expect(readPerson(named, makeTokens(CLAIMS), 'n').tenantId).toBe(TENANT);
    const upper = makePersonRequest({ tenant: TENANT.toUpperCase(), clientId: CLIENT.toUpperCase() });
    expect(readPerson(upper, makeTokens(CLAIMS), 'n').tenantId).toBe(TENANT);
  });

  test('a sign-in that would not last', async () => {
    const tokens = makeTokens(CLAIMS, { refreshToken: undefined });
    const failure = await catchFailure(() => readPerson(makePersonRequest(), tokens, 'n'));
    expect(failure.message).toContain('no refresh token');
  });
});

test('needs no nonce where the request had none, as with a device code', () => {
  const { nonce: _nonce, ...claims } = CLAIMS;
  expect(readPerson(makePersonRequest(), makeTokens(claims), undefined).username).toBe('ada@contoso.com');
});
