/**
 * What Windows needs to start a program safely: a folder and an interpreter that nobody planted, and for a batch file a
 * line in which no argument can become a command.
 *
 * @see https://www.npmjs.com/package/@azure/core-process
 */

import { win32 } from 'node:path';
import type { Runtime } from './runtime.ts';

/** How a program is handed to the system. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The arguments are quoted already. */
  readonly isVerbatim: boolean;
}

const BATCH_FILE = /\.(?:cmd|bat)$/i;
/** On a local drive: `cmd.exe` cannot work in a network folder, and would silently take another one. */
const LOCAL_FOLDER = /^[a-z]:\\(?!.*[<>:"/|?*%])/i;
/** What `cmd.exe` reads as more than text, even between quotes. */
const UNSAFE_IN_BATCH = /[%!^&|<>()"]/;
const UNSAFE_IN_BATCH_PATH = /[%!"]/;
const NEEDS_NO_QUOTES = /^[\w.:/\\-]+$/;

/**
 * Prepares the start of a program on Windows, in the system's own folder.
 * @throws when the system's folder cannot be trusted, or a batch file could take an argument for a command.
 */
export function prepareWindowsLaunch(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Launch {
  const systemFolder = findSystemFolder(runtime);
  const interpreter = win32.join(systemFolder, 'System32', 'cmd.exe');
  // Whatever the program starts by itself gets the system's interpreter, not one that a variable names.
  const launch = { cwd: systemFolder, env: setVariables(env, { SystemRoot: systemFolder, ComSpec: interpreter }) };
  if (!BATCH_FILE.test(file)) return { ...launch, file, args, isVerbatim: false };
  if (UNSAFE_IN_BATCH_PATH.test(file) || hasControlCharacter(file)) {
    throw new Error('its path has characters that cmd.exe does not take for text');
  }
  // `/s` makes cmd.exe strip the outermost quotes and no others.
  const line = `"${[`"${file}"`, ...args.map(quoteBatchArgument)].join(' ')}"`;
  return { ...launch, file: interpreter, args: ['/d', '/s', '/v:off', '/c', line], isVerbatim: true };
}

/**
 * The folder of Windows itself.
 * @throws when the environment names none on a local drive.
 */
export function findSystemFolder(runtime: Runtime): string {
  const named = readWindowsVariable(runtime, 'SystemRoot');
  if (named === undefined) throw new Error('SystemRoot is not set');
  const folder = win32.normalize(named).replace(/\\+$/, '');
  if (!LOCAL_FOLDER.test(`${folder}\\`) || hasControlCharacter(folder)) {
    throw new Error('SystemRoot is not a folder on a local drive');
  }
  return folder;
}

/** Sets variables whose names mean the same in any case. */
export function setVariables(
  env: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const replaced = new Set(Object.keys(variables).map((name) => name.toLowerCase()));
  const kept = Object.entries(env).filter(([name]) => !replaced.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...variables };
}

export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function quoteBatchArgument(arg: string): string {
  if (NEEDS_NO_QUOTES.test(arg)) return arg;
  // A backslash at the end would hide the closing quote from the program that the batch file calls.
  if (UNSAFE_IN_BATCH.test(arg) || hasControlCharacter(arg) || arg.endsWith('\\')) {
    throw new Error('a batch file cannot be given one of its arguments safely');
  }
  return `"${arg}"`;
}

function readWindowsVariable({ env }: Runtime, name: string): string | undefined {
  const found = Object.keys(env).find((key) => key.toLowerCase() === name.toLowerCase());
  return (found === undefined ? undefined : env[found]) || undefined;
}
