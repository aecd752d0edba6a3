/** Writes the manual page from the parser's own definition, in the words of the help. */

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { VERSION } from '../../version.ts';
import { type Example, formatExample, GROUPS, listExamples } from '../command.ts';
import { TOPICS } from '../topics.ts';
import { bold, escapeRoff, formatBlock, formatItem, formatParagraphs, formatText, italic } from './roff.ts';

/** The sections that are topics of the help. */
const TOPIC_SECTIONS = [
  ['IDENTITIES', 'identities'],
  ['ENVIRONMENT', 'environment'],
  ['FILES', 'files'],
  ['EXIT STATUS', 'exit-codes'],
] as const;
const SEE_ALSO = ['docker-login(1)', 'docker-pull(1)', 'podman-login(1)', 'helm-registry-login(1)', 'az(1)'];

/**
 * Writes the page `NAME.1`.
 * @param program the parser.
 * @param platform whose folders the page names.
 */
export function formatManPage(program: CommandUnknownOpts, platform: NodeJS.Platform): string {
  const name = program.name();
  const summary = program.description().replace(/\.$/, '');
  const commands = listCommands(program);
  const sections: readonly (readonly [title: string, text: string])[] = [
    ['NAME', `${escapeRoff(name)} \\-\n${formatText(summary.charAt(0).toLowerCase() + summary.slice(1))}`],
    [
      'SYNOPSIS',
      [
        `${bold(name)} ${italic('command')} [${italic('options')}]`,
        '.br',
        `${bold(`${name} help`)} [${italic('command')} | ${italic('topic')}]`,
      ].join('\n'),
    ],
    ['DESCRIPTION', withoutFirstRequest(formatParagraphs(DESCRIPTION))],
    ['COMMANDS', formatCommands(name, commands)],
    [
      'OPTIONS',
      program
        .createHelp()
        .visibleOptions(program)
        .map((one) => formatItem(bold(one.flags), one.description))
        .join('\n'),
    ],
    ...TOPIC_SECTIONS.map(([title, topicName]) => [title, formatTopic(topicName, platform)] as const),
    ['EXAMPLES', withoutFirstRequest(formatExamples(name, listExamples(program)))],
    ['SEE ALSO', SEE_ALSO.map((page) => escapeRoff(page)).join(',\n')],
  ];
  return [
    `.TH "${escapeRoff(name.toUpperCase())}" "1" "" "${escapeRoff(`${name} ${VERSION}`)}" "User Commands"`,
    '.ad l',
    '.nh',
    ...sections.map(([title, text]) => `.SH "${title}"\n${text}`),
    '',
  ].join('\n');
}

const DESCRIPTION = `The program is a credential helper: docker, podman, helm and others call it when they need a credential. For a registry of Azure Container Registry it signs in with the identity that the machine already has, and caches the token until it expires. The logins of other registries are stored and returned as they are.

It is also a tool for people, with the commands below.`;

/** A section begins with a paragraph of itself. */
function withoutFirstRequest(text: string): string {
  return text.replace(/^\.PP\n/, '');
}

/** Every command that the help lists, with those below it. */
function listCommands(program: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .flatMap((one) => [one, ...listCommands(one)]);
}

function formatCommands(name: string, commands: readonly CommandUnknownOpts[]): string {
  return Object.values(GROUPS)
    .map((group) => [group, commands.filter((one) => findGroup(one) === group)] as const)
    .filter(([, members]) => members.length > 0)
    .map(([group, members]) => {
      const items = members.map((one) => formatCommand(name, one));
      return [`.SS "${escapeRoff(group.replace(/:$/, ''))}"`, ...items].join('\n');
    })
    .join('\n');
}

/** A subcommand belongs to the group of its parent. */
function findGroup(command: CommandUnknownOpts): string {
  return command.helpGroup() || (command.parent === null ? '' : findGroup(command.parent));
}

function formatCommand(name: string, command: CommandUnknownOpts): string {
  const [summary = '', ...details] = command.description().split('\n\n');
  const help = command.createHelp();
  const args = command.registeredArguments;
  const terms = args.map((one) => {
    const term = `${italic(one.name())}${one.variadic ? '...' : ''}`;
    return one.required ? term : `[${term}]`;
  });
  // Each command has --help, which OPTIONS tells once.
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const inner = [
    ...(details.length === 0 ? [] : [formatParagraphs(details.join('\n\n'))]),
    ...args.map((one) => formatItem(italic(one.name()), help.argumentDescription(one))),
    ...options.map((one) => formatItem(bold(one.flags), help.optionDescription(one))),
    // Those of a command with subcommands are theirs.
    ...(command.commands.length > 0 ? [] : listExamples(command)).map((one) => formatExamples(name, [one])),
  ];
  const head = [bold(pathOf(command)), ...(options.length === 0 ? [] : [`[${italic('options')}]`]), ...terms].join(' ');
  return ['.TP', head, formatText(summary), ...(inner.length === 0 ? [] : ['.RS', ...inner, '.RE'])].join('\n');
}

/** The words that call a command, without the program's name. */
function pathOf(command: CommandUnknownOpts): string {
  const names: string[] = [];
  for (let one = command; one.parent !== null; one = one.parent) names.unshift(one.name());
  return names.join(' ');
}

function formatTopic(name: string, platform: NodeJS.Platform): string {
  const topic = TOPICS.find((one) => one.name === name);
  if (topic === undefined) return '';
  const items = topic.list(platform).map(([term, meaning]) => formatItem(bold(term), meaning));
  const [, order] = topic.title.split(', ');
  return [...(order === undefined ? [] : [formatText(`They are listed ${order}`)]), ...items].join('\n');
}

function formatExamples(name: string, examples: readonly Example[]): string {
  return examples
    .map((one) =>
      [
        '.PP',
        `${formatText(`${one[1].charAt(0).toUpperCase()}${one[1].slice(1)}`)}:`,
        formatBlock([`    ${formatExample(name, one)}`]),
      ].join('\n'),
    )
    .join('\n');
}
