/** Formats results: as lines for a person, as JSON, and as a text for the public. */

import { createQuote } from '../../redact.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { Style } from '../../terminal/terminal.ts';
import { wrapText } from '../../terminal/wrap.ts';
import { VERSION } from '../../version.ts';
import type { CheckName, CheckResult, Detail, Status } from './check.ts';
import type { PrivateNames } from './private-names.ts';
import type { Target } from './target.ts';

const SIGNS: Readonly<Record<Status, string>> = { ok: '✓', note: '·', warning: '!', problem: '✗', skipped: '-' };
const STYLES: Readonly<Record<Status, Parameters<Style>[0]>> = {
  ok: 'green',
  note: 'cyan',
  warning: 'yellow',
  problem: 'red',
  skipped: 'dim',
};
/** As wide as the longest name of a check. */
const NAME_WIDTH = 20;
const MAX_LENGTH = 1000;
/** What explains a line stands below its text. */
const INDENT = ' '.repeat(2 + NAME_WIDTH + 2);

/** A result with nothing in it that a terminal or a reader must not get. */
export function cleanResult(runtime: Runtime, result: CheckResult): CheckResult {
  const quote = createQuote(runtime);
  const line = (text: string) => quote(text, MAX_LENGTH);
  const { what, fix, causes, details } = result;
  return {
    ...result,
    what: line(what),
    fix: fix === undefined ? undefined : line(fix),
    causes: causes?.map(line),
    details: details === undefined ? undefined : mapDetails(details, line),
  };
}

/**
 * Formats the results of one check.
 * @param columns the width of the terminal; what is to be copied is never broken.
 * @returns lines, each with its end.
 */
export function formatResults(
  results: readonly CheckResult[],
  style: Style,
  columns = Number.POSITIVE_INFINITY,
): string {
  let last: CheckName | undefined;
  const wrap = (text: string) => wrapText(text, columns - INDENT.length);
  const lines = results.flatMap(({ check, status, what, fix, causes = [] }) => {
    const name = check === last ? '' : check;
    last = check;
    const [text = '', ...more] = wrap(what).map((line) => (status === 'skipped' ? style('dim', line) : line));
    const told = status === 'ok' ? [] : causes.flatMap((cause) => wrap(`cause: ${cause}`));
    return [
      `${style(STYLES[status], SIGNS[status])} ${style('bold', name.padEnd(NAME_WIDTH))}  ${text}`,
      ...more.map((line) => `${INDENT}${line}`),
      ...told.map((line) => `${INDENT}${style('dim', line)}`),
      ...(fix === undefined ? [] : [`${INDENT}${style('cyan', 'fix:')} ${fix}`]),
    ];
  });
  return lines.map((one) => `${one}\n`).join('');
}

/** Formats the end: how many problems there are, and which one to mend first. */
export function formatSummary(results: readonly CheckResult[], style: Style): string {
  const problems = results.filter(({ status }) => status === 'problem');
  const warnings = results.filter(({ status }) => status === 'warning').length;
  const [first] = problems;
  const also = warnings === 0 ? '' : `${count(warnings, 'warning')}`;
  if (first === undefined) {
    return `\n${style('green', 'No problem found')}${also === '' ? '' : `, ${also}`}.\n`;
  }
  const head = `${style(['bold', 'red'], count(problems.length, 'problem'))}${also === '' ? '' : `, ${also}`}.`;
  const fix = first.fix === undefined ? '' : `\n  ${first.fix}`;
  return `\n${head} Fix this first: ${first.what}${fix}\n`;
}

/** Formats everything as one JSON object. */
export function formatJson(runtime: Runtime, target: Target | undefined, results: readonly CheckResult[]): string {
  const quote = createQuote(runtime);
  const first = results.find(({ status }) => status === 'problem');
  const report = {
    version: VERSION,
    ...(target === undefined ? {} : { host: quote(target.host) }),
    ...(target?.repository === undefined ? {} : { repository: quote(target.repository) }),
    ok: first === undefined,
    ...(first === undefined ? {} : { mendFirst: { check: first.check, what: first.what, fix: first.fix } }),
    results,
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** How the machine is described in a text for the public. */
export interface ReportSystem {
  readonly platform: string;
  readonly arch: string;
  readonly node: string;
}

/**
 * Formats a Markdown text that can be pasted in public: without names, ids, addresses, and without what Azure and other
 * programs said in their own words.
 */
export function formatReport(
  { platform, arch, node }: ReportSystem,
  results: readonly CheckResult[],
  names: PrivateNames,
): string {
  // A backtick would end the block.
  const clean = (text: string) => names.hide(text).replaceAll('`', "'");
  const shown = results.map(({ what, fix, ...result }): CheckResult => {
    const { check, status, code } = result;
    const coded = code === undefined ? clean(what) : `${clean(what)} (${code})`;
    return { check, status, what: coded, fix: fix === undefined ? undefined : clean(fix) };
  });
  const plain: Style = (_format, text) => text;
  const lines = `${formatResults(shown, plain)}${formatSummary(shown, plain)}`;
  return `docker-credential-acr doctor, version ${VERSION} (${platform} ${arch}, Node ${node})\n\n\`\`\`text\n${lines}\`\`\`\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function mapDetails(
  details: Readonly<Record<string, Detail>>,
  change: (text: string) => string,
): Readonly<Record<string, Detail>> {
  return Object.fromEntries(Object.entries(details).map(([key, value]) => [key, mapDetail(value, change)]));
}

function mapDetail(value: Detail, change: (text: string) => string): Detail {
  if (typeof value === 'string') return change(value);
  if (isList(value)) return value.map((one) => mapDetail(one, change));
  return typeof value === 'object' ? mapDetails(value, change) : value;
}

function isList(value: Detail): value is readonly Detail[] {
  return Array.isArray(value);
}
