/** Reads a text with the escapes by which a terminal gets its colours. */

import type { Color } from './svg.ts';
import type { Span } from './window.ts';

/** The colours 0 to 7, which are 30 to 37 in an escape, or 90 to 97 when they are bright. */
const PALETTE: readonly Color[] = ['muted', 'bad', 'good', 'warning', 'accent', 'special', 'info', 'text'];
/** An SGR escape, or another control sequence or character. */
const ESCAPE = /\p{Cc}\[([\d;:]*)m|\p{Cc}\[[\d;?]*[A-Za-ln-z]|[^\P{Cc}\n]/gu;

interface Pen {
  readonly color: Color | undefined;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isInverse: boolean;
}

const PLAIN: Pen = { color: undefined, isBold: false, isDim: false, isInverse: false };

/** Parses what a terminal shows into lines of spans. Styles go on until they are changed, over the ends of lines too. */
export function parseStyled(text: string): readonly (readonly Span[])[] {
  let pen = PLAIN;
  const lines: Span[][] = [[]];
  const add = (part: string) => {
    for (const [index, piece] of part.split('\n').entries()) {
      if (index > 0) lines.push([]);
      if (piece !== '') lines.at(-1)?.push(drawWith(pen, piece));
    }
  };
  let end = 0;
  for (const found of text.matchAll(ESCAPE)) {
    add(text.slice(end, found.index));
    end = found.index + found[0].length;
    if (found[1] !== undefined) pen = changePen(pen, found[1].split(/[;:]/).map(Number));
  }
  add(text.slice(end));
  return lines;
}

function drawWith({ color, isBold, isDim, isInverse }: Pen, text: string): Span {
  return { text, color: color ?? (isDim ? 'muted' : 'text'), bold: isBold, isInverse };
}

/** @see https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters */
function changePen(pen: Pen, codes: readonly number[]): Pen {
  const [code = 0, ...rest] = codes;
  // A colour of 256 or of millions has numbers of its own.
  if (code === 38 || code === 48) {
    const size = rest[0] === 5 ? 2 : 4;
    const changed = code === 38 && rest[0] === 5 ? { ...pen, color: PALETTE[rest[1] ?? 7] ?? 'text' } : pen;
    return rest.length > size ? changePen(changed, rest.slice(size)) : changed;
  }
  const changed = applyCode(pen, code);
  return rest.length > 0 ? changePen(changed, rest) : changed;
}

function applyCode(pen: Pen, code: number): Pen {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...pen, isBold: true };
  if (code === 2) return { ...pen, isDim: true };
  if (code === 22) return { ...pen, isBold: false, isDim: false };
  if (code === 7) return { ...pen, isInverse: true };
  if (code === 27) return { ...pen, isInverse: false };
  if (code === 39) return { ...pen, color: undefined };
  const isColor = (code >= 30 && code <= 37) || (code >= 90 && code <= 97);
  return isColor ? { ...pen, color: PALETTE[code % 10] } : pen;
}
