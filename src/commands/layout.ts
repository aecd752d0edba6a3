/** How the help of a command looks: what it is for, then what it takes, then examples. */

import type { CommandUnknownOpts, Help } from '@commander-js/extra-typings';
import type { Style } from '../terminal/terminal.ts';
import { findProgram, formatExample, GROUPS, listExamples } from './command.ts';
import { TOPICS } from './topics.ts';

type Row = readonly [term: string, text: string];

/** The heading of subcommands, which have no group. */
const SUBCOMMANDS = 'Commands:';

/** Formats the help of a command. @param style that of the stream to which the help goes. */
export function formatHelp(command: CommandUnknownOpts, helper: Help, style: Style): string {
  const isProgram = command.parent === null;
  const commands = helper.visibleCommands(command);
  const lists: readonly (readonly [heading: string, rows: readonly Row[]])[] = [
    ['Arguments:', helper.visibleArguments(command).map((one) => [one.name(), helper.argumentDescription(one)])],
    ...[...Object.values(GROUPS), SUBCOMMANDS].map((heading) => {
      const group = commands.filter((one) => (one.helpGroup() || SUBCOMMANDS) === heading);
      return [heading, group.map((one): Row => [one.name(), one.summary()])] as const;
    }),
    ['Options:', helper.visibleOptions(command).map((one) => [helper.optionTerm(one), helper.optionDescription(one)])],
  ];
  const programName = findProgram(command).name();
  const more = TOPICS.map(({ name, summary }): Row => [`${programName} help ${name}`, summary]);
  const sections = [
    `${style('bold', 'Usage:')} ${helper.commandUsage(command)}`,
    helper.boxWrap(helper.commandDescription(command), helper.helpWidth ?? 80),
    ...formatLists(lists, helper, style),
    ...formatExamples(command, style),
    ...(isProgram ? formatLists([['More help:', more]], helper, style) : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** Formats lists whose second columns begin below each other. */
function formatLists(
  lists: readonly (readonly [heading: string, rows: readonly Row[]])[],
  helper: Help,
  style: Style,
): readonly string[] {
  const termWidth = Math.max(0, ...lists.flatMap(([, rows]) => rows.map(([term]) => term.length)));
  return lists
    .filter(([, rows]) => rows.length > 0)
    .map(([heading, rows]) => {
      const items = rows.map(([term, text]) => helper.formatItem(term, termWidth, text, helper));
      return [style('bold', heading), ...items].join('\n');
    });
}

/** Each example stands below what it does. */
function formatExamples(command: CommandUnknownOpts, style: Style): readonly string[] {
  const examples = listExamples(command);
  if (examples.length === 0) return [];
  const name = findProgram(command).name();
  const lines = examples.map((one) => `  ${style('dim', `# ${one[1]}`)}\n  ${formatExample(name, one)}`);
  return [[style('bold', 'Examples:'), ...lines].join('\n')];
}
