/** `man`: prints the manual page. */

import type { Command } from '@commander-js/extra-typings';
import { EXIT } from '../terminal/failure.ts';
import { defineCommand, GROUPS } from './command.ts';

/** The command `man`. */
export const MAN = defineCommand({
  name: 'man',
  group: GROUPS.shell,
  summary: 'print the manual page',
  details: 'It holds all of this help, in the format of man.',
  examples: [
    ['man | man -l -', 'read it'],
    [
      'man >/usr/local/share/man/man1/docker-credential-acr.1',
      'install it, so that "man docker-credential-acr" finds it',
    ],
  ],
  define: (command: Command) => command,
  run: async ({ program, runtime, terminal }) => {
    const { formatManPage } = await import('./man/man-page.ts');
    terminal.write(formatManPage(program, runtime.platform));
    return EXIT.ok;
  },
});
