/** `help`: the text of a command or topic. */

import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings';
import { findNearest } from '../config/nearest.ts';
import { createQuote } from '../redact.ts';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { defineCommand, GROUPS, listCommandNames } from './command.ts';
import { formatTopic, TOPICS } from './topics.ts';

/** The command `help`. */
export const HELP = defineCommand({
  name: 'help',
  group: GROUPS.shell,
  summary: 'show the help of a command or topic',
  examples: [
    ['help token', 'what a command does, with its options'],
    ['help environment', 'the environment variables'],
  ],
  define: (command: Command) =>
    command.argument('[words...]', 'a command, such as "token" or "cache clear", or a topic'),
  run: async ({ program, runtime, terminal }, _options, words) => {
    const topic = TOPICS.find(({ name }) => words.length === 1 && name === words[0]);
    if (topic === undefined) findCommand(program, words, createQuote(runtime)).outputHelp();
    else terminal.write(formatTopic(topic, runtime.platform, terminal.style));
    return EXIT.ok;
  },
});

/** @throws UsageError when there is none. */
function findCommand(
  program: CommandUnknownOpts,
  words: readonly string[],
  quote: (text: string) => string,
): CommandUnknownOpts {
  let found = program;
  for (const [index, word] of words.entries()) {
    const next = found.commands.find((one) => one.name() === word);
    if (next === undefined) {
      const before = words.slice(0, index);
      const topics = index === 0 ? TOPICS.map(({ name }) => name) : [];
      const near = findNearest(word, [...listCommandNames(found), ...topics]);
      const hint = [...before, near ?? ''].join(' ').trim();
      throw new UsageError(`There is no help for "${quote(words.join(' '))}"`, {
        hint: near === undefined ? `see ${program.name()} --help` : `did you mean "${program.name()} help ${hint}"?`,
      });
    }
    found = next;
  }
  return found;
}
