import { describe, expect, test } from 'vitest';
import { redeemDeviceCode, requestDeviceCode } from '../../../../src/commands/login/device-code.ts';
import { CredentialError } from '../../../../src/errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../../src/network/http.ts';
import { readClockMs } from '../../../../src/system/clock.ts';
import { catchFailure } from '../../failure.ts';
import { answer } from '../../token-context.ts';
import { makePersonRequest } from './person-request.ts';

const CODE = {
  userCode: 'ABCD1234',
  verificationUrl: 'https://microsoft.com/devicelogin',
  deviceCode: 'the-device-code',
  intervalMs: 5_000,
  expiresAtMs: Number.POSITIVE_INFINITY,
};
const ISSUED = {
  user_code: 'ABCD1234',
  device_code: 'the-device-code',
  verification_uri: 'https://microsoft.com/devicelogin',
  expires_in: 900,
  interval: 5,
};
const TOKENS = answer(200, { access_token: 'the-access-token', refresh_token: 'the-refresh-token', foci: '1' });

function refusal(error: string, code = 1): HttpResponse {
  return answer(400, { error, error_description: `AADSTS${code}: Some text.` });
}

/** A client that answers in turn. */
function answering(...answers: readonly (HttpResponse | Error)[]) {
  const requests: HttpRequest[] = [];
  const left = [...answers];
  const http: HttpClient = {
    send: (request) => {
      requests.push(request);
      const next = left.shift();
      if (next === undefined) throw new Error('one request too many');
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    close: () => undefined,
  };
  return { http, requests };
}

describe('requestDeviceCode', () => {
  test('asks with the scope of a person', async () => {
    const { http, requests } = answering(answer(200, ISSUED));
    const request = makePersonRequest({ tenant: 'contoso.com', claims: '{}' });
    const code = await requestDeviceCode(http, request);
    expect(code).toEqual({ ...CODE, expiresAtMs: expect.any(Number) });
    expect(code.expiresAtMs - readClockMs()).toBeGreaterThan(890_000);
    expect(code.expiresAtMs - readClockMs()).toBeLessThanOrEqual(900_000);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: 'https://login.microsoftonline.com/contoso.com/oauth2/v2.0/devicecode',
      form: [
        ['client_id', request.clientId],
        ['scope', 'https://containerregistry.azure.net/.default openid profile offline_access'],
        ['claims', '{}'],
      ],
    });
    expect(request.runtime.secrets).toContain('the-device-code');
    expect(request.runtime.secrets).not.toContain('ABCD1234');
  });

  test.each([
    ['missing', {}, 5_000, 900],
    ['texts', { interval: '7', expires_in: '60' }, 7_000, 60],
    ['zero', { interval: 0, expires_in: 0 }, 5_000, 900],
    ['negative', { interval: -1, expires_in: -1 }, 5_000, 900],
    ['huge', { interval: 1e9, expires_in: 1e9 }, 60_000, 3_600],
    ['no numbers', { interval: 'x', expires_in: null }, 5_000, 900],
  ])('survives numbers that are %s', async (_what, numbers, intervalMs, lifeSeconds) => {
    const { interval: _interval, expires_in: _expiresIn, ...rest } = ISSUED;
    const { http } = answering(answer(200, { ...rest, ...numbers }));
    const code = await requestDeviceCode(http, makePersonRequest());
    expect(code.intervalMs).toBe(intervalMs);
    expect((code.expiresAtMs - readClockMs()) / 1000).toBeCloseTo(lifeSeconds, 0);
  });

  test.each([
    ['a page that is not https', { verification_uri: 'http://microsoft.com/devicelogin' }, 'no page on which'],
    ['a page that is a script', { verification_uri: 'javascript:alert(1)' }, 'no page on which'],
    ['a page with a user name', { verification_uri: 'https://microsoft.com@evil.example/' }, 'no page on which'],
    ['no page', { verification_uri: undefined }, 'no page on which'],
    ['a code with control characters', { user_code: 'AB\u001b[2J' }, 'no code that can be typed'],
    ['a long code', { user_code: 'A'.repeat(33) }, 'no code that can be typed'],
    ['no code', { user_code: undefined }, 'no code that can be typed'],
  ])('refuses %s', async (_what, changes, text) => {
    const { http } = answering(answer(200, { ...ISSUED, ...changes }));
    const failure = await catchFailure(() => requestDeviceCode(http, makePersonRequest()));
    expect(failure.code).toBe('ANSWER_INVALID');
    expect(failure.message).toContain(text);
  });

  test('explains a refusal, and names the browser when a policy forbids codes', async () => {
    const { http } = answering(refusal('access_denied', 53003), refusal('unauthorized_client', 700016));
    const policy = await catchFailure(() => requestDeviceCode(http, makePersonRequest()));
    expect(policy.hint).toBe(
      'the policy may forbid device codes; where there is a browser: docker-credential-acr login myregistry.azurecr.io --browser',
    );
    const other = await catchFailure(() => requestDeviceCode(http, makePersonRequest()));
    expect(other.message).toBe('the application is not in this tenant (AADSTS700016)');
    expect(other.hint).not.toContain('--browser');
  });
});

