/** Shows what changes in a client's configuration, without its secrets. */

import { structuredPatch } from 'diff';
import type { Quote } from '../../redact.ts';
import type { Style } from '../../terminal/terminal.ts';
import { maskSecrets } from './config-text.ts';
import type { FileEdit } from './edit-files.ts';

const CONTEXT_LINES = 3;
const MAX_LINE = 300;

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
    lines.push(...shown.map((line) => styleLine(line, style, quote)));
  }
  return `${lines.join('\n')}\n`;
}

/** In a file with one long line, what changes would be lost in the rest. */
function readable(text: string | undefined): string {
  return text === undefined ? '' : maskSecrets(text).replaceAll(/\r\n?/g, '\n');
}

function styleLine(line: string, style: Style, quote: Quote): string {
  const [, sign = '', indent = '', rest = ''] = /^(.)([ \t]*)(.*)$/s.exec(line) ?? [];
  const shown = `${sign}${indent}${quote(rest, MAX_LINE)}`;
  if (sign === '+') return style('green', shown);
  return sign === '-' ? style('red', shown) : shown;
}
