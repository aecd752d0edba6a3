/** Facts in columns. */
import { describe, expect, test } from 'vitest';
import { formatColumns } from '../../../src/terminal/table.ts';

describe('formatColumns', () => {
  const rows: readonly (readonly [title: string, rows: readonly (readonly string[])[], text: string])[] = [
    ['no rows', [], ''],
    ['one cell', [['a']], 'a\n'],
    [
      'cells of different widths',
      [
        ['a', 'b'],
        ['long', 'c'],
      ],
      'a     b\nlong  c\n',
    ],
    ['rows of different lengths', [['a'], ['b', 'c', 'd']], 'a\nb  c  d\n'],
    [
      'an empty last cell',
      [
        ['a', ''],
        ['b', 'c'],
      ],
      'a\nb  c\n',
    ],
    [
      'a styled cell, whose escapes take no room',
      [
        ['\u001B[1mab\u001B[22m', 'c'],
        ['abc', 'd'],
      ],
      '\u001B[1mab\u001B[22m   c\nabc  d\n',
    ],
  ];
  test.each(rows)('lays out %s', (_title, cells, text) => {
    expect(formatColumns(cells)).toBe(text);
  });
});
