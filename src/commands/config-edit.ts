/** `config edit`: opens the configuration in an editor, and saves it when it has no mistakes. */

import type { Command } from '@commander-js/extra-typings';
import { createQuote } from '../redact.ts';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { confirm } from '../terminal/prompts.ts';
import { defineCommand } from './command.ts';

/** The command `config edit`. */
export const CONFIG_EDIT = defineCommand({
  name: 'edit',
  summary: 'edit the configuration, and save it only without mistakes',
  details:
    'Opens a copy in the editor that VISUAL or EDITOR names, checks it as "config validate" does, and then replaces the file. A file that does not exist yet is created. The editor gets no secret in its environment.',
  examples: [
    ['config edit', 'in your editor'],
    ['config edit --editor nano', 'in another one'],
  ],
  define: (command: Command) => command.option('--editor <command>', 'the editor, instead of VISUAL or EDITOR'),
  run: async ({ runtime, terminal }, { editor: named }) => {
    const [{ editConfig }, { findEditor }, findings, { locateConfig }] = await Promise.all([
      import('./config/edit.ts'),
      import('./config/editor.ts'),
      import('./config/findings.ts'),
      import('./config/location.ts'),
    ]);
    const { file } = await locateConfig(runtime);
    const shownFile = createQuote(runtime)(file, 4096);
    if (!terminal.canAsk || !terminal.isOutputSeen) {
      throw new UsageError('Cannot edit without a terminal', {
        hint: `change ${shownFile} in another way, then run: ${runtime.programName} config validate`,
      });
    }
    const editor = findEditor(named === undefined ? runtime : { ...runtime, env: { ...runtime.env, VISUAL: named } });
    const result = await editConfig({
      runtime,
      file,
      editor,
      askAgain: async (validation) => {
        const { errorStyle: style, columns } = terminal;
        terminal.writeError(findings.formatFindings(runtime, validation, { style, columns, isDetailed: true }));
        const isFatal = validation.findings.some(({ severity }) => severity === 'error');
        const message = `The configuration has ${findings.countFindings(validation.findings)}. Edit it again?`;
        terminal.writeError('\n');
        try {
          return await confirm(terminal, {
            message: isFatal ? message : `${message} Otherwise it is saved.`,
            option: '--editor',
          });
        } catch (cause) {
          terminal.writeError(`Your changes are in ${createQuote(runtime)(validation.file, 4096)}\n`);
          throw cause;
        }
      },
    });
    const done = { saved: `Saved ${shownFile}`, created: `Created ${shownFile}`, unchanged: 'Nothing was changed' };
    terminal.writeError(`${done[result]}\n`);
    return EXIT.ok;
  },
});
