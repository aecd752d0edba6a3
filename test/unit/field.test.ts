/** The kinds of values that the configuration has, and that JSON Schema says the same of them as the program. */
import { describe, expect, test } from 'vitest';
import { CLOUD_FIELDS } from '../../src/config/cloud-settings.ts';
import { CONFIG_FIELDS } from '../../src/config/config.ts';
import { REGISTRY_FIELDS } from '../../src/config/registry-settings.ts';
import {
  assertValues,
  audience,
  choice,
  type Field,
  type Fields,
  flag,
  guid,
  httpsUrl,
  list,
  path,
  text,
  texts,
  variable,
  wholeNumber,
} from '../../src/field.ts';
import { COMMON_FIELDS } from '../../src/identity/identity.ts';
import { SOURCES } from '../../src/identity/sources.ts';
import { asJsonObject, type JsonObject } from '../../src/json.ts';

const ID = '72f988bf-86f1-41af-91ab-2d7cd011db47';

/** Whether a value is valid, by the keywords of JSON Schema that fields use. */
function isValid(schema: JsonObject, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, wanted]) => {
    switch (keyword) {
      case 'type':
        return isOfType(wanted, value);
      case 'pattern':
        return typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value);
      case 'enum':
        return toList(wanted).some((one) => one === value);
      case 'minimum':
        return typeof value !== 'number' || value >= Number(wanted);
      case 'maximum':
        return typeof value !== 'number' || value <= Number(wanted);
      case 'minItems':
        return !Array.isArray(value) || value.length >= Number(wanted);
      case 'items':
        return !Array.isArray(value) || value.every((item) => isValid(asJsonObject(wanted) ?? {}, item));
      case 'oneOf':
        return toList(wanted).filter((one) => isValid(asJsonObject(one) ?? {}, value)).length === 1;
      case 'format':
        return true; // an editor may look at it, and need not
      default:
        throw new Error(`the schema of a field has the keyword ${keyword}, which this test does not know`);
    }
  });
}

function isOfType(type: unknown, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'string' || type === 'boolean') return typeof value === type;
  throw new Error(`the schema of a field has the type ${type}, which this test does not know`);
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

interface Kind {
  readonly field: Field<unknown>;
  readonly accepted: readonly unknown[];
  readonly rejected: readonly unknown[];
}

/** What no kind of field takes. */
const NEVER = [null, {}, [], [[]], [null], [{}], [[ID]], { type: 'string' }];
const NOT_TEXTS = [true, false, 0, 1, -1, 0.5];

const KINDS: Readonly<Record<string, Kind>> = {
  text: {
    field: text('', 'anything'),
    accepted: ['a', ' ', 'a b', '-x', '..', 'é', '\u{1F511}', '\u202E', 'x'.repeat(100_000)],
    rejected: [...NEVER, ...NOT_TEXTS, '', 'a\nb', '\n', 'a\n', 'a\r', '\0', '\u001B[2J', '\u0085', ['a']],
  },
  'text with a pattern': {
    field: text('', 'a word', '^[a-z]+$'),
    accepted: ['a', 'word', 'x'.repeat(100_000)],
    rejected: [...NEVER, ...NOT_TEXTS, '', 'A', 'a b', 'a\n', '\na', 'word1', ['word']],
  },
  choice: {
    field: choice(['fail', 'anonymous'], ''),
    accepted: ['fail', 'anonymous'],
    rejected: [...NEVER, ...NOT_TEXTS, '', 'Fail', 'fail ', 'fail\n', 'length', '0', ['fail']],
  },
  flag: {
    field: flag(''),
    accepted: [true, false],
    rejected: [...NEVER, 0, 1, '', 'true', 'false', [true]],
  },
  'whole number': {
    field: wholeNumber(5, 150, ''),
    accepted: [5, 6, 150, 1e2, 7.0],
    rejected: [
      ...[...NEVER, true, '', '70', 4, 151, -70, 0, -0, 70.5, 5e-324, 1e308, Number.MAX_SAFE_INTEGER],
      ...[Number.POSITIVE_INFINITY, Number.NaN, [70]],
    ],
  },
  texts: {
    field: texts('', 'words', '^[a-z]+$'),
    accepted: ['word', ['word'], ['a', 'b'], Array.from({ length: 1_000 }, () => 'a')],
    rejected: [...NEVER, ...NOT_TEXTS, '', 'A', [''], ['a', ''], ['a', 1], ['a', ['b']], ['a', null]],
  },
  list: {
    field: list('', 'a list'),
    accepted: [['a'], ['/bin/true', '-x', 'a b', '..'], Array.from({ length: 1_000 }, () => 'a')],
    rejected: [...NEVER, ...NOT_TEXTS, '', 'a', [''], ['a', ''], ['a', 'b\nc'], ['a', 1], ['a', ['b']]],
  },
  guid: {
    field: guid('', 'an id'),
    accepted: [ID, ID.toUpperCase(), '00000000-0000-0000-0000-000000000000'],
    rejected: [
      ...[...NEVER, ...NOT_TEXTS, '', 'me', ID.slice(1), `${ID}0`, ` ${ID}`, `${ID}\n`, `{${ID}}`],
      ...[ID.replaceAll('-', ''), ID.replace('7', 'g'), ID.replace('7', '\u0667'), [ID]],
    ],
  },
  variable: {
    field: variable(''),
    accepted: ['A', 'a', '_', '_1', 'AZURE_CLIENT_SECRET', 'X'.repeat(100_000)],
    rejected: [...NEVER, ...NOT_TEXTS, '', '1A', 'A=B', 'A B', 'A-B', '$A', '%A%', 'É', 'A\n', ['A']],
  },
  path: {
    field: path(''),
    accepted: ['/', '/secret', '/a b/../c', '//server/share', '/a\n'],
    rejected: [...NEVER, ...NOT_TEXTS, '', '.', '..', 'secret', './secret', '~/secret', ' /secret', '-x', ['/secret']],
  },
  'https URL': {
    field: httpsUrl(''),
    accepted: ['https://login.example.com', 'https://login.example.com/adfs/', 'https://a:8443/b', 'https://[::1]/'],
    rejected: [
      ...[...NEVER, ...NOT_TEXTS, '', 'login.example.com', 'http://login.example.com', 'HTTPS://login.example.com'],
      ...['https://', 'https:///', 'https://a b', 'https://a/\n', ' https://a', 'https://a/?b=1', 'https://a?'],
      ...['https://a/#b', 'https://u@a', 'https://u:p@a', 'https://a/@b', 'https://a:99999', 'https://[::1'],
      ...['javascript:x', 'file:///etc/passwd', ['https://a']],
    ],
  },
  audience: {
    field: audience('', 'a URL'),
    accepted: ['https://containerregistry.azure.net', 'api://AzureADTokenExchange', ID, 'a_b.c-d'],
    rejected: [
      ...NEVER,
      ...NOT_TEXTS,
      '',
      'a b',
      'a\n',
      'https://a?b',
      'https://a#b',
      'https://a@b',
      'é',
      'a&b',
      ['a'],
    ],
  },
};

