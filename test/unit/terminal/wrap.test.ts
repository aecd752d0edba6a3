/** Long texts in lines of a terminal. */
import { describe, expect, test } from 'vitest';
import { wrapText } from '../../../src/terminal/wrap.ts';

const LONG = 'x'.repeat(50);

describe('wrapText', () => {
  const rows: readonly (readonly [title: string, text: string, columns: number, lines: readonly string[]])[] = [
    ['keeps an empty text', '', 40, ['']],
    ['keeps a text that fits', 'one two', 40, ['one two']],
    [
      'breaks between words',
      'one two three four five six seven eight',
      32,
      ['one two three four five six', 'seven eight'],
    ],
    ['gives a long word a line of its own', `a ${LONG} b`, 40, ['a', LONG, 'b']],
    [
      'breaks nothing where there is little room',
      'one two three four five six seven eight',
      29,
      ['one two three four five six seven eight'],
    ],
    ['breaks nothing where there is no limit', `${LONG} ${LONG}`, Number.POSITIVE_INFINITY, [`${LONG} ${LONG}`]],
  ];
  test.each(rows)('%s', (_title, text, columns, lines) => {
    expect(wrapText(text, columns)).toEqual(lines);
  });
});
