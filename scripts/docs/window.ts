/** Draws the window of a terminal: a command, and below it lines in colours. */

import { COLORS, type Color, formatPicture, formatText, MONOSPACE, round } from './svg.ts';

/** A part of a line in one colour. */
export interface Span {
  readonly text: string;
  readonly color: Color;
  readonly bold?: boolean;
  /** Whether the text has the colour of the panel, on a ground in its own colour. */
  readonly isInverse?: boolean;
}

const FONT_SIZE = 13;
const CELL_WIDTH = 7.8;
const LINE_HEIGHT = 19;
const MARGIN = 22;
const TITLE_BAR = 36;
const BUTTONS = ['#ff5f57', '#febc2e', '#28c840'];
const LEAST_COLUMNS = 80;

/** Draws a window with a command in its title and its first line. @param lines what the command printed. */
export function drawWindow(command: string, lines: readonly (readonly Span[])[]): string {
  const texts = lines.map((spans) => spans.map(({ text }) => text).join(''));
  const columns = Math.max(...texts.map((line) => line.length), LEAST_COLUMNS);
  const width = Math.ceil(columns * CELL_WIDTH + 2 * MARGIN);
  const height = Math.ceil(TITLE_BAR + (lines.length + 1) * LINE_HEIGHT + MARGIN);
  const baseline = (row: number) => TITLE_BAR + FONT_SIZE + 6 + row * LINE_HEIGHT;
  const elements = [
    `<line x1="1" y1="${TITLE_BAR}" x2="${width - 1}" y2="${TITLE_BAR}" stroke="${COLORS.border}"/>`,
    ...BUTTONS.map(
      (color, index) => `<circle cx="${MARGIN + index * 20}" cy="${TITLE_BAR / 2}" r="6" fill="${color}"/>`,
    ),
    formatText(width / 2, TITLE_BAR / 2 + 4, command, { color: 'muted', anchor: 'middle', fontSize: 12 }),
    ...drawLine(baseline(0), [
      { text: '$ ', color: 'good', bold: true },
      { text: command, color: 'text', bold: true },
    ]),
    ...lines.flatMap((spans, row) => drawLine(baseline(row + 1), spans)),
  ];
  return formatPicture({
    width,
    height,
    title: `A terminal after ${command}`,
    description: texts.filter((line) => line.trim() !== '').join('\n'),
    fontFamily: MONOSPACE,
    fontSize: FONT_SIZE,
    elements,
  });
}

/** Each span is as wide as its cells, so that columns stay columns in every font. */
function drawLine(y: number, spans: readonly Span[]): readonly string[] {
  let column = 0;
  return spans.flatMap(({ text, color, bold = false, isInverse = false }) => {
    const left = MARGIN + column * CELL_WIDTH;
    const indent = text.length - text.trimStart().length;
    const visible = text.trim();
    column += text.length;
    const size = `width="${round(text.length * CELL_WIDTH)}" height="${LINE_HEIGHT}"`;
    const ground = `<rect x="${round(left)}" y="${round(y - FONT_SIZE - 1)}" ${size} fill="${COLORS[color]}"/>`;
    const options = { color: isInverse ? ('panel' as const) : color, bold, width: visible.length * CELL_WIDTH };
    return [
      ...(isInverse ? [ground] : []),
      ...(visible === '' ? [] : [formatText(left + indent * CELL_WIDTH, y, visible, options)]),
    ];
  });
}
