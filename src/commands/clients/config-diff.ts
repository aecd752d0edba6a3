/** Shows what changes in a client's configuration, without its secrets. */

import { structuredPatch } from 'diff';
import type { Quote } from '../../redact.ts';
import type { Style } from '../../terminal/terminal.ts';
import { maskSecrets } from './config-text.ts';
import type { FileEdit } from './edit-files.ts';

const CONTEXT_LINES = 3;
const MAX_LINE = 300;
/** What is shown before and after a change within a long line, and of the ends of a long change. */
const CONTEXT_CHARACTERS = 60;

/**
 * Formats the change of a file as a unified diff. Values that are not about helpers show as `"***"`.
 * @returns an empty text when nothing changes.
 */
export function formatDiff({ file, before, after }: FileEdit, style: Style, quote: Quote): string {
  if (before === after) return '';
  const name = quote(file);
  const [from, to] = [before === undefined ? '/dev/null' : name, after === undefined ? '/dev/null' : name];
  const { hunks } = structuredPatch(from, to, readable(before), readable(after), undefined, undefined, {
    context: CONTEXT_LINES,
  });
  const lines = [style('bold', `--- ${from}`), style('bold', `+++ ${to}`)];
  for (const { oldStart, oldLines, newStart, newLines, lines: changes } of hunks) {
    lines.push(style('cyan', `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`));
    // The end of the file stays as it is, so nobody has to be told that it has no line end.
    const shown = changes.filter((line) => !line.startsWith('\\'));
    lines.push(...narrowLines(shown).map((line) => styleLine(line, style, quote)));
  }
  return `${lines.join('\n')}\n`;
}

function readable(text: string | undefined): string {
  return text === undefined ? '' : maskSecrets(text).replaceAll(/\r\n?/g, '\n');
}

/** Leaves out the rest of long lines: in a file with one long line, what changes would be lost in it. */
function narrowLines(changes: readonly string[]): readonly string[] {
  const removed: number[] = [];
  const narrowed = [...changes];
  for (const [index, line] of changes.entries()) {
    if (line.startsWith('-')) removed.push(index);
    const partner = line.startsWith('+') ? removed.shift() : undefined;
    if (line.startsWith(' ')) removed.length = 0;
    const other = partner === undefined ? undefined : changes[partner];
    narrowed[index] = narrowLine(line, other);
    if (partner !== undefined && other !== undefined) narrowed[partner] = narrowLine(other, line);
  }
  return narrowed;
}

/** @param other the line with which it is compared; `undefined` when all of it is new or gone. */
function narrowLine(line: string, other: string | undefined): string {
  if (line.length <= MAX_LINE) return line;
  let start = 1;
  let end = line.length;
  if (other !== undefined) {
    while (start < end && line[start] === other[start]) start += 1;
    const shift = other.length - end;
    while (end > start && end + shift > start && line[end - 1] === other[end - 1 + shift]) end -= 1;
  }
  const from = Math.max(1, start - CONTEXT_CHARACTERS);
  const to = Math.min(line.length, end + CONTEXT_CHARACTERS);
  const isShort = end - start <= 2 * CONTEXT_CHARACTERS;
  const shown = isShort
    ? line.slice(from, to)
    : `${line.slice(from, start + CONTEXT_CHARACTERS)}…${line.slice(end - CONTEXT_CHARACTERS, to)}`;
  return `${line[0]}${from > 1 ? '…' : ''}${shown}${to < line.length ? '…' : ''}`;
}

function styleLine(line: string, style: Style, quote: Quote): string {
  const [, sign = '', indent = '', rest = ''] = /^(.)([ \t]*)(.*)$/s.exec(line) ?? [];
  const shown = `${sign}${indent}${quote(rest, MAX_LINE)}`;
  if (sign === '+') return style('green', shown);
  return sign === '-' ? style('red', shown) : shown;
}
