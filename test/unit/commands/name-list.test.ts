import { describe, expect, test } from 'vitest';
import { cleanNames, NO_LIMIT, readLimit } from '../../../src/commands/name-list.ts';
import { UsageError } from '../../../src/terminal/failure.ts';
import { makeRuntime } from '../runtime.ts';

describe('cleanNames', () => {
  const runtime = makeRuntime({ AZURE_CLIENT_SECRET: 'plain-secret-1' });
  test.each([
    ['team/app', 'team/app'],
    ['v1.2_3-rc', 'v1.2_3-rc'],
    [`sha256-${'0'.repeat(64)}-${'1'.repeat(50)}`, `sha256-${'0'.repeat(64)}-${'1'.repeat(50)}`],
    ['a\nb', 'a b'],
    ['\u001B[2J', '[2J'],
    ['a\u202Eb', 'a b'],
    ['x-plain-secret-1', 'x-[redacted]'],
    [`eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(20)}`, '[redacted]'],
  ])('makes of %j %j', (name, expected) => {
    expect(cleanNames(runtime, [name])).toEqual([expected]);
  });
});

describe('readLimit', () => {
  test('is no limit without the option', () => expect(readLimit(undefined)).toBe(NO_LIMIT));
  test('reads a number', () => expect(readLimit('20')).toBe(20));
  test.each(['', '0', '01', '-1', '1.5', 'x', '1e3', '１'])('rejects %j', (text) => {
    expect(() => readLimit(text)).toThrow(UsageError);
  });
});
