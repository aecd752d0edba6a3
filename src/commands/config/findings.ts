/** Shows what is wrong with a configuration file, in the form of a compiler. */

import { CONFIG_FIELDS } from '../../config/config.ts';
import { REGISTRY_FIELDS } from '../../config/registry-settings.ts';
import type { Fields } from '../../field.ts';
import { SOURCES } from '../../identity/sources.ts';
import { createQuote } from '../../redact.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { createLineFormatter } from './source-line.ts';
import type { Finding, Validation } from './validation.ts';

const MAX_LINE = 1000;
/** Before the line: its number, and a bar. */
const MARGIN = 10;
/** Of a file with more mistakes, the later ones are shown without their lines. */
const MAX_SHOWN_LINES = 200;

/** The values that may be shown in a line of the file: they are words of the program. */
const WORDS: ReadonlySet<string> = new Set([
  ...SOURCES.map(({ name }) => name),
  ...[CONFIG_FIELDS, REGISTRY_FIELDS].flatMap((fields: Fields) =>
    Object.values(fields).flatMap(({ choices = [] }) => choices),
  ),
]);

/** How the findings are shown. */
export interface FindingsFormat {
  readonly style: Terminal['style'];
  readonly columns: number;
  /** Whether a person reads them: then with the line of the file. Otherwise each is one line. */
  readonly isDetailed: boolean;
}

/** Formats the findings of a file. @returns lines with line ends; no text when there is none. */
export function formatFindings(runtime: Runtime, { file, text, findings }: Validation, format: FindingsFormat): string {
  const { style, columns, isDetailed } = format;
  const quote = createQuote(runtime);
  const clean = (long: string) => quote(long, MAX_LINE);
  const showLine =
    text === undefined ? undefined : createLineFormatter(text, { words: WORDS, columns: columns - MARGIN, clean });
  const blocks = findings.map(({ severity, place, what, hint }, index) => {
    const position = place === undefined ? '' : `:${place.line}:${place.column}`;
    const colour = severity === 'error' ? 'red' : 'yellow';
    const head = `${style('bold', `${clean(file)}${position}:`)} ${style(['bold', colour], `${severity}:`)} ${clean(what)}`;
    if (!isDetailed) return `${head}${hint === undefined ? '' : `; hint: ${clean(hint)}`}\n`;
    const lines = [head];
    if (place !== undefined && showLine !== undefined && index < MAX_SHOWN_LINES) {
      const source = showLine(place);
      const margin = ' '.repeat(String(place.line).length);
      lines.push(`  ${style('dim', `${place.line} |`)} ${source.text}`);
      lines.push(`  ${style('dim', `${margin} |`)} ${style(colour, source.marks)}`);
    }
    if (hint !== undefined) lines.push(`  ${style('cyan', 'hint:')} ${clean(hint)}`);
    return `${lines.join('\n')}\n`;
  });
  return blocks.join(isDetailed ? '\n' : '');
}

/** The findings as facts, for `--json`. Nothing in them quotes a value of the file. */
export function describeFindings(runtime: Runtime, { file, findings }: Validation): object {
  const quote = createQuote(runtime);
  const clean = (text: string) => quote(text, MAX_LINE);
  return {
    file,
    isValid: findings.length === 0,
    mistakes: findings.map(({ severity, code, place, keys, what, hint }) => ({
      severity,
      code,
      line: place?.line ?? null,
      column: place?.column ?? null,
      path: keys.map(clean),
      message: clean(what),
      hint: hint === undefined ? null : clean(hint),
    })),
  };
}

/** Counts the findings, such as "2 errors, 1 warning". */
export function countFindings(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']) => findings.filter((one) => one.severity === severity).length;
  return (['error', 'warning'] as const)
    .map((severity) => ({ severity, number: count(severity) }))
    .filter(({ number }) => number > 0)
    .map(({ severity, number }) => `${number} ${severity}${number === 1 ? '' : 's'}`)
    .join(', ');
}
