/** `help`: the text of a command or topic. */

import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { defineCommand, GROUPS } from './command.ts';
import { TOPICS } from './topics.ts';

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
  run: async ({ program, terminal }, _options, words) => {
    const topic = TOPICS.find(({ name }) => words.length === 1 && name === words[0]);
    if (topic === undefined) findCommand(program, words).outputHelp();
    else terminal.write(topic.format());
    return EXIT.ok;
  },
});

function findCommand(program: CommandUnknownOpts, words: readonly string[]): CommandUnknownOpts {
  let found = program;
  for (const word of words) {
    const next = found.commands.find((one) => one.name() === word);
    if (next === undefined) {
      throw new UsageError(`There is no help for "${words.join(' ')}"`, { hint: `see ${program.name()} --help` });
    }
    found = next;
  }
  return found;
}
