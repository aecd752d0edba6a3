/** JSON whose shape is not known yet. */
import { describe, expect, test } from 'vitest';
import { asJsonObject, asText, parseJsonObject } from '../../src/json.ts';

describe('parseJsonObject', () => {
  const rows: readonly (readonly [text: string, result: object | undefined])[] = [
    ['{}', {}],
    [' {"a":1}\n', { a: 1 }],
    ['{"a":{"b":[null]}}', { a: { b: [null] } }],
    ['', undefined],
    ['null', undefined],
    ['true', undefined],
    ['1', undefined],
    ['"{}"', undefined],
    ['[]', undefined],
    ['[{}]', undefined],
    ['{', undefined],
    ['{}{}', undefined],
    ["{'a':1}", undefined],
    ['{"a":undefined}', undefined],
    ['\uFEFF{}', undefined],
    ['{"a":'.repeat(100_000), undefined],
  ];
  for (const [text, result] of rows) {
    test(`${result === undefined ? 'rejects' : 'parses'} ${JSON.stringify(text).slice(0, 60)}`, () => {
      expect(parseJsonObject(text)).toEqual(result);
    });
  }

  test('keeps __proto__ as an ordinary key, and changes no object', () => {
    const parsed = parseJsonObject('{"__proto__":{"planted":true}}');
    expect(Object.keys(parsed ?? {})).toEqual(['__proto__']);
    expect(parsed?.['planted']).toBeUndefined();
    expect('planted' in {}).toBe(false);
  });
});

describe('asJsonObject and asText', () => {
  const rows: readonly (readonly [name: string, value: unknown, isObject: boolean, text: string | undefined])[] = [
    ['an object', { a: 1 }, true, undefined],
    ['an array', [], false, undefined],
    ['null', null, false, undefined],
    ['undefined', undefined, false, undefined],
    ['a string', 'text', false, 'text'],
    ['a space', ' ', false, ' '],
    ['an empty string', '', false, undefined],
    ['a number', 0, false, undefined],
    ['a function', () => 1, false, undefined],
  ];
  for (const [name, value, isObject, text] of rows) {
    test(`return ${isObject ? 'the object' : JSON.stringify(text)} for ${name}`, () => {
      expect(asJsonObject(value) !== undefined).toBe(isObject);
      expect(asText(value)).toBe(text);
    });
  }
});
