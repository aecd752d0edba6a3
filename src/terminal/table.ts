/** Lays out facts in columns. */

import { stripVTControlCharacters } from 'node:util';

/**
 * Formats rows as columns that are as wide as their widest cell. A cell may be styled.
 * @param rows the cells; the rows may have different lengths.
 * @returns one line for each row, with two spaces between columns and none at the end of a line.
 */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
    });
  }
  const lines = rows.map((row) =>
    row.map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell))).join('  '),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** The width of a text on a terminal, without its styles. */
export function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
