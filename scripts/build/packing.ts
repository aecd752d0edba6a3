/** What every packer puts together into an executable, in the words of Node's configuration of single executables. */

import { environmentWithoutNodeSettings, runProgram } from './run.ts';
import type { Target } from './target.ts';

/** A program, and the Node that it is put into. */
export interface Packing {
  readonly target: Target;
  /** The folder of the program's files. No name of another folder gets into the executable. */
  readonly folder: string;
  /** The main program, a file in that folder. */
  readonly main: string;
  /** Other files in that folder, each by its name in the executable. */
  readonly assets: Readonly<Record<string, string>>;
  /** Whether V8's code cache of the main program is made. It is valid only for the processor that makes it. */
  readonly hasCodeCache: boolean;
  /** The Node that becomes the executable. */
  readonly nodePath: string;
  /** A Node of the same version that runs here: the layout of the program's blob depends on the version. */
  readonly generatorPath: string;
  /** The file to make. */
  readonly output: string;
}

/** @see https://nodejs.org/api/single-executable-applications.html */
export interface ProgramConfig {
  /** A path below the folder of the program, which is the working folder of Node when it reads this. */
  readonly main: string;
  readonly assets: Readonly<Record<string, string>>;
  readonly disableExperimentalSEAWarning: boolean;
  readonly useSnapshot: boolean;
  readonly useCodeCache: boolean;
  /** Node's own options in the executable. */
  readonly execArgv: readonly string[];
  readonly execArgvExtension: 'none';
}

/** Without it, V8 orders what it writes into a code cache by a number that it draws at its start. */
const FIXED_SEED = '--random-seed=1';

/** Describes a program to Node. */
export function describeProgram({ target, main, assets, hasCodeCache }: Packing): ProgramConfig {
  return {
    main,
    assets,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: hasCodeCache,
    execArgv: nodeOptions(target.os === 'win' ? 'NUL' : '/dev/null'),
    // NODE_OPTIONS must not load foreign code into a program that holds credentials.
    execArgvExtension: 'none',
  };
}

/**
 * Node's own options in the executable.
 * @param nothing the file that is always empty.
 */
function nodeOptions(nothing: string): readonly string[] {
  return [
    // A warning of Node on stderr would look like ours.
    '--no-warnings',
    // With NODE_USE_ENV_PROXY, Node reads the proxy's URL before the program runs, and prints an invalid one with its
    // password.
    '--no-use-env-proxy',
    // Otherwise this signal opens a debugger, to which every user of the machine can connect.
    '--disable-sigusr1',
    // Otherwise OPENSSL_CONF, or the machine's own file, makes OpenSSL load native code before the program runs.
    `--openssl-config=${nothing}`,
    // Otherwise NODE_ICU_DATA names the data, by a path that may be relative. Node has its own.
    `--icu-data-dir=${nothing}`,
  ];
}

/**
 * Runs Node so that it makes the same bytes each time.
 * @returns what it wrote to stdout.
 * @throws when it fails; the message contains what it wrote.
 */
export function runNodeRepeatably(node: string, args: readonly string[], cwd: string): Promise<string> {
  return runProgram(node, [FIXED_SEED, ...args], { cwd, env: environmentWithoutNodeSettings() });
}
