/** The commands for people: reads the arguments, runs a command, and reports how it ended. */

import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { findNearest } from '../config/nearest.ts';
import { describeCause } from '../errors.ts';
import { openRequestedLog } from '../log.ts';
import { createQuote } from '../redact.ts';
import { describeFailure } from '../report.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { Cancelled, EXIT, type ExitCode, UsageError } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { VERSION } from '../version.ts';
import { ACCOUNTS } from './accounts.ts';
import { CACHE } from './cache.ts';
import { type CommandDefinition, type Example, type RunCommand, setExamples } from './command.ts';
import { COMPLETE, COMPLETION } from './completion.ts';
import { CONFIG } from './config.ts';
import { CONFIGURE } from './configure.ts';
import { DOCTOR } from './doctor.ts';
import { HELP } from './help.ts';
import { KUBELET } from './kubelet.ts';
import { formatHelp } from './layout.ts';
import { LOGIN } from './login.ts';
import { LOGOUT } from './logout.ts';
import { MAN } from './man.ts';
import { PROTOCOL_VERBS } from './protocol-verbs.ts';
import { REPOSITORIES } from './repositories.ts';
import { STATUS } from './status.ts';
import { TAGS } from './tags.ts';
import { TOKEN } from './token.ts';
import { UNCONFIGURE } from './unconfigure.ts';

/** Every command, in the order in which `--help` lists them. */
export const COMMANDS: readonly CommandDefinition[] = [
  CONFIGURE,
  UNCONFIGURE,
  LOGIN,
  ACCOUNTS,
  LOGOUT,
  DOCTOR,
  STATUS,
  TOKEN,
  REPOSITORIES,
  TAGS,
  CACHE,
  CONFIG,
  KUBELET,
  HELP,
  COMPLETION,
  COMPLETE,
  MAN,
  ...PROTOCOL_VERBS,
];

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
  const start = (found: RunCommand) => {
    run = found;
  };
  const program = createProgram(runtime, terminal, start, args);
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

/**
 * Makes the parser.
 * @param start is called with the command that the arguments name.
 * @param args the arguments, for the hint of an error.
 */
export function createProgram(
  runtime: Runtime,
  terminal: Terminal,
  start: (run: RunCommand) => void,
  args: readonly string[] = [],
): Command {
  const { programName } = runtime;
  const program = new Command(programName);
  program
    .description('Sign docker, podman, helm and others in to Azure Container Registry.')
    .usage('<command> [options]')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .version(VERSION, '-v, --version', 'print the name and the version')
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({
      showGlobalOptions: false,
      formatHelp: (command, helper) => formatHelp(command, helper, terminal.style),
    })
    .configureOutput({
      writeOut: terminal.write,
      writeErr: terminal.writeError,
      getOutHelpWidth: () => Math.min(terminal.columns, 100),
      getErrHelpWidth: () => Math.min(terminal.columns, 100),
      // A style adds no colours where there are none. That of standard output may be written to standard error.
      getOutHasColors: () => true,
      getErrHasColors: () => terminal.errorStyle('bold', ' ') !== ' ',
      outputError: (text, write) => write(formatParserError(runtime, terminal, text, findHelpOf(program, args))),
    });
  setExamples(program, EXAMPLES);
  for (const command of COMMANDS) command.addTo(program, start);
  return program;
}

const MAX_ERROR_LENGTH = 300;
const EXAMPLES: readonly Example[] = [
  ['configure myregistry.azurecr.io', 'let docker, podman and helm use it for a registry: writes "credHelpers"'],
  ['doctor myregistry.azurecr.io/team/app', 'find out why a pull fails'],
];

/** What a person means who gives a verb of the protocol a registry. */
const MEANT_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['get', 'token'],
  ['store', 'login'],
  ['erase', 'logout'],
]);

/** Formats the hint for arguments that are refused: a verb of the protocol with arguments, or a word that is no command. */
export function formatHint({ programName }: Runtime, terminal: Terminal, args: readonly string[]): string {
  const [word = '', host = ''] = args;
  const meant = MEANT_COMMANDS.get(word);
  const names = COMMANDS.filter(({ isHidden }) => !isHidden).map(({ name }) => name);
  const near = findNearest(word, names);
  const advise = () => {
    if (meant !== undefined && host !== '') return `${programName} ${meant} ${shellWord(host)}`;
    return near === undefined || near === word ? `see ${programName} --help` : `did you mean "${near}"?`;
  };
  return `${terminal.errorStyle('cyan', 'hint:')} ${advise()}\n`;
}

/** Whether an argument is a command, or an option of the program itself. */
function isKnown(program: Command, first: string): boolean {
  return ['-h', '--help'].includes(first) || program.commands.some((one) => one.name() === first);
}

/** The command line that shows the help of the command that the arguments name. */
function findHelpOf(program: Command, args: readonly string[]): string {
  let command: CommandUnknownOpts = program;
  for (const word of args) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  const names: string[] = [];
  for (let one: CommandUnknownOpts | null = command; one !== null; one = one.parent) names.unshift(one.name());
  return [...names, '--help'].join(' ');
}

/** Formats an error of the parser, which is "error: …" and may have a suggestion in parentheses in its last line. */
function formatParserError(runtime: Runtime, terminal: Terminal, text: string, help: string): string {
  const quote = createQuote(runtime);
  const end = text.lastIndexOf('\n(Did you mean ');
  const what = quote(end < 0 ? text : text.slice(0, end), MAX_ERROR_LENGTH, rewordError);
  const suggestion = quote(text.slice(end), MAX_ERROR_LENGTH, (clean) =>
    clean.replace(/^\(Did you mean ((?:one of )?)(.*)\?\)$/, (_all, several: string, word: string) =>
      several === '' ? `did you mean "${word}"?` : `did you mean one of these: ${word}?`,
    ),
  );
  return formatError(terminal, what, end < 0 ? `see ${help}` : suggestion);
}

/** Words an error of the parser as our own. */
function rewordError(text: string): string {
  const error = text
    .replace(/^error: /, '')
    .replace(
      /^command-argument value '([^']{0,200})' is invalid for argument '[^']{0,99}'\. A/,
      '"$1" is not possible: a',
    )
    .replace(/^option '([^']{0,99})' argument '([^']{0,200})' is invalid\. A/, '"$2" is not possible for $1: a')
    .replace(/'([^']{0,200})'/g, '"$1"')
    .replace(/\.$/, '');
  return error.charAt(0).toUpperCase() + error.slice(1);
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
