/**
 * `node scripts/docs/terminal.ts` draws `docs/demo.svg`, a terminal with what the demo prints: that of a run of its own,
 * or what comes on stdin (`npm run --silent demo | node scripts/docs/terminal.ts`).
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { runCommand } from '../parts/command.ts';
import type { Color } from './svg.ts';
import { drawWindow, type Span } from './window.ts';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND = 'npm run demo';

/** Claims of a token that everybody's token has, or that nobody reads. */
const DULL_CLAIMS = /^ {10,}(?:jti|nbf|iat|iss|version|sub|grant_type|tenant|roles)\b/;

/** What stands out in a line, first match first; the rest of it is plain. */
const HIGHLIGHTS: readonly (readonly [pattern: RegExp, color: Color, bold?: boolean])[] = [
  [/^\d+\. [^:]*:?/, 'accent', true],
  [/^ {3}(?:cold|hot)\b +\d+ ms/, 'good', true],
  [/^ {4,}\d+ ms/, 'good', true],
  [/\{ "credHelpers": .*\}/, 'good'],
  [/^ {6}\d{3} +\d+ ms/, 'muted'],
  [/^ {10,}\w+/, 'muted'],
];

/** Draws a terminal that shows a command and what it printed. */
export function drawTerminal(command: string, output: string): string {
  return drawWindow(command, ['', ...readLines(output)].map(splitLine));
}

/** The lines that are worth a picture: without colours, npm's own words and empty ends; an ellipsis ends what was cut. */
function readLines(output: string): readonly string[] {
  const lines = stripVTControlCharacters(output)
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => !/^(?:> |npm |Building )/.test(line));
  const shown = lines.flatMap((line, index) => {
    if (!DULL_CLAIMS.test(line)) return [line];
    const indent = /^ */.exec(line)?.[0] ?? '';
    return lines[index + 1]?.startsWith(indent) === true ? [] : [`${indent}…`];
  });
  while (shown[0] === '') shown.shift();
  while (shown.at(-1) === '') shown.pop();
  return shown;
}

function splitLine(line: string): readonly Span[] {
  for (const [pattern, color, bold = false] of HIGHLIGHTS) {
    const found = pattern.exec(line);
    if (found === null) continue;
    const end = found.index + found[0].length;
    const spans: readonly Span[] = [
      { text: line.slice(0, found.index), color: 'text' },
      { text: found[0], color, bold },
      { text: line.slice(end), color: 'text' },
    ];
    return spans.filter(({ text }) => text !== '');
  }
  return [{ text: line, color: 'text' }];
}

async function runDemo(): Promise<string> {
  const { exitCode, output } = await runCommand(process.execPath, [join(ROOT, 'scripts', 'demo.ts')]);
  if (exitCode !== 0) throw new Error(`The demo failed:\n${output}`);
  return output;
}

if (import.meta.main) {
  const output = process.stdin.isTTY ? await runDemo() : (await text(process.stdin)).trim() || (await runDemo());
  mkdirSync(join(ROOT, 'docs'), { recursive: true });
  const file = join(ROOT, 'docs', 'demo.svg');
  writeFileSync(file, drawTerminal(COMMAND, output));
  process.stdout.write(`${file}\n`);
}
