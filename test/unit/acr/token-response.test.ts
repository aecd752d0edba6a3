/** The responses of the registry's token service. */
import { describe, expect, test } from 'vitest';
import { parseToken } from '../../../src/acr/token-response.ts';
import type { HttpResponse } from '../../../src/network/http.ts';
import { catchFailure } from '../failure.ts';
import { registryNamed } from '../registry-named.ts';
import { makeRuntime, NOW_MS, NOW_SECONDS } from '../runtime.ts';
import { makeToken } from '../token.ts';
import { answer } from '../token-context.ts';

const REGISTRY = registryNamed('myregistry.azurecr.io');
const TOKEN = makeToken({ exp: 2_000_000_000 });

describe('parseToken', () => {
  test('returns the token of the field that was asked for, with when it expires', () => {
    const response = answer(200, { refresh_token: TOKEN, access_token: 'the-access-token' });
    expect(parseToken(makeRuntime(), REGISTRY, response, 'refresh_token')).toEqual({
      token: TOKEN,
      expiresAtSeconds: 2_000_000_000,
    });
    expect(parseToken(makeRuntime(), REGISTRY, response, 'access_token')).toEqual({
      token: 'the-access-token',
      expiresAtSeconds: undefined,
    });
  });
});

describe('parseToken explains', () => {
  const denied = { errors: [{ code: 'DENIED', message: "client with IP '203.0.113.7' is not allowed access" }] };
  const rows: readonly (readonly [response: HttpResponse, message: RegExp, hint: RegExp, cause: RegExp])[] = [
    [
      answer(403, denied),
      /firewall of myregistry\.azurecr\.io blocks 203\.0\.113\.7/,
      /az acr network-rule add -n myregistry --ip-address 203\.0\.113\.7$/,
      /^HTTP 403 DENIED: client/,
    ],
    [answer(403, '<html>Blocked</html>'), /denies access/, /az acr show -n myregistry/, /^HTTP 403: Blocked$/],
    [answer(404, ''), /has no token service/, /az acr show/, /^HTTP 404 with an empty body$/],
    [answer(429, '', { 'retry-after': '30' }), /too many requests/, /wait 30 seconds/, /429/],
    [answer(429, ''), /too many requests/, /wait a minute/, /429/],
    [
      answer(500, '\u001B[2Joops'),
      /responded with status 500/,
      /az acr check-health -n myregistry/,
      /^HTTP 500: \[2Joops$/,
    ],
    [answer(503, { errors: 'x' }), /responded with status 503/, /az acr check-health/, /^HTTP 503: /],
    [answer(418, { errors: [null] }), /responded with status 418/, /az acr check-health/, /^HTTP 418: /],
  ];
  for (const [response, message, hint, cause] of rows) {
    test(`${response.status} ${response.body.slice(0, 60)} with the hint ${hint}`, async () => {
      const failure = await catchFailure(() => parseToken(makeRuntime(), REGISTRY, response, 'refresh_token'));
      expect(failure.code).toBe('REGISTRY_REFUSED');
      expect(failure.message).toMatch(message);
      expect(failure.hint).toMatch(hint);
      expect(failure.causes[0]).toMatch(cause);
    });
  }

  test('a response with its correlation id', async () => {
    const response = answer(500, '', { 'x-ms-correlation-request-id': 'the-id' });
    const failure = await catchFailure(() => parseToken(makeRuntime(), REGISTRY, response, 'refresh_token'));
    expect(failure.causes).toContain('correlation id the-id');
  });
});

describe('parseToken rejects', () => {
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"refresh_token":""}',
    '{"refresh_token":7}',
    '{"access_token":"x"}',
    '<html>',
  ]) {
    test(`status 200 with the body ${JSON.stringify(body)}`, async () => {
      const failure = await catchFailure(() => parseToken(makeRuntime(), REGISTRY, answer(200, body), 'refresh_token'));
      expect(failure.code).toBe('ANSWER_INVALID');
      expect(failure.message).toContain('myregistry.azurecr.io returned no refresh_token');
    });
  }

  test('status 400 with a token', async () => {
    const response = answer(400, { refresh_token: TOKEN });
    expect((await catchFailure(() => parseToken(makeRuntime(), REGISTRY, response, 'refresh_token'))).code).toBe(
      'REGISTRY_REFUSED',
    );
  });
});

