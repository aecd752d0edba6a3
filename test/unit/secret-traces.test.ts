/** Where a text has traces of a secret. */
import { describe, expect, test } from 'vitest';
import { createTraceFinder } from '../../src/secret-traces.ts';

const SECRET = 'k3Y-of_the~House+1';

/** The parts of the text that are found. */
function findParts(secrets: readonly string[], text: string): readonly string[] | undefined {
  return createTraceFinder(secrets)(text)?.map(({ start, end }) => text.slice(start, end));
}

describe('createTraceFinder finds exactly', () => {
  const percent = encodeURIComponent(encodeURIComponent(SECRET));
  const base64 = Buffer.from(SECRET).toString('base64');
  const hexadecimal = Buffer.from(SECRET).toString('hex');
  const rows: readonly (readonly [text: string, parts: readonly string[]])[] = [
    [SECRET, [SECRET]],
    [`é ${SECRET}; 🐳${SECRET} é`, [SECRET, SECRET]],
    [`${SECRET}${SECRET}`, [SECRET + SECRET]],
    [`x=${percent}&y`, [percent]],
    [`{"x":"${base64}"}`, [base64]],
    [`x ${hexadecimal} y`, [hexadecimal]],
    [`${base64} and ${hexadecimal}`, [base64, hexadecimal]],
    [`${hexadecimal}\n${base64}`, [hexadecimal, base64]],
    [`a k3Y-of\n_the <b>~House</b> +1 b`, ['k3Y-of\n_the <b>~House</b> +1']],
    [`a ${SECRET.slice(3)} b ${SECRET.slice(0, 14)} c`, [SECRET.slice(3), SECRET.slice(0, 14)]],
    [`a ${SECRET.slice(0, 11)} b`, []],
    ['', []],
    ['nothing of it', []],
  ];
  for (const [text, parts] of rows) {
    test(`${JSON.stringify(parts)} in ${JSON.stringify(text)}`, () => {
      expect(findParts([SECRET], text)).toEqual(parts);
    });
  }
});

test('createTraceFinder finds nothing without a secret, or of one that is too short', () => {
  expect(findParts([], SECRET)).toEqual([]);
  expect(findParts(['', 'short', '  five5 '], 'a short five5 text')).toEqual([]);
});

test('createTraceFinder finds a short secret as a whole only', () => {
  expect(findParts(['sesame'], 'open sesame, open sesam')).toEqual(['sesame']);
  expect(findParts(['sesame'], 'courses amend')).toEqual([]);
  expect(findParts(['open-sesame'], 'open- sesame')).toEqual(['open- sesame']);
});
