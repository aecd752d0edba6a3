/** `config path`: which file is the configuration. */

import type { Command } from '@commander-js/extra-typings';
import { createQuote } from '../redact.ts';
import { EXIT } from '../terminal/failure.ts';
import { defineCommand } from './command.ts';

/** The command `config path`. */
export const CONFIG_PATH = defineCommand({
  name: 'path',
  summary: 'print which file is the configuration',
  details: 'The file need not exist. At a terminal, a note says whether it does, and which variable names it.',
  examples: [
    ['config path', 'the path alone, for scripts'],
    ['config path --json', 'also whether it exists, and which variable names it'],
  ],
  define: (command: Command) => command.option('--json', 'print the facts as JSON'),
  run: async ({ runtime, terminal }, { json }) => {
    const { locateConfig } = await import('./config/location.ts');
    const { file, exists, namedBy } = await locateConfig(runtime);
    if (json === true) {
      terminal.write(`${JSON.stringify({ file, exists, namedBy: namedBy ?? null }, null, 2)}\n`);
      return EXIT.ok;
    }
    terminal.write(`${createQuote(runtime)(file, 4096)}\n`);
    const notes = [
      ...(exists ? [] : ['It does not exist: the defaults apply.']),
      ...(namedBy === undefined ? [] : [`${namedBy} names it.`]),
    ];
    if (terminal.isErrorSeen && notes.length > 0) terminal.writeError(`${notes.join(' ')}\n`);
    return EXIT.ok;
  },
});