describe('parseToken with a token that expires', () => {
  const HOUR = 3600;
  const YEARS = 5 * 365 * 24 * HOUR;
  /** Reads a token that expires so many seconds after the test's time. */
  const read = (lifeSeconds: number, clockAheadSeconds: number, serverAheadSeconds?: number) => {
    const token = makeToken({ exp: NOW_SECONDS + lifeSeconds });
    const runtime = makeRuntime({}, { now: () => NOW_MS + clockAheadSeconds * 1000 });
    const date = new Date(NOW_MS + (serverAheadSeconds ?? 0) * 1000).toUTCString();
    const response = answer(200, { refresh_token: token }, serverAheadSeconds === undefined ? {} : { date });
    const parsed = parseToken(runtime, REGISTRY, response, 'refresh_token');
    expect(parsed.token).toBe(token);
    return parsed.expiresAtSeconds;
  };

  // What the registry's clock says is true; without one, what this machine's says.
  const rows: readonly (readonly [
    what: string,
    args: Parameters<typeof read>,
    result: number | 'uncached' | 'expired',
  ])[] = [
    ['in three hours, by both clocks', [3 * HOUR, 0, 0], NOW_SECONDS + 3 * HOUR],
    ['in three hours, without a Date', [3 * HOUR, 0], NOW_SECONDS + 3 * HOUR],
    ['in a second', [1, 0, 0], NOW_SECONDS + 1],
    ['in three hours, on a machine that is years behind', [3 * HOUR, -YEARS, 0], NOW_SECONDS + 3 * HOUR],
    ['in three hours, on a machine that is years ahead', [3 * HOUR, YEARS, 0], 'uncached'],
    ['in three hours, on a machine that is exactly so much ahead', [3 * HOUR, 3 * HOUR, 0], 'uncached'],
    ['in three hours, on a machine that is years ahead, without a Date', [3 * HOUR, YEARS], 'expired'],
    ['now', [0, 0, 0], 'expired'],
    ['now, without a Date', [0, 0], 'expired'],
    ['an hour ago', [-HOUR, 0, 0], 'expired'],
    ['an hour ago, on a machine that is years behind', [-HOUR, -YEARS, 0], 'expired'],
    ['an hour ago, on a machine that is years ahead', [-HOUR, YEARS, 0], 'expired'],
    ['at the epoch', [-NOW_SECONDS, 0, 0], 'expired'],
  ];
  for (const [what, args, result] of rows) {
    test(`${what}: ${typeof result === 'number' ? 'returns it with its expiry' : result}`, async () => {
      if (result !== 'expired') {
        expect(read(...args)).toBe(result === 'uncached' ? undefined : result);
        return;
      }
      const failure = await catchFailure(() => read(...args));
      expect(failure.code).toBe('ANSWER_INVALID');
      expect(failure.message).toBe('myregistry.azurecr.io returned a token that has already expired');
      expect(failure.hint).toBe("check this machine's clock: date -u");
      expect(failure.causes[0]).toMatch(/^it expired at \S+, and (?:this machine's|the registry's) clock says \S+$/);
    });
  }

  test('ignores a Date that is none', () => {
    for (const date of ['', 'soon', 'NaN', '\0']) {
      const response = answer(200, { refresh_token: TOKEN }, { date });
      expect(parseToken(makeRuntime(), REGISTRY, response, 'refresh_token').expiresAtSeconds).toBe(2_000_000_000);
    }
  });
});
