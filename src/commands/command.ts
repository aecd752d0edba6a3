/** What a command is made of, and how it becomes a part of the parser. */

import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Log } from '../log.ts';
import type { Runtime } from '../system/runtime.ts';
import type { ExitCode } from '../terminal/failure.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The headings under which `--help` lists the commands, in this order. */
export const GROUPS = {
  setUp: 'Set up:',
  examine: 'Examine:',
  settings: 'Settings:',
  kubernetes: 'Nodes of Kubernetes:',
  shell: 'Shell and help:',
  protocol: 'Called by docker and other clients:',
} as const;

/** A heading of `--help`. */
export type Group = (typeof GROUPS)[keyof typeof GROUPS];

/** Everything that a command gets from outside. */
export interface CommandContext {
  readonly runtime: Runtime;
  readonly terminal: Terminal;
  readonly log: Log | undefined;
  /** The parser, with every command: `help`, completions and the man page read it. */
  readonly program: CommandUnknownOpts;
}

/** A command line to copy, and what it does. The output of another command may be its input. */
export type Example = readonly [args: string, effect: string, input?: string];

/** What `--help` says of a command. */
interface Texts {
  /** The heading; a subcommand has none. */
  readonly group?: Group | undefined;
  /** One line, in the imperative: "show what is cached". */
  readonly summary: string;
  /** What `--help` says below the summary; a function where the program's name stands in it. */
  readonly details?: string | ((programName: string) => string) | undefined;
  /** Whether `--help` leaves it out: other programs call it. */
  readonly isHidden?: boolean | undefined;
  /** The arguments follow the program's name. */
  readonly examples: readonly Example[];
}

/** A command of the parser, as far as its arguments and options matter. */
interface Parsed<Args extends unknown[], Options> {
  readonly processedArgs: Args;
  readonly opts: () => Options;
}

/** A command as its file describes it. */
export interface CommandDescription<Args extends unknown[], Options> extends Texts {
  readonly name: string;
  /** Adds arguments and options. */
  readonly define: (command: Command) => Parsed<Args, Options>;
  /** @returns the exit code. @throws CredentialError, UsageError, Cancelled */
  readonly run: (context: CommandContext, options: Options, ...args: Args) => Promise<ExitCode>;
}

/** A command as the list of commands sees it: the types of its arguments and options are hidden. */
export interface CommandDefinition {
  readonly name: string;
  /** Whether `--help` leaves it out. */
  readonly isHidden: boolean;
  /** Adds the command to the parser. @param start runs it, with what the parser read. */
  readonly addTo: (parent: CommandUnknownOpts, start: (run: RunCommand) => void) => void;
}

/** Adds the value of an option that may be repeated to those before it, as a parser of options. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Runs a command whose arguments were read. */
export type RunCommand = (context: CommandContext) => Promise<ExitCode>;

/** Makes a command from its description. */
export function defineCommand<Args extends unknown[], Options>({
  name,
  group,
  summary,
  details,
  isHidden = false,
  examples,
  define,
  run,
}: CommandDescription<Args, Options>): CommandDefinition {
  return {
    name,
    isHidden,
    addTo: (parent, start) => {
      const command = describe(parent, name, { group, summary, details, isHidden, examples });
      const parsed = define(command);
      command.action(() => start((context) => run(context, parsed.opts(), ...parsed.processedArgs)));
    },
  };
}

/** Makes a command that only has subcommands, such as `cache`. Its help shows the first example of each. */
export function defineGroup(
  description: { readonly name: string } & Omit<Texts, 'examples'>,
  commands: readonly CommandDefinition[],
): CommandDefinition {
  const { name, isHidden = false } = description;
  return {
    name,
    isHidden,
    addTo: (parent, start) => {
      const command = describe(parent, name, { ...description, examples: [] }).usage('<command> [options]');
      for (const one of commands) one.addTo(command, start);
      const shown = command.createHelp().visibleCommands(command);
      setExamples(
        command,
        shown.flatMap((one) => listExamples(one).slice(0, 1)),
      );
    },
  };
}

/** The examples of each command, for its help and the man page. */
const examplesOf = new WeakMap<object, readonly Example[]>();

/** Formats the command line of an example. */
export function formatExample(programName: string, [args, , input]: Example): string {
  return [...(input === undefined ? [] : [input, '|']), programName, args].join(' ').trim();
}

/** Gives a command its examples. */
export function setExamples(command: object, examples: readonly Example[]): void {
  examplesOf.set(command, examples);
}

/** The examples of a command. */
export function listExamples(command: object): readonly Example[] {
  return examplesOf.get(command) ?? [];
}

function describe(parent: CommandUnknownOpts, name: string, texts: Texts): Command {
  const { group, summary, details, isHidden = false, examples } = texts;
  const command = new Command(name).copyInheritedSettings(parent).helpCommand(false);
  parent.addCommand(command, { hidden: isHidden });
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  const more = typeof details === 'function' ? details(findProgram(command).name()) : details;
  command.summary(summary).description(more === undefined ? sentence : `${sentence}\n\n${more}`);
  if (group !== undefined) command.helpGroup(group);
  setExamples(command, examples);
  return command;
}

/** The program to which a command belongs. */
export function findProgram(command: CommandUnknownOpts): CommandUnknownOpts {
  return command.parent === null ? command : findProgram(command.parent);
}

/** The names of the commands below a command, without hidden ones. */
export function listCommandNames(command: CommandUnknownOpts): readonly string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name());
}
