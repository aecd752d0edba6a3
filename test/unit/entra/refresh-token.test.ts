/** The grant of a refresh token, and what its refusals mean. */
import { describe, expect, test } from 'vitest';
import {
  isPersonNeeded,
  isRefreshTokenDead,
  type RefreshRequest,
  redeemRefreshToken,
} from '../../../src/entra/refresh-token.ts';
import { catchFailure } from '../failure.ts';
import { answer, toolsAnswering } from '../token-context.ts';

const COMMAND = 'docker-credential-acr login myregistry.azurecr.io --tenant the-tenant';
const REQUEST: RefreshRequest = {
  authority: { url: 'https://login.microsoftonline.com', contradiction: undefined },
  ...{ tenant: 'the-tenant', clientId: 'the-client', refreshToken: 'the-refresh-token' },
  ...{ actor: 'the account ada@contoso.com', signInCommand: COMMAND },
};

const redeem = (status: number, body: unknown) =>
  redeemRefreshToken(toolsAnswering(answer(status, body)).context, REQUEST);

/** What Entra refuses with. */
async function refuse(body: object) {
  const refusal = await redeem(400, body);
  if (!('failure' in refusal)) throw new Error('it is granted');
  return refusal;
}

describe('redeemRefreshToken', () => {
  test('sends the grant of a public client, and keeps the tokens secret from then on', async () => {
    const granted = { access_token: 'access-1', refresh_token: 'refresh-2', foci: '1', id_token: 'id-1' };
    const { context, requests } = toolsAnswering(answer(200, { ...granted, client_info: 'e30' }));
    expect(await redeemRefreshToken(context, REQUEST)).toEqual({
      ...{ accessToken: 'access-1', refreshToken: 'refresh-2', familyId: '1', clientInfo: 'e30', idToken: 'id-1' },
    });
    expect([...context.runtime.secrets].sort()).toEqual(['access-1', 'id-1', 'refresh-2', 'the-refresh-token']);
    expect(requests).toMatchObject([
      { method: 'POST', url: 'https://login.microsoftonline.com/the-tenant/oauth2/v2.0/token' },
    ]);
    expect(Object.fromEntries(requests[0]?.form ?? [])).toEqual({
      client_id: 'the-client',
      scope: 'https://containerregistry.azure.net/.default openid profile offline_access',
      grant_type: 'refresh_token',
      refresh_token: 'the-refresh-token',
      client_info: '1',
    });
  });

  test('returns an access token alone when there is no more', async () => {
    expect(await redeem(200, { access_token: 'a' })).toEqual({
      ...{ accessToken: 'a', refreshToken: undefined, familyId: undefined, clientInfo: undefined, idToken: undefined },
    });
  });

  test.each([
    [200, {}, 'ANSWER_INVALID'],
    [200, { access_token: '' }, 'ANSWER_INVALID'],
    [200, { access_token: 7 }, 'ANSWER_INVALID'],
    [502, '<html>', 'NETWORK_FAILED'],
  ] as const)('throws for the status %i with %j', async (status, body, code) => {
    expect((await catchFailure(() => redeem(status, body))).code).toBe(code);
  });
});

describe('a refusal', () => {
  const rows: readonly (readonly [body: object, isDead: boolean, isNeeded: boolean])[] = [
    [{ error: 'invalid_grant', suberror: 'bad_token' }, true, false],
    [{ error: 'invalid_grant', error_description: 'AADSTS700082: The refresh token has expired.' }, true, false],
    [{ error: 'invalid_grant', error_description: 'AADSTS70043: Sign-in frequency.' }, true, false],
    [{ error: 'invalid_grant', error_description: 'AADSTS50173: Revoked.', claims: '{}' }, true, true],
    [{ error: 'interaction_required', suberror: 'bad_token' }, false, true],
    [{ error: 'interaction_required', error_description: 'AADSTS50076: MFA.', claims: '{"x":1}' }, false, true],
    [{ error: 'consent_required' }, false, true],
    [{ error: 'login_required' }, false, true],
    [{ error: 'invalid_grant', suberror: 'basic_action', error_description: 'AADSTS50000123: New.' }, false, true],
    [{ error: 'invalid_grant', suberror: 'user_password_expired' }, false, true],
    [{ error: 'invalid_grant', suberror: 'message_only', error_description: 'AADSTS53003: No.' }, false, false],
    [{ error: 'invalid_grant', error_description: 'AADSTS50105: Not assigned.' }, false, false],
    [{ error: 'invalid_client', error_description: 'AADSTS700082: no grant at all' }, false, false],
    [{ error: 'temporarily_unavailable' }, false, false],
  ];
  for (const [body, isDead, isNeeded] of rows) {
    test(`${JSON.stringify(body)} ${isDead ? 'ends' : 'does not end'} the refresh token`, async () => {
      const refusal = await refuse(body);
      expect([isRefreshTokenDead(refusal), isPersonNeeded(refusal)]).toEqual([isDead, isNeeded]);
    });
  }

  test('has the claims as they are, and an explanation with the command for a person', async () => {
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
    const description = 'AADSTS50076: You must use multi-factor authentication.\r\nTrace ID: x';
    const refusal = await refuse({ error: 'interaction_required', error_description: description, claims });
    expect(refusal).toMatchObject({ error: 'interaction_required', claims, code: '50076' });
    expect(refusal.failure).toMatchObject({ code: 'ENTRA_REFUSED', hint: COMMAND });
    expect(refusal.failure.message).toBe('multi-factor authentication is needed (AADSTS50076)');
  });

  test('of the audience alone lets another audience be tried', async () => {
    const refusal = await refuse({ error: 'invalid_resource', error_description: 'AADSTS500011: unknown' });
    expect(refusal.failure.code).toBe('AUDIENCE_UNKNOWN');
  });
});
