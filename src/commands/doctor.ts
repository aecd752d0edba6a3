/** `doctor`: finds out why a pull or a push fails. */

import type { Command } from '@commander-js/extra-typings';
import { EXIT, UsageError } from '../terminal/failure.ts';
import { defineCommand, GROUPS } from './command.ts';

/** The command `doctor`. */
export const DOCTOR = defineCommand({
  name: 'doctor',
  group: GROUPS.examine,
  summary: 'find out why a pull or a push fails',
  details:
    'Walks the way of a pull: the executable, the clients, the network, the identity, its tokens and what they allow. ' +
    'Each line says what was seen and what fixes it. It changes nothing, and fails when there is a problem.',
  examples: [
    ['doctor', 'this machine: what needs no registry'],
    ['doctor myregistry.azurecr.io', 'and whether it can sign in to a registry'],
    ['doctor myregistry.azurecr.io/team/app', 'and whether it may pull from a repository, and push to it'],
    ['doctor myregistry.azurecr.io --report', 'a text for an issue, without names and ids'],
  ],
  define: (command: Command) =>
    command
      .argument('[host]', 'a registry, such as myregistry.azurecr.io, with or without a repository')
      .option('--json', 'print the results as JSON, with the codes of "az acr check-health"')
      .option('--report', 'print a text that can be pasted in public: no names, ids shortened'),
  run: async ({ runtime, terminal, log }, { json = false, report = false }, text) => {
    if (json && report) throw new UsageError('--json and --report exclude each other', { hint: 'choose one of them' });
    const [{ examine }, { parseTarget }, format, { findOwnProgram }] = await Promise.all([
      import('./doctor/doctor.ts'),
      import('./doctor/target.ts'),
      import('./doctor/result-text.ts'),
      import('../system/own-program.ts'),
    ]);
    const target = text === undefined ? undefined : parseTarget(text);
    if (text !== undefined && target === undefined) {
      throw new UsageError('this is not the name of a registry', {
        hint: `${runtime.programName} doctor myregistry.azurecr.io/team/app`,
      });
    }
    const { style } = terminal;
    const own = findOwnProgram();
    const columns = terminal.isOutputSeen ? terminal.columns : undefined;
    const { results, names } = await examine({
      ...{ runtime, terminal, log, target },
      programFile: own?.file,
      ...(own?.form === 'npm package' ? { nodeFile: process.execPath } : {}),
      show: (found) => {
        if (!json && !report) terminal.write(format.formatResults(found, style, columns));
      },
    });
    if (json) terminal.write(format.formatJson(runtime, target, results));
    else if (report) {
      const system = { platform: runtime.platform, arch: process.arch, node: process.versions.node };
      terminal.write(format.formatReport(system, results, names));
    } else terminal.write(format.formatSummary(results, style));
    return results.some(({ status }) => status === 'problem') ? EXIT.failed : EXIT.ok;
  },
});
