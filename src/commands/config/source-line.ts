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
const BLANKS: SyntaxKind = 15;
const END: SyntaxKind = 17;
/** Braces, brackets, comma, colon, `null`, `true` and `false`. */
const LAST_SIGN: SyntaxKind = 9;
const HIDDEN = '…';
const MAX_KEY = 80;
/** A longer number may be a password. */
const MAX_DIGITS = 4;

/** Makes a function that finds the line and the column of a place. It is quick for places in ascending order. */
export function createPositionFinder(text: string): (offset: number) => Position {
  let last = { offset: 0, line: 1, column: 1 };
  return (offset) => {
    if (offset < last.offset) last = { offset: 0, line: 1, column: 1 };
    const lines = text.slice(last.offset, offset).split(/\r\n|\n|\r/);
    const length = [...(lines.at(-1) ?? '')].length;
    const line = last.line + lines.length - 1;
    last = { offset, line, column: lines.length === 1 ? last.column + length : length + 1 };
    return { line, column: last.column };
  };
}

/** How lines are shown. */
export interface LineFormat {
  /** The texts that may be shown. */
  readonly words: ReadonlySet<string>;
  /** The width in which a line must fit. */
  readonly columns: number;
  /** Makes a key safe to show. */
  readonly clean: (key: string) => string;
}

/**
 * Makes a function that shows the line of a place. Of the values, only those stay that are words of the configuration,
 * short numbers, or `true` and the like; any other text may be a secret at the wrong place.
 */
export function createLineFormatter(text: string, format: LineFormat): (place: Span) => SourceLine {
  let last: { readonly start: number; readonly end: number; readonly tokens: readonly Token[] } | undefined;
  return ({ start, end }) => {
    if (last === undefined || start < last.start || start > last.end) last = readLine(text, start);
    const { tokens } = last;
    const first = tokens.findIndex((token) => token.offset + token.text.length > start);
    const at = first < 0 ? tokens.length : first;
    // Each token takes at least one column.
    const shown = tokens.slice(Math.max(0, at - format.columns), at + format.columns);
    const line = { before: '', marked: '', after: '' };
    for (const token of shown) {
      const part = token.isBlank ? token.text.replaceAll('\t', ' ') : hide(token, format);
      if (token.offset >= end && token.offset > start) line.after += part;
      else if (token.offset + token.text.length <= start) line.before += part;
      else line.marked += part;
    }
    return cutToWidth(line, format.columns);
  };
}

interface Token {
  readonly kind: SyntaxKind;
  readonly offset: number;
  readonly text: string;
  readonly isBlank: boolean;
  /** Whether a colon follows. */
  readonly isKey: boolean;
}

/** Reads the tokens of the line of a place. A text of JSON does not go over the end of a line. */
function readLine(text: string, place: number): { start: number; end: number; tokens: readonly Token[] } {
  const start = place === 0 ? 0 : Math.max(text.lastIndexOf('\n', place - 1), text.lastIndexOf('\r', place - 1)) + 1;
  const length = text.slice(start).search(/[\r\n]/);
  const end = length < 0 ? text.length : start + length;
  const line = text.slice(start, end);
  const scanner = createScanner(line);
  const tokens: Token[] = [];
  let lastIndex = -1;
  for (let kind = scanner.scan(); kind !== END; kind = scanner.scan()) {
    const offset = scanner.getTokenOffset();
    const isBlank = kind === BLANKS;
    const found = line.slice(offset, offset + scanner.getTokenLength());
    const before = tokens[lastIndex];
    if (kind === COLON && before?.kind === STRING) tokens[lastIndex] = { ...before, isKey: true };
    if (!isBlank) lastIndex = tokens.length;
    tokens.push({ kind, offset: start + offset, text: found, isBlank, isKey: false });
  }
  return { start, end, tokens };
}

function hide({ kind, text, isKey }: Token, { words, clean }: LineFormat): string {
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
