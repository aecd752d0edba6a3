/** Completes a command line, as the parser's own definition says. */

import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Runtime } from '../../system/runtime.ts';
import { CANDIDATES, type Candidate, FILE_ARGUMENT, listSubcommands } from './candidates.ts';

/** What a shell may insert. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Whether the shell should offer files. */
  readonly isFile: boolean;
}

/** An option or argument of the parser, as far as its value matters. */
interface Value {
  readonly name: string;
  readonly choices: readonly string[] | undefined;
}

type Option = CommandUnknownOpts['options'][number];

/** What the words before the cursor mean. */
interface Position {
  readonly command: CommandUnknownOpts;
  readonly operands: readonly string[];
  readonly options: ReadonlySet<Option>;
  /** The option whose value comes next. */
  readonly awaited: Option | undefined;
  /** Whether `--` was there, so that nothing is an option any more. */
  readonly isPlain: boolean;
}

/** No shell gives these characters a meaning. Names in the files of others may hold any. */
const PLAIN = /^[\w./:+-][\w./:@%+=-]*$/;
const NOTHING: Completion = { candidates: [], isFile: false };

/**
 * Completes the last word.
 * @param words what stands behind the program's name, up to the cursor. The last is empty behind a blank.
 * @returns values that begin with the last word. For `--option=value` they are values of the option.
 */
export async function completeWords(
  program: CommandUnknownOpts,
  runtime: Runtime,
  words: readonly string[],
): Promise<Completion> {
  const typed = words.at(-1) ?? '';
  const { awaited, ...before } = readWords(program, words.slice(0, -1));
  const mayBeOption = !before.isPlain && typed.startsWith('-');
  const position = { ...before, awaited: awaited?.required === true || !mayBeOption ? awaited : undefined };
  const isOption = mayBeOption && position.awaited === undefined;
  const equals = isOption ? typed.indexOf('=') : -1;
  const listed = await list({ program, runtime, position, typed, equals, isOption });
  const prefix = typed.slice(equals + 1);
  const isOptionName = isOption && equals < 0;
  const candidates = listed.candidates.filter(
    ({ value }) => value.startsWith(prefix) && PLAIN.test(value) && value.startsWith('-') === isOptionName,
  );
  return { ...listed, candidates };
}

interface Wanted {
  readonly program: CommandUnknownOpts;
  readonly runtime: Runtime;
  readonly position: Position;
  readonly typed: string;
  /** Where the value of the typed option begins, or -1. */
  readonly equals: number;
  readonly isOption: boolean;
}

async function list({ program, runtime, position, typed, equals, isOption }: Wanted): Promise<Completion> {
  const { command, operands, awaited } = position;
  const complete = (value: Value) => listValues(value, { program, runtime, operands });
  if (awaited !== undefined) return await complete(describeValue(awaited));
  if (equals >= 0) {
    const option = findOption(command, typed.slice(0, equals));
    return option === undefined ? NOTHING : await complete(describeValue(option));
  }
  if (isOption) return { candidates: listOptions(position), isFile: false };
  const argument = findArgument(command, operands.length);
  const subcommands = operands.length === 0 ? listSubcommands(command) : [];
  if (argument === undefined) return { candidates: subcommands, isFile: false };
  const { candidates, isFile } = await complete({ name: argument.name(), choices: argument.argChoices });
  const rest = candidates.filter(({ value }) => !argument.variadic || !operands.includes(value));
  return { candidates: [...subcommands, ...rest], isFile };
}

/** Reads complete words as the parser would. */
function readWords(program: CommandUnknownOpts, words: readonly string[]): Position {
  let command = program;
  let operands: string[] = [];
  let awaited: Option | undefined;
  let isPlain = false;
  const options = new Set<Option>();
  for (const word of words) {
    const isOption = !isPlain && word.startsWith('-') && word !== '-';
    if (awaited !== undefined && (awaited.required || !isOption)) {
      awaited = undefined;
      continue;
    }
    if (isOption) {
      isPlain = word === '--';
      const [name = ''] = word.split('=', 1);
      const option = findOption(command, name);
      if (option !== undefined) options.add(option);
      const takesValue = option !== undefined && (option.required || option.optional) && name === word;
      awaited = takesValue ? option : undefined;
      continue;
    }
    const next = operands.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
    if (next === undefined) operands.push(word);
    else {
      command = next;
      operands = [];
    }
  }
  return { command, operands, options, awaited, isPlain };
}

function findOption(command: CommandUnknownOpts, name: string): Option | undefined {
  return command.options.find(({ long, short }) => long === name || short === name);
}

/** The last argument may stand several times. */
function findArgument(command: CommandUnknownOpts, index: number) {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

/** The options that were not given yet, each by its long name. */
function listOptions({ command, options }: Position): readonly Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => option.variadic || !options.has(option))
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', description }));
}

/** The value of an option has its name in the flags: `--account <name>`. */
function describeValue({ flags, argChoices: choices }: Option): Value {
  return { name: /[<[]([^\]>]*)/.exec(flags)?.[1]?.replace(/\.\.\.$/, '') ?? '', choices };
}

async function listValues(
  { name, choices }: Value,
  request: Parameters<NonNullable<ReturnType<typeof CANDIDATES.get>>>[0],
): Promise<Completion> {
  if (choices !== undefined) return { candidates: choices.map((value) => ({ value, description: '' })), isFile: false };
  const candidates = (await CANDIDATES.get(name)?.(request)) ?? [];
  return { candidates, isFile: name === FILE_ARGUMENT };
}
