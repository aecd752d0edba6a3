/** The claims of tokens, which anybody may have written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAudiences, readClaims, readExpiry } from '../../src/entra/claims.ts';
import { makeToken } from '../unit/token.ts';
import { ANY_JSON, isReadable, mutated, mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const CLAIMS = {
  aud: 'https://containerregistry.azure.net',
  exp: 1_800_000_000,
  tid: 'tenant',
  list: [1, { a: null }],
};

const encode = (text: string) => Buffer.from(text).toString('base64url');
const TOKENS = fc.oneof(
  mutated(fc.constant(makeToken(CLAIMS)), ['.', '..', '=', '-', '_', '+', '/', ' ', 'e30', 'bnVsbA']),
  mutatedJsonText(CLAIMS).map((payload) => `${encode('{"alg":"none"}')}.${encode(payload)}.`),
  fc.array(fc.string(), { maxLength: 6 }).map((parts) => parts.join('.')),
);

describe('the claims of any text', () => {
  it('are an object, and its expiry is a date or missing', () => {
    fc.assert(
      fc.property(TOKENS, (token) => {
        const claims = readClaims(token);
        expect(Object.prototype.toString.call(claims)).toBe('[object Object]');
        const expiry = readExpiry(token);
        expect(expiry === undefined || !Number.isNaN(new Date(expiry * 1000).getTime())).toBe(true);
        expect(Array.isArray(readAudiences(claims))).toBe(true);
      }),
      RUN_OPTIONS,
    );
  });

  it('are those that were encoded, with the expiry, which is a date', () => {
    const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(1e308, -1, 0));
    fc.assert(
      fc.property(
        fc.dictionary(fc.string().filter(isReadable), ANY_JSON),
        fc.oneof(numbers, ANY_JSON),
        (others, exp) => {
          const claims = JSON.parse(JSON.stringify({ ...others, exp }));
          const token = makeToken({ ...others, exp });
          expect(readClaims(token)).toEqual(claims);
          const isDate = typeof claims.exp === 'number' && !Number.isNaN(new Date(claims.exp * 1000).getTime());
          const isNumber = typeof claims.exp === 'number';
          expect(readExpiry(token)).toBe(isDate ? claims.exp : isNumber ? Math.sign(claims.exp) * 8.64e12 : undefined);
        },
      ),
      RUN_OPTIONS,
    );
  });

  it('have no expiry beyond what a number can be', () => {
    const token = `${encode('{}')}.${encode('{"exp":1e999}')}.`;
    expect(readExpiry(token)).toBeUndefined();
  });
});
