/** `completion`: the script with which a shell completes the arguments, and the hidden command that the script calls. */

import { type Command, createArgument } from '@commander-js/extra-typings';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { defineCommand, GROUPS } from './command.ts';

/** The shells that can complete the arguments. */
const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** A name that no shell evaluates. */
const PLAIN_NAME = /^[A-Za-z0-9_-]+$/;

/** What the scripts understand as their last line. The numbers are those of cobra, whose scripts these once were. */
const DIRECTIVES = { offerFiles: ':0', failed: ':1', noFiles: ':4' } as const;

/** The command `completion`. */
export const COMPLETION = defineCommand({
  name: 'completion',
  group: GROUPS.shell,
  summary: 'print the completion script for a shell',
  details: (name) =>
    [
      'Tab then completes commands, options and the registries that are configured. Let each new shell load the script.',
      '',
      'bash, in ~/.bashrc:',
      `  eval "$(${name} completion bash)"`,
      'zsh, in ~/.zshrc after compinit:',
      `  source <(${name} completion zsh)`,
      'fish, in ~/.config/fish/config.fish:',
      `  ${name} completion fish | source`,
      'PowerShell, in $PROFILE:',
      `  ${name} completion powershell | Out-String | Invoke-Expression`,
    ].join('\n'),
  examples: [
    ['completion bash', 'print the script for bash'],
    [
      'completion fish >~/.config/fish/completions/docker-credential-acr.fish',
      'let fish load it only when it is needed',
    ],
  ],
  define: (command: Command) =>
    command.addArgument(createArgument('<shell>', 'the shell that loads the script').choices(SHELLS)),
  run: async ({ runtime, terminal }, _options, shell) => {
    const { programName } = runtime;
    if (!PLAIN_NAME.test(programName)) {
      throw new UsageError('Cannot complete a program whose name holds other characters than letters, digits, - and _');
    }
    const { formatScript } = await import('./completion/shell-script.ts');
    terminal.write(formatScript(shell, programName));
    return EXIT.ok;
  },
});

/** The hidden command `complete`. A shell calls it at each Tab: it is quick, stays offline, and fails without a word. */
export const COMPLETE = defineCommand({
  name: 'complete',
  isHidden: true,
  summary: 'list completions, for the script of "completion"',
  details:
    'The words stand behind "--". Each line is a value and its description; the last is a number for the script.',
  examples: [['complete -- he', 'the commands that begin with "he"']],
  define: (command: Command) => command.argument('[typed...]', 'the words up to the cursor; the last may be empty'),
  run: async ({ runtime, terminal, program }, _options, typed) => {
    try {
      const { completeWords } = await import('./completion/complete.ts');
      const { candidates, isFile } = await completeWords(program, runtime, typed);
      const lines = candidates.map(({ value, description }) => `${value}\t${description}`);
      terminal.write(`${[...lines, isFile ? DIRECTIVES.offerFiles : DIRECTIVES.noFiles].join('\n')}\n`);
    } catch {
      terminal.write(`${DIRECTIVES.failed}\n`);
    }
    return EXIT.ok;
  },
});
