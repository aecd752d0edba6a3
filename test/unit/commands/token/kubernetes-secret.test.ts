import { describe, expect, test } from 'vitest';
import { isLabel, isSecretName } from '../../../../src/commands/token/kubernetes-secret.ts';

const LABELS = ['a', '7', 'acr', 'acr-pull', 'a--b', 'a'.repeat(63)];
const NAMES = ['acr.pull', 'a.b.c', `${'a'.repeat(63)}.${'b'.repeat(63)}`];
const NEITHER = [
  '',
  '-a',
  'a-',
  'A',
  'a_b',
  'a b',
  'a\n',
  'ä',
  '.',
  'a.',
  '.a',
  'a..b',
  'a.-b',
  'a'.repeat(64),
  '--help',
];

describe('isLabel', () => {
  test.each(LABELS)('accepts %s', (text) => expect(isLabel(text)).toBe(true));
  test.each([...NAMES, ...NEITHER])('rejects %j', (text) => expect(isLabel(text)).toBe(false));
});

describe('isSecretName', () => {
  test.each([...LABELS, ...NAMES])('accepts %s', (text) => expect(isSecretName(text)).toBe(true));
  test.each(NEITHER)('rejects %j', (text) => expect(isSecretName(text)).toBe(false));
  test('rejects a name that is too long', () => {
    expect(isSecretName(Array.from({ length: 127 }, () => 'a').join('.'))).toBe(true);
    expect(isSecretName(Array.from({ length: 128 }, () => 'a').join('.'))).toBe(false);
  });
});
