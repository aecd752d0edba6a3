/**
 * Starts programs safely on Windows: in the system's own folder, with the system's own interpreter, and with a command
 * line in which no argument of a batch file can become a command.
 *
 * @see https://www.npmjs.com/package/@azure/core-process
 */

import { win32 } from 'node:path';
import type { Runtime } from './runtime.ts';

/** The arguments of `spawn`. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether the arguments are already quoted. */
  readonly isVerbatim: boolean;
}

const BATCH_FILE = /\.(?:cmd|bat)$/i;
/** On a local drive: `cmd.exe` cannot work in a network folder, and silently uses another one. */
const LOCAL_FOLDER = /^[a-z]:\\(?!.*[<>:"/|?*%])/i;
/** The characters that `cmd.exe` interprets, even between quotes. */
const UNSAFE_IN_BATCH = /[%!^&|<>()"]/;
const UNSAFE_IN_BATCH_PATH = /[%!"]/;
const NEEDS_NO_QUOTES = /^[\w.:/\\-]+$/;

/**
 * Prepares the start of a program on Windows, in the system's own folder.
 * @throws an error without a code when the system's folder cannot be trusted, or when `cmd.exe` could run a part of the
 * path or of an argument as a command.
 */
export function prepareWindowsLaunch(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Launch {
  const systemFolder = findSystemFolder(runtime);
  const interpreter = win32.join(systemFolder, 'System32', 'cmd.exe');
  // The programs that this one starts also get the system's interpreter, not one that a variable names.
  const launch = { cwd: systemFolder, env: setVariables(env, { SystemRoot: systemFolder, ComSpec: interpreter }) };
  if (!BATCH_FILE.test(file)) return { ...launch, file, args, isVerbatim: false };
  if (UNSAFE_IN_BATCH_PATH.test(file) || hasControlCharacter(file)) {
    throw new Error('its path contains characters that cmd.exe interprets');
  }
  // `/s` makes cmd.exe strip the outermost quotes and no others.
  const line = `"${[`"${file}"`, ...args.map(quoteBatchArgument)].join(' ')}"`;
  return { ...launch, file: interpreter, args: ['/d', '/s', '/v:off', '/c', line], isVerbatim: true };
}

/**
 * Finds the folder of Windows itself.
 * @throws an error without a code when `SystemRoot` is not a folder on a local drive.
 */
export function findSystemFolder(runtime: Runtime): string {
  const named = readWindowsVariable(runtime, 'SystemRoot');
  if (named === undefined) throw new Error('SystemRoot is not set');
  const folder = win32.normalize(named).replace(/(?<!\\)\\+$/, '');
  if (!LOCAL_FOLDER.test(`${folder}\\`) || hasControlCharacter(folder)) {
    throw new Error('SystemRoot is not a folder on a local drive');
  }
  return folder;
}

/** Adds variables to a Windows environment, where names are not case-sensitive. */
export function setVariables(
  env: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const replaced = new Set(Object.keys(variables).map((name) => name.toLowerCase()));
  const kept = Object.entries(env).filter(([name]) => !replaced.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...variables };
}

/** Whether a text contains a control character, such as a line break. */
export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function quoteBatchArgument(arg: string): string {
  if (NEEDS_NO_QUOTES.test(arg)) return arg;
  // A backslash at the end would escape the closing quote for the program that the batch file calls.
  if (UNSAFE_IN_BATCH.test(arg) || hasControlCharacter(arg) || arg.endsWith('\\')) {
    throw new Error('one of its arguments cannot be passed to a batch file safely');
  }
  return `"${arg}"`;
}

function readWindowsVariable({ env }: Runtime, name: string): string | undefined {
  const found = Object.keys(env).find((key) => key.toLowerCase() === name.toLowerCase());
  return (found === undefined ? undefined : env[found]) || undefined;
}
