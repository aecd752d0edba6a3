/** The commands for people: reads the arguments, runs a command, and reports how it ended. */

import { Command, CommanderError } from '@commander-js/extra-typings';
import { describeCause } from '../errors.ts';
import { openRequestedLog } from '../log.ts';
import { describeFailure } from '../report.ts';
import type { Runtime } from '../system/runtime.ts';
import { Cancelled, EXIT, type ExitCode, UsageError } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { VERSION } from '../version.ts';
import { type CommandDefinition, formatExamples, GROUPS, type RunCommand } from './command.ts';
import { DOCTOR } from './doctor.ts';
import { HELP } from './help.ts';
import { PROTOCOL_VERBS } from './protocol-verbs.ts';
import { TOPICS } from './topics.ts';

/** Every command, in the order in which `--help` lists them. */
export const COMMANDS: readonly CommandDefinition[] = [DOCTOR, HELP, ...PROTOCOL_VERBS];

/**
 * Runs a command line that is not a verb of the protocol. Writes to the terminal. Never throws.
 * @returns the exit code; `undefined` when the first argument is neither a command nor a known option.
 */
export async function runCommandLine(
  args: readonly string[],
  runtime: Runtime,
  terminal: Terminal,
): Promise<ExitCode | undefined> {
  let run: RunCommand | undefined;
  const program = createProgram(runtime.programName, terminal, (found) => {
    run = found;
  });
  const [first = ''] = args;
  if (!isKnown(program, first)) return undefined;
  const log = await openRequestedLog(runtime);
  try {
    program.parse(args, { from: 'user' });
    const exitCode = run === undefined ? EXIT.ok : await run({ runtime, terminal, log, program });
    log?.({ step: 'end', outcome: exitCode === EXIT.ok ? 'done' : 'failed' });
    return exitCode;
  } catch (failure) {
    log?.({ step: 'end', outcome: 'failed', reason: describeCause(failure) });
    return report(runtime, terminal, failure);
  }
}

/** Makes the parser. @param start is called with the command that the arguments name. */
export function createProgram(programName: string, terminal: Terminal, start: (run: RunCommand) => void): Command {
  const program = new Command(programName);
  program
    .description('Sign docker, podman, helm and others in to Azure Container Registry.')
    .usage('<command> [options]')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .version(VERSION, '-v, --version', 'print the name and the version')
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: false, styleTitle: (text) => terminal.style('bold', text) })
    .configureOutput({
      writeOut: terminal.write,
      writeErr: terminal.writeError,
      getOutHelpWidth: () => Math.min(terminal.columns, 100),
      getErrHelpWidth: () => Math.min(terminal.columns, 100),
      getOutHasColors: () => true, // a style adds none where there are none
      outputError: (text, write) => write(formatUsageError(terminal, programName, text)),
    });
  for (const group of Object.values(GROUPS)) program.commandsGroup(group);
  for (const command of COMMANDS) command.addTo(program, start);
  program.addHelpText('after', () => `${formatExamples(programName, EXAMPLES)}\n\n${formatEnd(programName)}`);
  return program;
}

const EXAMPLES = [
  ['configure myregistry.azurecr.io', 'let docker, podman and helm use it for a registry: writes "credHelpers"'],
  ['doctor myregistry.azurecr.io/team/app', 'find out why a pull fails'],
] as const;

function formatEnd(programName: string): string {
  const topics = TOPICS.map(({ name, summary }) => `  ${`${programName} help ${name}`.padEnd(44)} ${summary}`);
  return `More help:\n${topics.join('\n')}`;
}

/** Whether an argument is a command, or an option of the program itself. */
function isKnown(program: Command, first: string): boolean {
  return ['-h', '--help'].includes(first) || program.commands.some((one) => one.name() === first);
}

/** Commander writes "error: …" and a suggestion in parentheses. */
function formatUsageError(terminal: Terminal, programName: string, text: string): string {
  const [line = '', ...rest] = text.trim().split('\n');
  const what = line.replace(/^error: /, '');
  const suggestion = rest.join(' ').replace(/^\((.*)\)$/, '$1');
  const hint = suggestion === '' ? `see ${programName} --help` : suggestion;
  return formatError(terminal, what, hint);
}

function formatError(terminal: Terminal, what: string, hint: string | undefined): string {
  const lines = [`${terminal.errorStyle(['bold', 'red'], 'error:')} ${what}`];
  if (hint !== undefined) lines.push(`${terminal.errorStyle('cyan', 'hint:')} ${hint}`);
  return `${lines.join('\n')}\n`;
}

function report(runtime: Runtime, terminal: Terminal, failure: unknown): ExitCode {
  // Help and version end in this way too, and have written their text.
  if (failure instanceof CommanderError) return failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (failure instanceof Cancelled) {
    terminal.writeError('Cancelled.\n');
    return EXIT.cancelled;
  }
  if (failure instanceof UsageError) {
    terminal.writeError(formatError(terminal, failure.message, failure.hint));
    return EXIT.usage;
  }
  const { error, causes, hint } = describeFailure(runtime, failure);
  const lines = [
    `${terminal.errorStyle(['bold', 'red'], 'error:')} ${error}`,
    ...causes.map((cause) => `${terminal.errorStyle('dim', 'cause:')} ${cause}`),
    ...(hint === undefined ? [] : [`${terminal.errorStyle('cyan', 'hint:')} ${hint}`]),
  ];
  terminal.writeError(`${lines.join('\n')}\n`);
  return EXIT.failed;
}