/** A value for a test's name. */
function show(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  const shown = JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 60)}… of ${shown.length} characters` : shown;
}

for (const [kind, { field, accepted, rejected }] of Object.entries(KINDS)) {
  describe(`a field that is a ${kind}`, () => {
    for (const value of accepted) {
      test(`accepts ${show(value)}, as its schema does`, () => {
        expect([field.accepts(value), isValid(field.schema, value)]).toEqual([true, true]);
      });
    }
    for (const value of rejected) {
      test(`rejects ${show(value)}`, () => {
        expect(field.accepts(value)).toBe(false);
      });
    }
  });
}

describe('a mistake is put into words that name', () => {
  test('every choice', () => {
    const { words, choices } = choice(['fail', 'anonymous'], '');
    expect([words, choices]).toEqual(['one of "fail", "anonymous"', ['fail', 'anonymous']]);
  });

  test('the limits of a number', () => {
    expect(wholeNumber(5, 150, '').words).toBe('a whole number from 5 to 150');
  });

  test('what a kind of field is', () => {
    expect([flag(''), variable(''), path(''), httpsUrl('')].map(({ words }) => words)).toEqual([
      'true or false',
      'the name of an environment variable',
      'an absolute path',
      'an https URL',
    ]);
  });
});

describe('assertValues', () => {
  const FIELDS = { anonymous: flag(''), secret: choice(['a', 'b'], '') };
  const explain = (key: string, { words }: Field<unknown>) => new Error(`${key} must be ${words}`);
  const rows: readonly (readonly [object: unknown, message: string | undefined])[] = [
    [{}, undefined],
    [{ anonymous: true, secret: 'a' }, undefined],
    [{ other: 7, constructor: 7 }, undefined],
    [{ anonymous: null }, 'anonymous must be true or false'],
    [{ secret: 'c' }, 'secret must be one of "a", "b"'],
    [{ secret: 'c', anonymous: 7 }, 'anonymous must be true or false'],
  ];
  for (const [object, message] of rows) {
    test(`${message === undefined ? 'accepts' : 'rejects'} ${JSON.stringify(object)}`, () => {
      const check = () => assertValues(object, FIELDS, explain);
      if (message === undefined) expect(check).not.toThrow();
      else expect(check).toThrow(message);
    });
  }

  test('accepts a value that is undefined', () => {
    expect(() => assertValues({ anonymous: undefined }, FIELDS, explain)).not.toThrow();
  });
});

/** Every field of the configuration, by its place. */
const PLACES: readonly (readonly [place: string, fields: Fields])[] = [
  ['the whole file', CONFIG_FIELDS],
  ['a registry', REGISTRY_FIELDS],
  ['a cloud', CLOUD_FIELDS],
  ['every identity', COMMON_FIELDS],
  ...SOURCES.map(({ name, fields }) => [name, fields] as const),
];
const WORDS = [
  ...['', ' ', 'a', 'A', '0', '-', '-x', '--', '.', '..', '.a', 'a.', '_', 'a b', ' a', 'a ', 'a,b', 'a;b', 'a&b', '*'],
  ...['$HOME', '%PATH%', '`id`', '"', "'", '\\', '<', '{}', '[]', 'null', 'true', 'false', '70', '1e2'],
  ...['a\nb', 'a\n', '\na', '\n', '\r', '\t', '\0', '\u001B[2J', '\u007F', '\u0085', '\u2028', '\u202E', '\uFEFF'],
  ...['é', 'e\u0301', '\u{1F511}', '\uD800', 'ſ', '\u212A', '\u0661', 'xn--a'],
  ...['contoso.com', 'contoso.onmicrosoft.com', 'a/b', 'a?b', 'a#b', 'a@b', 'tenant?x=1', '__proto__', 'constructor'],
  ...[ID, ID.toUpperCase(), ID.slice(1), `${ID}0`, `{${ID}}`, `${ID}\n`, ID.replaceAll('-', '')],
  ...['AZURE_CLIENT_SECRET', '1A', 'A=B', 'A-B'],
  ...['/', '/secret', './secret', '~/secret', 'C:\\secret', '//server/share', '/a\nb'],
  ...['https://login.example.com', 'https://a/b/', 'http://a', 'HTTPS://a', 'https://', 'https://a b', 'https://a?b'],
  ...['https://a#b', 'https://u:p@a', 'https://a:99999', 'https://[::1', 'https://[::1]', 'api://a', 'javascript:x'],
  ...['/subscriptions/a/resourceGroups/b', '/SubScriptions/a/b c', '/ſubscriptions/a/b', '/subscriptions/a/b\n'],
  ...['repository:a:pull', 'repository:a:pull registry:catalog:*', 'access-token', 'anonymous', 'keychain', 'file'],
  ...['x'.repeat(100_000), ' '.repeat(100_000), '-'.repeat(100_000), `https://${'a/'.repeat(50_000)}`],
];
const NUMBERS = [0, -0, 1, -1, 4, 5, 70, 70.5, 150, 150.5, 151, -70, 1e21, 1e308, 5e-324, Number.MAX_SAFE_INTEGER];
const VALUES: readonly unknown[] = [
  ...[...NEVER, true, false, ...NUMBERS, ...WORDS],
  ...[...WORDS, ...NUMBERS, true].flatMap((one) => [[one], ['repository:a:pull', one], [[one]], { type: one }]),
  Array.from({ length: 10_000 }, () => 'a'),
];