describe('redeemDeviceCode', () => {
  async function redeem(answers: readonly (HttpResponse | Error)[], expiresAtMs = Number.POSITIVE_INFINITY) {
    const { http, requests } = answering(...answers);
    const pauses: number[] = [];
    const pause = async (durationMs: number) => {
      pauses.push(durationMs);
    };
    const request = makePersonRequest();
    const tokens = redeemDeviceCode(http, request, { ...CODE, expiresAtMs }, pause);
    return { tokens, requests, pauses, request };
  }

  test('waits as long as Entra wants, and longer when it asks for that', async () => {
    const pending = refusal('authorization_pending', 70016);
    const { tokens, requests, pauses } = await redeem([pending, refusal('slow_down'), pending, TOKENS]);
    expect(await tokens).toMatchObject({ refreshToken: 'the-refresh-token', familyId: '1' });
    expect(pauses).toEqual([5_000, 5_000, 10_000, 10_000]);
    expect(requests[0]?.url).toBe('https://login.microsoftonline.com/organizations/oauth2/v2.0/token');
    expect(Object.fromEntries(requests[0]?.form ?? [])).toEqual({
      client_id: '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: 'the-device-code',
      client_info: '1',
    });
  });

  test('keeps the tokens out of all output', async () => {
    const { tokens, request } = await redeem([TOKENS]);
    await tokens;
    expect([...request.runtime.secrets]).toEqual(expect.arrayContaining(['the-access-token', 'the-refresh-token']));
  });

  test.each([
    ['authorization_declined', 70020, 'the sign-in was declined'],
    ['access_denied', 65004, 'the sign-in was declined'],
    ['expired_token', 70019, 'the code expired before anybody signed in with it'],
    ['code_expired', 70019, 'the code expired before anybody signed in with it'],
    ['bad_verification_code', 70018, 'Entra ID no longer knows the code'],
    ['invalid_grant', 50076, 'multi-factor authentication is needed (AADSTS50076)'],
    ['access_denied', 53003, 'a Conditional Access policy blocks the sign-in (AADSTS53003)'],
  ])('ends at %s (%i)', async (error, code, message) => {
    const { tokens } = await redeem([refusal(error, code)]);
    const failure = await catchFailure(() => tokens);
    expect(failure.code).toBe('ENTRA_REFUSED');
    expect(failure.message).toBe(message);
    expect(failure.hint).toMatch(/docker-credential-acr login myregistry\.azurecr\.io(?: --browser)?$/);
  });

  test('ends when the code has expired, even if Entra does not say so', async () => {
    const { tokens } = await redeem([refusal('authorization_pending')], readClockMs());
    expect((await catchFailure(() => tokens)).message).toBe('the code expired before anybody signed in with it');
  });

  test('goes on after a failure of the network, at a slower pace', async () => {
    const failure = new CredentialError('NETWORK_FAILED', 'no network');
    const pending = refusal('authorization_pending');
    const { tokens, pauses } = await redeem([failure, pending, failure, failure, TOKENS]);
    expect(await tokens).toMatchObject({ accessToken: 'the-access-token' });
    expect(pauses).toEqual([5_000, 10_000, 10_000, 20_000, 30_000]);
  });

  test('does not slow down for ever when the network fails again and again', async () => {
    const failure = new CredentialError('NETWORK_FAILED', 'no network');
    const pending = refusal('authorization_pending');
    const blips = Array.from({ length: 6 }, () => [failure, pending]).flat();
    const { tokens, pauses } = await redeem([...blips, TOKENS]);
    await tokens;
    expect(Math.max(...pauses)).toBe(30_000);
  });

  test('ends after three failures of the network, and at once after any other', async () => {
    const network = new CredentialError('NETWORK_FAILED', 'no network');
    const { tokens } = await redeem([network, network, network]);
    expect(await catchFailure(() => tokens)).toBe(network);
    const proxy = new CredentialError('CONFIG_INVALID', 'a broken proxy');
    const other = await redeem([proxy]);
    expect(await catchFailure(() => other.tokens)).toBe(proxy);
  });
});
