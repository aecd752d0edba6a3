/** Tells a person, or a program, what was changed in the files of clients. */

import type { Quote } from '../../redact.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { formatDiff } from './config-diff.ts';
import type { HelperEntry } from './config-text.ts';
import type { FileEdit } from './edit-files.ts';

/** Writes lines such as `warning: …` with a hint below. */
export interface Reporter {
  readonly error: (text: string, hint?: string) => void;
  readonly warning: (text: string, hint?: string) => void;
  readonly note: (text: string) => void;
}

const MAX_LINE = 1000;
const MAX_NAMES = 3;

/** @param isBrief whether only errors are written, since the rest is in the output for a program. */
export function createReporter(terminal: Terminal, quote: Quote, isBrief: boolean): Reporter {
  const write = (label: string, text: string, hint?: string) => {
    terminal.writeError(`${label} ${quote(text, MAX_LINE)}\n`);
    if (hint !== undefined) terminal.writeError(`${terminal.errorStyle('cyan', 'hint:')} ${quote(hint, MAX_LINE)}\n`);
  };
  return {
    error: (text, hint) => write(terminal.errorStyle(['bold', 'red'], 'error:'), text, hint),
    warning: (text, hint) => {
      if (!isBrief) write(terminal.errorStyle(['bold', 'yellow'], 'warning:'), text, hint);
    },
    note: (text) => {
      if (!isBrief) write(terminal.errorStyle('dim', 'note:'), text);
    },
  };
}

/** Formats all changes, for a person to judge. */
export function formatDiffs(edits: readonly FileEdit[], style: Terminal['style'], quote: Quote): string {
  return edits.map((edit) => formatDiff(edit, style, quote)).join('');
}

/** Names hosts in a sentence: a few by name, many by number. */
export function nameHosts(hosts: readonly string[]): string {
  return hosts.length <= MAX_NAMES ? hosts.join(', ') : `${hosts.length} registries`;
}

/** Formats what was done to a file, one fact a line. */
export function formatFacts({ file, clients, before, after, ...edit }: FileEdit, quote: Quote): readonly string[] {
  const where = `${quote(file)} (${clients.join(', ')})`;
  return [
    ...(edit.added.length > 0 ? [`Configured ${nameHosts(edit.added)} in ${where}`] : []),
    ...edit.replaced.map(({ host, helper }) => `Configured ${host} in ${where}, instead of "${quote(helper)}"`),
    ...edit.clearedAuths.map((key) => `Removed the password of ${quote(key)} from ${where}`),
    ...(edit.removed.length > 0 ? [`Removed ${nameHosts(edit.removed.map((key) => quote(key)))} from ${where}`] : []),
    ...edit.restored.map(({ host, helper }) => `${quote(host)} uses "${quote(helper)}" again`),
    ...(before !== undefined && after === undefined
      ? [`Removed the file ${quote(file)}, which held nothing else`]
      : []),
  ];
}

/** Reports what was not done. @returns whether there was anything. */
export function reportFailures(edits: readonly FileEdit[], reporter: Reporter): boolean {
  for (const { file, problem, refused } of edits) {
    if (problem !== undefined) reporter.error(`Cannot change ${file}: ${problem}`);
    for (const { host, helper } of refused) {
      reporter.error(
        `Cannot configure ${host}: ${file} names another helper, "${helper}"`,
        'add --force to replace it; unconfigure puts it back',
      );
    }
  }
  return edits.some(({ problem, refused }) => problem !== undefined || refused.length > 0);
}

/** Describes a change for `--json`. */
export function describeEdit(edit: FileEdit, isDryRun: boolean, quote: Quote): object {
  const { file, clients, before, after, problem, added, replaced, refused, removed, restored, clearedAuths } = edit;
  const entries = (list: readonly HelperEntry[]) =>
    list.map(({ host, helper }) => ({ host: quote(host), helper: quote(helper) }));
  return {
    file: quote(file),
    clients,
    state: describeState(edit),
    added,
    replaced: entries(replaced),
    refused: entries(refused),
    removed: removed.map((key) => quote(key)),
    restored: entries(restored),
    clearedAuths: clearedAuths.map((key) => quote(key)),
    ...(problem === undefined ? {} : { problem: quote(problem) }),
    ...(isDryRun && before !== after ? { diff: formatDiff(edit, (_format, text) => text, quote) } : {}),
  };
}

function describeState({ problem, before, after }: FileEdit): string {
  if (problem !== undefined) return 'failed';
  if (before === after) return 'unchanged';
  if (before === undefined) return 'created';
  return after === undefined ? 'removed' : 'changed';
}