describe('JSON Schema', () => {
  for (const [place, fields] of PLACES) {
    for (const [key, field] of Object.entries(fields)) {
      // That a path is absolute, and that a URL can be read, is more than a pattern says.
      const isStricter = field.words === path('').words || field.words === httpsUrl('').words;
      const agreement = isStricter ? 'accepts what the program accepts' : 'accepts and rejects what the program does';
      test(`${agreement} as "${key}" of ${place}`, () => {
        const told = VALUES.map((value) => ({
          value: show(value),
          isAccepted: field.accepts(value),
          isValid: isValid(field.schema, value),
        }));
        expect(told.filter((one) => one.isAccepted && !one.isValid)).toEqual([]);
        if (!isStricter) expect(told.filter((one) => one.isValid && !one.isAccepted)).toEqual([]);
        // A row that nothing passes, or that everything passes, would prove nothing.
        expect(new Set(told.map((one) => one.isAccepted))).toEqual(new Set([true, false]));
        expect(new Set(told.map((one) => one.isValid))).toEqual(new Set([true, false]));
      });
    }
  }

  for (const [place, field] of [
    ['a registry', REGISTRY_FIELDS.tenantId],
    ['an identity', COMMON_FIELDS.tenantId],
  ] as const) {
    test(`takes no text as the tenant of ${place} that could be read as an option or as a folder`, () => {
      for (const tenantId of ['-x', '--help', '.', '..', '../a', '.contoso.com', 'a/b', '', 'a b', 'é', 'a\n']) {
        expect([tenantId, field.accepts(tenantId), isValid(field.schema, tenantId)]).toEqual([tenantId, false, false]);
      }
      for (const tenantId of ['contoso.onmicrosoft.com', ID, 'a-', '0']) {
        expect([tenantId, field.accepts(tenantId), isValid(field.schema, tenantId)]).toEqual([tenantId, true, true]);
      }
    });
  }
});
