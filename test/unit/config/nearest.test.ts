/** The word that somebody probably meant. */
import { describe, expect, test } from 'vitest';
import { findNearest } from '../../../src/config/nearest.ts';

const WORDS = ['secret', 'scope', 'tenantId', 'identity', 'anonymous', 'onError'] as const;

describe('findNearest', () => {
  const rows: readonly (readonly [word: string, nearest: string | undefined])[] = [
    ['secret', 'secret'],
    ['Secret', 'secret'],
    ['secrets', 'secret'],
    ['secert', 'secret'],
    ['scopes', 'scope'],
    ['tenant', 'tenantId'],
    ['tenantid', 'tenantId'],
    ['tenant_id', 'tenantId'],
    ['TENANTID', 'tenantId'],
    ['idenity', 'identity'],
    ['onerror', 'onError'],
    ['on_error', 'onError'],
    ['anon', undefined],
    ['', undefined],
    ['authority', undefined],
    ['__proto__', undefined],
    ['constructor', undefined],
    ['\0\0\0\0\0\0', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [word, nearest] of rows) {
    test(`returns ${nearest ?? 'nothing'} for ${JSON.stringify(word).slice(0, 60)}`, () => {
      expect(findNearest(word, WORDS)).toBe(nearest);
    });
  }
});

test('findNearest accepts three edits but not four', () => {
  expect(findNearest('abcdefgh', ['abcdeXYZ'])).toBe('abcdeXYZ');
  expect(findNearest('abcdefgh', ['abcdWXYZ'])).toBeUndefined();
});

test('findNearest returns the candidate with fewer edits, whatever their order', () => {
  expect(findNearest('abcd', ['abXY', 'abcX'])).toBe('abcX');
  expect(findNearest('abcd', ['abcX', 'abXY'])).toBe('abcX');
});

test.each([
  ['bogus', 'login', undefined],
  ['gte', 'get', 'get'],
  ['statsu', 'status', 'status'],
  ['cnofigure', 'configure', 'configure'],
])('findNearest takes %j for %j only where enough is left of it', (word, candidate, nearest) => {
  expect(findNearest(word, [candidate])).toBe(nearest);
});

test('findNearest returns nothing without candidates', () => {
  expect(findNearest('word', [])).toBeUndefined();
});
