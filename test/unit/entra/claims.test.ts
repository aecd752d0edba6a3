/** When a token expires and whom it is for, as its claims say, and what it may hold instead. */
import { describe, expect, test } from 'vitest';
import { readAudiences, readClaims, readExpiry, readExpiryFrom } from '../../../src/entra/claims.ts';
import { makeToken } from '../token.ts';

describe('readExpiry', () => {
  const rows: readonly (readonly [token: string, end: number | undefined])[] = [
    [makeToken({ exp: 1 }), 1],
    [makeToken({ exp: 2_000_000_000.5 }), 2_000_000_000.5],
    [makeToken({ exp: 8.64e12 }), 8.64e12],
    [makeToken({ exp: 8.65e12 }), 8.64e12],
    [makeToken({ exp: -1e300 }), -8.64e12],
    [makeToken({}), undefined],
    ['', undefined],
    ['a', undefined],
    ['a.b', undefined],
    ['a.b.c', undefined],
    ['..', undefined],
    ['.'.repeat(100_000), undefined],
    [`${'x'.repeat(100_000)}.y.z`, undefined],
  ];
  for (const [token, end] of rows) {
    test(`returns ${end ?? 'nothing'} for "${token.slice(0, 60)}"`, () => {
      expect(readExpiry(token)).toBe(end);
    });
  }
});

describe('readExpiryFrom', () => {
  const rows: readonly (readonly [clock: string, claims: object, now: number, end: number | undefined])[] = [
    ['a right clock', { iat: 1000, exp: 1600 }, 1000, 1600],
    ['a clock that is ahead', { iat: 1000, exp: 1600 }, 1500, 1600],
    ['a clock that is behind', { iat: 1000, exp: 1600 }, 100, 700],
    ['a token without a time of issue', { exp: 1600 }, 100, 1600],
    ['a token that was issued after its end', { iat: 1700, exp: 1600 }, 100, 1600],
    ['a token with a text for the time of issue', { iat: '1000', exp: 1600 }, 100, 1600],
    ['a token without an end', { iat: 1000 }, 100, undefined],
  ];
  test.each(rows)('given %s', (_clock, claims, now, end) => {
    expect(readExpiryFrom(makeToken({ ...claims }), now)).toBe(end);
  });
});

describe('readAudiences', () => {
  const rows: readonly (readonly [token: string, audiences: readonly string[]])[] = [
    [makeToken({ aud: 'api://one' }), ['api://one']],
    [makeToken({ aud: ['api://one', 'api://two'] }), ['api://one', 'api://two']],
    [makeToken({ aud: [] }), []],
    [makeToken({ aud: null }), []],
    [makeToken({ aud: { toString: 1 } }), ['']],
    [makeToken({ aud: ['api://one', 7, null] }), ['api://one', '', '']],
    [makeToken({}), []],
    ['a.b.c', []],
  ];
  for (const [token, audiences] of rows) {
    test(`returns ${JSON.stringify(audiences)} for "${token.slice(0, 60)}"`, () => {
      expect(readAudiences(readClaims(token))).toEqual(audiences);
    });
  }
});
