/** How mistakes are shown: as a compiler does, and never with a value that may be a secret. */
import { describe, expect, test } from 'vitest';
import { countFindings, describeFindings, formatFindings } from '../../../../src/commands/config/findings.ts';
import { validateText } from '../../../../src/commands/config/validation.ts';
import { makeRuntime } from '../../runtime.ts';

const SECRET = 'hidden-secret-Q8~value';

/** Many entries without mistakes. */
function many(name: string): string {
  return Array.from({ length: 500 }, (_, index) => `"${name}${index}*":{},`).join('');
}

function show(text: string, isDetailed = true, columns = 100): string {
  const validation = { file: '/c.json', text, findings: validateText(text, '/c.json') };
  return formatFindings(makeRuntime(), validation, { style: (_format, part) => part, columns, isDetailed });
}

describe('formatFindings', () => {
  test('shows the line, a mark below the place, and the hint', () => {
    expect(show('{\n  "registries": {\n    "a*": { "anonymus": true }\n  }\n}')).toBe(
      [
        '/c.json:3:13: error: unknown key "anonymus" in "registries"."a*"',
        '  3 |     "a*": { "anonymus": true }',
        '    |             ^~~~~~~~~~',
        '  hint: did you mean "anonymous"?',
        '',
      ].join('\n'),
    );
  });

  test('separates two findings by an empty line', () => {
    expect(show('{"a":1,"b":2}').split('\n\n')).toHaveLength(2);
  });

  test('writes one line each, with the hint, where no person reads', () => {
    expect(show('{"strictt":1,"store":"fil"}', false)).toBe(
      [
        '/c.json:1:2: error: unknown key "strictt"; hint: did you mean "strict"?',
        '/c.json:1:22: error: "store" must be one of "keychain", "file"; hint: write "store": "file"',
        '',
      ].join('\n'),
    );
  });

  test('marks the place behind tabs and characters of two units', () => {
    expect(show('{\n\t\t"é😀":1, "strict": 1}').split('\n').slice(-3, -1)).toEqual([
      '  2 |   "é😀":1, "strict": 1}',
      `    |   ${' '.repeat('"é😀":1, "strict": '.length - 1)}^`,
    ]);
  });

  test.each([20, 40, 60, 100])('cuts a long line around the place in %i columns', (columns) => {
    const text = `{"registries":{${many('aaaa')}"b*":{"anonymus":true},${many('cccc')}"d*":{}}}`;
    const [, line = '', marks = ''] =
      show(text, true, columns)
        .split('\n\n')
        .find((one) => one.includes('anonymus"'))
        ?.split('\n') ?? [];
    const start = marks.indexOf('^');
    expect(line.slice(start, start + 10)).toBe('"anonymus"');
    expect([...line].length).toBeLessThanOrEqual(Math.max(columns, 30) + 2);
    expect(line).toMatch(/ \| ….*…$/);
  });
});

describe('a secret at the wrong place is not shown', () => {
  const quoted = JSON.stringify(SECRET);
  for (const text of [
    `{"registries":{"*":{"identity":{"type":"client-secret","clientSecret":${quoted}}}}}`,
    `{"registries":{"*":{"identity":{"type":"client-secret","clientSecretFile":${quoted}}}}}`,
    `{"registries":{"*":{"identity":${quoted},"anonymus":1}}}`,
    `{"clientSecret":${quoted}}`,
    `{"a":{"b":[${quoted},{"c":${quoted}}]}}`,
    `{"store":${quoted}}`,
    `{"clientSecret" ${quoted}}`,
    `{"clientSecret":${quoted},}`,
    `{"clientSecret":${quoted}`,
    `{"clientSecret":"${SECRET}`,
    `{"clientSecret":"${SECRET}\n}`,
    `{"clientSecret":'${SECRET}'}`,
    `{clientSecret:${SECRET}}`,
    `{"a":1} // ${SECRET}`,
    `{"a":1 /* ${SECRET} */}`,
    `{"a":1, /* ${SECRET}`,
    `${SECRET}`,
    `{"password": 1234567890123456789}`,
  ]) {
    test(text, () => {
      const findings = validateText(text, '/c.json');
      expect(findings.length).toBeGreaterThan(0);
      const json = JSON.stringify(describeFindings(makeRuntime(), { file: '/c.json', text, findings }));
      for (const shown of [show(text), show(text, false), json]) {
        expect(shown).not.toMatch(/hidden|secret-Q8|~value|1234567/);
      }
    });
  }
});

describe('describeFindings', () => {
  test('names line, column, code, severity and path', () => {
    const text = '{\n "registries": {"*": {"store": 1}}}';
    const findings = validateText(text, '/c.json');
    expect(describeFindings(makeRuntime(), { file: '/c.json', text, findings })).toEqual({
      file: '/c.json',
      isValid: false,
      mistakes: [
        {
          severity: 'error',
          code: 'wrong-value',
          line: 2,
          column: 32,
          path: ['registries', '*', 'store'],
          message: '"registries"."*"."store" must be true or false',
          hint: null,
        },
      ],
    });
  });

  test('cleans the keys of control characters and tokens', () => {
    const token = `eyJ${'a'.repeat(40)}.${'b'.repeat(40)}`;
    const text = JSON.stringify({ 'a\u001b[31m': 1, [token]: 2 });
    const findings = validateText(text, '/c.json');
    const shown = `${JSON.stringify(describeFindings(makeRuntime(), { file: '/c.json', text, findings }))}${show(text)}`;
    expect(shown).not.toContain('\u001b');
    expect(shown).not.toContain('eyJaaaa');
  });
});

test.each([
  ['{"a":1}', '1 error'],
  ['{"a":1,"b":1}', '2 errors'],
  ['{"a":1,"clouds":{"x y":{}}}', '1 error, 1 warning'],
  ['{}', ''],
])('countFindings of %s', (text, count) => {
  expect(countFindings(validateText(text, '/c.json'))).toBe(count);
});
