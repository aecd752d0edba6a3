/** `config validate`: every mistake in a configuration file. */

import { resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { createQuote } from '../redact.ts';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { defineCommand } from './command.ts';

/** The command `config validate`. */
export const CONFIG_VALIDATE = defineCommand({
  name: 'validate',
  summary: 'find every mistake in the configuration',
  details:
    'Lists each mistake with its line and column. An error makes "get" fail for some registry; a warning is about something that is never read. Either ends the command with 1. Values of the file are not shown, since one of them may be a secret.',
  examples: [
    ['config validate', 'the configuration of this machine'],
    ['config validate ./acr.json', 'a file before it is installed'],
    ['config validate --json', 'the mistakes as JSON, with line, column and code'],
  ],
  define: (command: Command) =>
    command
      .argument('[file]', 'the file to check, instead of the configuration of this machine')
      .option('--json', 'print the mistakes as JSON'),
  run: async ({ runtime, terminal }, { json }, named) => {
    if (named === '') throw new UsageError('The name of the file is empty');
    const [{ validateFile }, findings, { locateConfig }] = await Promise.all([
      import('./config/validation.ts'),
      import('./config/findings.ts'),
      import('./config/location.ts'),
    ]);
    const { file, isExplicit } =
      named === undefined ? await locateConfig(runtime) : { file: resolve(named), isExplicit: false };
    const validation = validateFile(file, isExplicit);
    if (named !== undefined && validation.text === undefined && validation.findings.length === 0) {
      throw new UsageError(`There is no file ${createQuote(runtime)(file)}`);
    }
    const isGood = validation.findings.length === 0;
    if (json === true) {
      terminal.write(`${JSON.stringify(findings.describeFindings(runtime, validation), null, 2)}\n`);
    } else if (isGood) {
      const state = validation.text === undefined ? 'does not exist: the defaults apply' : 'has no mistakes';
      terminal.write(`${createQuote(runtime)(file, 4096)} ${state}\n`);
    } else {
      const { style, columns, isOutputSeen: isDetailed } = terminal;
      terminal.write(findings.formatFindings(runtime, validation, { style, columns, isDetailed }));
      if (isDetailed) terminal.writeError(`\n${findings.countFindings(validation.findings)}\n`);
    }
    return isGood ? EXIT.ok : EXIT.failed;
  },
});
