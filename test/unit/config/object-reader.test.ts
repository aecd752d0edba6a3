/** One object of the configuration, and how a mistake in it is told. */
import { describe, expect, test } from 'vitest';
import type { ObjectReader } from '../../../src/config/object-reader.ts';
import { choice, flag, wholeNumber } from '../../../src/field.ts';
import { catchFailure } from '../failure.ts';
import { readerOf } from './config-of.ts';

const FIELDS = {
  secret: choice(['refresh-token', 'access-token'], 'What is given.'),
  anonymous: flag('Whether it is open.'),
  minutes: wholeNumber(5, 150, 'How long.'),
};
const KEYS = Object.keys(FIELDS);
const CORRECT_IT = 'correct the file, or move it away';

/** The reader of an object two levels down in a file. */
function nested(object: object): ObjectReader {
  return readerOf({}).within('registries', {}).within('a.azurecr.io', readerOf({ object }).object('object'));
}

describe('allow', () => {
  for (const object of [{}, { secret: 1 }, { anonymous: null, minutes: [], secret: {} }]) {
    test(`accepts known keys, whatever their values are: ${JSON.stringify(object)}`, () => {
      expect(() => readerOf(object).allow(KEYS)).not.toThrow();
    });
  }

  const rows: readonly (readonly [object: object, what: string, hint: string])[] = [
    [{ secrets: 1 }, 'unknown key "secrets"', 'did you mean "secret"?'],
    [{ Anonymous: 1 }, 'unknown key "Anonymous"', 'did you mean "anonymous"?'],
    [{ secret: 1, elsewhere: 1, nowhere: 1 }, 'unknown key "elsewhere"', `the keys are ${KEYS.join(', ')}`],
    [{ ['__proto__']: 1 }, 'unknown key "__proto__"', `the keys are ${KEYS.join(', ')}`],
    [{ constructor: 1 }, 'unknown key "constructor"', `the keys are ${KEYS.join(', ')}`],
    [{ '': 1 }, 'unknown key ""', `the keys are ${KEYS.join(', ')}`],
  ];
  for (const [object, what, hint] of rows) {
    test(`rejects ${JSON.stringify(object)}, and tells the nearest key or all`, async () => {
      const failure = await catchFailure(() => readerOf(object).allow(KEYS));
      expect([failure.code, failure.message, failure.hint]).toEqual([
        'CONFIG_INVALID',
        `Cannot use /config.json: ${what}`,
        hint,
      ]);
    });
  }

  test('tells the place of an object within the file', async () => {
    const failure = await catchFailure(() => nested({ secrets: 1 }).allow(KEYS));
    expect(failure.message).toBe('Cannot use /config.json: unknown key "secrets" in "registries"."a.azurecr.io"');
  });
});

describe('read', () => {
  for (const object of [{}, { secret: 'access-token', anonymous: false, minutes: 5 }]) {
    test(`returns the values of ${JSON.stringify(object)}`, () => {
      expect(readerOf(object).read(FIELDS)).toEqual(object);
    });
  }

  test('does not look at other keys', () => {
    expect(readerOf({ secret: 'wrong', anonymous: true }).read({ anonymous: FIELDS.anonymous }).anonymous).toBe(true);
  });

  const rows: readonly (readonly [object: object, what: string, hint: string])[] = [
    [
      { secret: 'acces-token' },
      '"secret" must be one of "refresh-token", "access-token"',
      'write "secret": "access-token"',
    ],
    [{ secret: 'password' }, '"secret" must be one of "refresh-token", "access-token"', CORRECT_IT],
    [{ secret: ['access-token'] }, '"secret" must be one of "refresh-token", "access-token"', CORRECT_IT],
    [{ anonymous: 'true' }, '"anonymous" must be true or false', CORRECT_IT],
    [{ anonymous: null }, '"anonymous" must be true or false', CORRECT_IT],
    [{ minutes: 4, anonymous: 1 }, '"anonymous" must be true or false', CORRECT_IT],
    [{ minutes: 4 }, '"minutes" must be a whole number from 5 to 150', CORRECT_IT],
  ];
  for (const [object, what, hint] of rows) {
    test(`rejects ${JSON.stringify(object)}`, async () => {
      for (const [reader, place] of [
        [readerOf(object), ''],
        [nested(object), '"registries"."a.azurecr.io".'],
      ] as const) {
        const failure = await catchFailure(() => reader.read(FIELDS));
        expect([failure.code, failure.message, failure.hint]).toEqual([
          'CONFIG_INVALID',
          `Cannot use /config.json: ${place}${what}`,
          hint,
        ]);
      }
    });
  }
});

describe('object', () => {
  const rows: readonly (readonly [object: object, value: object])[] = [
    [{}, {}],
    [{ registries: {} }, {}],
    [{ registries: { a: 1 } }, { a: 1 }],
  ];
  for (const [object, value] of rows) {
    test(`returns ${JSON.stringify(value)} of ${JSON.stringify(object)}`, () => {
      expect(readerOf(object).object('registries')).toEqual(value);
    });
  }

  for (const value of [[], null, '*', 7, false]) {
    test(`rejects ${JSON.stringify(value)}`, async () => {
      const failure = await catchFailure(() => readerOf({ registries: value }).object('registries'));
      expect([failure.code, failure.message]).toEqual([
        'CONFIG_INVALID',
        'Cannot use /config.json: "registries" must be an object',
      ]);
    });
  }
});

describe('within', () => {
  test('tells the path of the object', () => {
    expect(readerOf({}).path).toBe('');
    expect(readerOf({}).within('registries', {}).path).toBe('"registries"');
    expect(nested({}).path).toBe('"registries"."a.azurecr.io"');
  });

  for (const value of [undefined, null, [], 'text', 7, true]) {
    test(`rejects ${JSON.stringify(value)}`, async () => {
      const failure = await catchFailure(() => nested({}).within('identity', value));
      expect([failure.code, failure.message, failure.hint]).toEqual([
        'CONFIG_INVALID',
        'Cannot use /config.json: "registries"."a.azurecr.io"."identity" must be an object',
        CORRECT_IT,
      ]);
    });
  }
});

describe('value', () => {
  const rows: readonly (readonly [object: object, key: string, value: unknown])[] = [
    [{ a: 1 }, 'a', 1],
    [{ a: null }, 'a', null],
    [{ a: 1 }, 'b', undefined],
    [{}, 'constructor', undefined],
    [{}, '__proto__', undefined],
    [{ ['__proto__']: 1 }, '__proto__', 1],
  ];
  for (const [object, key, value] of rows) {
    test(`returns ${JSON.stringify(value)} for ${key} of ${JSON.stringify(object)}`, () => {
      expect(readerOf(object).value(key)).toBe(value);
    });
  }
});

test('invalid returns an error with the file, and a hint of its own where there is one', () => {
  const mistake = nested({}).invalid('it is wrong');
  expect([mistake.code, mistake.message, mistake.hint]).toEqual([
    'CONFIG_INVALID',
    'Cannot use /config.json: it is wrong',
    CORRECT_IT,
  ]);
  expect(readerOf({}).invalid('it is wrong', 'write it').hint).toBe('write it');
});
