/** Shows a place in a file as compilers do: the line, and a mark below it. Values are hidden, since one may be a secret. */

import { createScanner, type SyntaxKind } from 'jsonc-parser';
import type { Span } from './json-text.ts';

/** A place in a text, counted from 1. */
export interface Position {
  readonly line: number;
  /** In characters. */
  readonly column: number;
}

/** A line of a file, and the marks that point at a place in it. */
export interface SourceLine {
  readonly text: string;
  readonly marks: string;
}

/** By the numbers of `SyntaxKind`, which exists only for the compiler. */
const COLON: SyntaxKind = 6;
const NUMBER: SyntaxKind = 11;
const STRING: SyntaxKind = 10;
const LINE_BREAK: SyntaxKind = 14;
const BLANKS: SyntaxKind = 15;
const END: SyntaxKind = 17;
/** Braces, brackets, comma, colon, `null`, `true` and `false`. */
const LAST_SIGN: SyntaxKind = 9;
const HIDDEN = '…';
const MAX_KEY = 80;
/** A longer number may be a password. */
const MAX_DIGITS = 4;

/** Finds the line and the column of a place in a text. */
export function findPosition(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 };
}

/**
 * Makes the line of a place. Of the values, only those stay that are words of the configuration, numbers, or `true` and
 * the like; any other text may be a secret at the wrong place.
 * @param words the texts that may be shown.
 * @param columns the width in which the line must fit.
 * @param clean makes a key safe to show.
 */
export function formatSourceLine(
  text: string,
  { start, end }: Span,
  { words, columns, clean }: { words: ReadonlySet<string>; columns: number; clean: (key: string) => string },
): SourceLine {
  const line = { before: '', marked: '', after: '' };
  for (const token of listTokens(text, start)) {
    const shown = token.isBlank ? token.text.replaceAll('\t', ' ') : hide(token, words, clean);
    if (token.offset >= end && token.offset > start) line.after += shown;
    else if (token.offset + token.text.length <= start) line.before += shown;
    else line.marked += shown;
  }
  return cutToWidth(line, columns);
}

interface Token {
  readonly kind: SyntaxKind;
  readonly offset: number;
  readonly text: string;
  readonly isBlank: boolean;
  /** Whether a colon follows. */
  readonly isKey: boolean;
}

/** Lists the tokens of the line of a place, as far as they begin there. */
function listTokens(text: string, place: number): readonly Token[] {
  const lineStart = Math.max(text.lastIndexOf('\n', place - 1), text.lastIndexOf('\r', place - 1)) + 1;
  const lineEnd = findLineEnd(text, Math.max(place, lineStart));
  // From the beginning of the line: a text of JSON does not go over its end.
  const line = text.slice(lineStart, lineEnd);
  const scanner = createScanner(line);
  const tokens: Omit<Token, 'isKey'>[] = [];
  for (let kind = scanner.scan(); kind !== END && kind !== LINE_BREAK; kind = scanner.scan()) {
    const offset = scanner.getTokenOffset();
    const length = scanner.getTokenLength();
    tokens.push({
      kind,
      offset: lineStart + offset,
      text: line.slice(offset, offset + length),
      isBlank: kind === BLANKS,
    });
  }
  return tokens.map((token, index) => {
    const next = tokens.slice(index + 1).find(({ isBlank }) => !isBlank);
    return { ...token, isKey: token.kind === STRING && next?.kind === COLON };
  });
}

function findLineEnd(text: string, from: number): number {
  const found = text.slice(from).search(/[\r\n]/);
  return found < 0 ? text.length : from + found;
}

function hide({ kind, text, isKey }: Token, words: ReadonlySet<string>, clean: (key: string) => string): string {
  if (kind <= LAST_SIGN || (kind === NUMBER && text.length <= MAX_DIGITS)) return text;
  if (isKey) return text.length <= MAX_KEY ? clean(text) : `"${HIDDEN}"`;
  if (kind !== STRING) return HIDDEN;
  return words.has(text.slice(1, -1)) ? text : `"${HIDDEN}"`;
}

/** Cuts a long line so that the marked part is in sight. */
function cutToWidth(line: { before: string; marked: string; after: string }, columns: number): SourceLine {
  const width = Math.max(20, columns);
  const before = [...line.before];
  const marked = [...line.marked].slice(0, width - 8);
  const room = width - marked.length - 2;
  const kept = before.length > room / 2 ? [HIDDEN, ...before.slice(-Math.floor(room / 2))] : before;
  const rest = [...line.after];
  const left = Math.max(0, width - kept.length - marked.length - 1);
  const after = rest.length > left ? [...rest.slice(0, left), HIDDEN] : rest;
  const text = [...kept, ...marked, ...after].join('').trimEnd();
  return { text, marks: `${' '.repeat(kept.length)}^${'~'.repeat(Math.max(0, marked.length - 1))}` };
}
