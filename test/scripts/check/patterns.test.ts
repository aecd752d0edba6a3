/** The check of patterns: which regular expressions it finds, and which ones it reports. */
import { describe, expect, test } from 'vitest';
import { findPatterns, readConstant } from '../../../scripts/check/pattern-finder.ts';
import { type DynamicPattern, reportPatterns } from '../../../scripts/check/pattern-report.ts';

const noImport = () => undefined;
const report = (code: string, allowed: readonly DynamicPattern[] = [], file = 'a.ts') =>
  reportPatterns([{ file, code, readImport: noImport }], allowed);

test('reports the exponential and the quadratic pattern of a file, each with its line and an attack', async () => {
  const code = [
    'const EXPONENTIAL: RegExp = /^(a|a)*$/;',
    "export const trim = (text: string) => text.replace(/\\s+$/, '');",
    'export const split = (text: string): string[] => text.split(/[\\s,]+/);',
  ].join('\n');
  const reports = await report(code);
  expect(reports).toEqual([
    expect.stringMatching(/^a\.ts:1: \/\^\(a\|a\)\*\$\/: exponential, such as for 'a'\.repeat/),
    expect.stringMatching(/^a\.ts:2: \/\\s\+\$\/: 2nd degree polynomial, such as for /),
  ]);
});

describe('reports a pattern in', () => {
  const rows: readonly (readonly [what: string, code: string])[] = [
    ['a string', "new RegExp('^(a|a)*$', 'u');"],
    ['a call without new', "RegExp('^(a|a)*$');"],
    ['a constant', "const SLOW = '^(a|a)*$';\nexport const find = (text: string) => new RegExp(SLOW).test(text);"],
    ['an exported constant', "export const SLOW = '^(a|a)*$';\nnew RegExp(SLOW);"],
    ['a template', `const PART = '(a|a)*';\nnew RegExp(\`^\${PART}$\`);`],
    ['a raw template', 'new RegExp(String.raw`^(\\w|\\w)*$`);'],
    ['joined strings', "new RegExp('^(a|a)' + '*$');"],
    ['a string that match compiles', "''.match('^(a|a)*$');"],
    ['a field of the configuration', "import { text } from '../field.ts';\ntext('', '', '^(a|a)*$');"],
    ['a list of the configuration', "import { list as many } from './field.ts';\nmany('', '', '^(a|a)*$');"],
  ];
  for (const [what, code] of rows) {
    test(what, async () => {
      expect(await report(code)).toEqual([expect.stringContaining('exponential')]);
    });
  }

  test('the default of a parameter', async () => {
    expect(await report("export function text(pattern = '^(a|a)*$') { return pattern; }", [], 'src/field.ts')).toEqual([
      expect.stringContaining('exponential'),
    ]);
  });
});

test('reads a pattern that another file exports', async () => {
  const other = "export const NAME: string = '^[a-z]+$';\nexport const SLOW = '^(a|a)*$';";
  const code = "import { NAME, SLOW } from './other.ts';\nnew RegExp(NAME);\nnew RegExp(SLOW);";
  const readImport = (specifier: string, name: string) =>
    specifier === './other.ts' ? readConstant(other, name) : undefined;
  const reports = await reportPatterns([{ file: 'a.ts', code, readImport }], []);
  expect(reports).toEqual([expect.stringMatching(/^a\.ts:3: new RegExp\(SLOW\): exponential/)]);
});

describe('reports a pattern whose source only the run knows', () => {
  const rows: readonly string[] = [
    'export const find = (pattern: string) => new RegExp(pattern);',
    "export const find = (flags: string) => new RegExp('a', flags);",
    `export const find = (word: string) => new RegExp(\`^\${word}$\`);`,
    "const word = '^a$';\nexport const find = (word: string) => new RegExp(word);",
    "import { WORD } from 'elsewhere';\nnew RegExp(WORD);",
    'export const find = (text: string, word: string) => text.match(word);',
    "import { text } from './field.ts';\nexport const make = (pattern: string) => text('', '', pattern);",
  ];
  for (const code of rows) {
    test(code.slice(0, 100), async () => {
      expect(await report(code)).toEqual([expect.stringMatching(/: its source cannot be read here$/)]);
    });
  }

  test('unless it is listed', async () => {
    const code = 'export const find = (pattern: string) => new RegExp(pattern);';
    const allowed = { file: 'a.ts', code: 'new RegExp(pattern)', reason: 'only its author writes it' };
    expect(await report(code, [allowed])).toEqual([]);
    expect(await report(code, [{ ...allowed, file: 'b.ts' }])).toHaveLength(2);
  });

  test('and one that is listed, but is gone', async () => {
    const gone = { file: 'a.ts', code: 'new RegExp(pattern)', reason: 'only its author writes it' };
    expect(await report('export {};', [gone])).toEqual([expect.stringContaining('is not there')]);
  });
});

describe('finds no pattern in', () => {
  const rows: readonly string[] = [
    "const text = (one: string, two: string, three: string) => one + two + three;\ntext('', '', '^(a|a)*$');",
    "import { text } from './field.ts';\ntext('a', 'b');",
    "const half = (4 / 2) / 1; // not /^(a|a)*$/\nconst name = '/^(a|a)*$/';",
  ];
  for (const code of rows) {
    test(code.slice(0, 100), () => {
      expect(findPatterns('a.ts', code, noImport)).toEqual([]);
    });
  }
});
