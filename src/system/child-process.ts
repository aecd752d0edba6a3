/**
 * Runs another program with a time limit. The program does not come from the working directory, and gets no secret in
 * its environment.
 *
 * @see https://www.npmjs.com/package/@azure/core-process
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import hostPath from 'node:path';
import { describeCause } from '../errors.ts';
import { withoutSecrets } from './child-environment.ts';
import { guardGroup } from './child-guard.ts';
import { type Runtime, readVariable } from './runtime.ts';
import {
  findSystemFolder,
  hasControlCharacter,
  type Launch,
  prepareWindowsLaunch,
  setVariables,
} from './windows-launch.ts';

/** How a program ended, and what it wrote. */
export interface ChildResult {
  /** `undefined` when the program was killed, by us or by a signal. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Whether it wrote more than is kept: what is missing was discarded. Left out otherwise. */
  readonly isOutputCut?: true;
  /** Whether a process that it left running still holds its output. Left out otherwise. */
  readonly isOutputHeld?: true;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;
/**
 * How long to read on after the program has exited: a process that it left running may keep the pipes open for ever.
 */
const LAST_WORDS_MS = 500;

/**
 * Finds a program in the absolute folders of PATH, never in the working directory.
 * @returns its path; `undefined` when there is no such program.
 */
export function findExecutable(runtime: Runtime, name: string): string | undefined {
  return listExecutableFiles(runtime, name).find(isExecutable);
}

/**
 * Lists the paths at which a program may be, in the order of the search.
 * @param path the path rules of the machine's system.
 */
export function listExecutableFiles(runtime: Runtime, name: string, path: typeof hostPath.posix = hostPath): string[] {
  const isWindows = runtime.platform === 'win32';
  const folders = (readVariable(runtime, 'PATH') ?? '')
    .split(path.delimiter)
    .map((folder) => (isWindows ? folder.trim().replace(/^"(.*)"$/, '$1') : folder))
    // Node calls `\folder` absolute, but Windows looks for it on the drive of the working directory.
    .filter((folder) => path.isAbsolute(folder) && !(path.sep === '\\' && /^[\\/](?![\\/])/.test(folder)))
    .filter((folder) => !hasControlCharacter(folder));
  // On Windows a real executable anywhere on PATH is safer to start than a batch file.
  const endings = isWindows ? ['.exe', '.com', '.cmd', '.bat'] : [''];
  const files = endings.flatMap((ending) => folders.map((folder) => path.join(folder, `${name}${ending}`)));
  return [...new Set(files)];
}

/** Which program to run, and how. */
export interface ChildOptions {
  readonly file: string;
  /** No shell reads them. An argument that a batch file could run as a command is refused. */
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** Additional environment variables of the program. */
  readonly variables?: Readonly<Record<string, string>>;
  /** The program's standard input; without it the program has none. */
  readonly input?: string;
  /** The program's whole environment, as it is. Without it the program gets this one's, without secrets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How long to read on after the program has exited; half a second by default. */
  readonly lastWordsMs?: number;
}

/**
 * Runs a program until it ends. At the timeout, when the run is called off, and when this process ends first, kills it
 * together with the processes that it started. On Windows, only the program itself ends with this process: what it has
 * started lives on.
 * @throws an error without a code when the program cannot be started.
 */
export async function runChild(runtime: Runtime, options: ChildOptions): Promise<ChildResult> {
  const { file, args, timeoutMs, variables = {}, input, environment, lastWordsMs = LAST_WORDS_MS } = options;
  const launch = prepareLaunch(runtime, file, args, variables);
  const child = spawn(launch.file, launch.args, {
    cwd: launch.cwd,
    env: environment ?? launch.env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    shell: false,
    windowsHide: true,
    windowsVerbatimArguments: launch.isVerbatim,
    detached: runtime.platform !== 'win32', // in its own process group, which can be killed as a whole
  });
  const releaseGuard = runtime.platform === 'win32' || child.pid === undefined ? undefined : guardGroup(child.pid);
  child.once('exit', () => void releaseGuard?.());
  try {
    // A program that ends without reading its input breaks the pipe. Only its exit code counts.
    child.stdin?.on('error', () => undefined).end(input);
    return await collect(runtime, child, { timeoutMs, lastWordsMs });
  } finally {
    await releaseGuard?.();
  }
}

/**
 * Prepares the start of a program, with an environment without secrets.
 * @throws an error without a code when it would not be safe to start the program.
 */
export function prepareLaunch(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Launch {
  if (hasControlCharacter(file)) throw new Error('its path contains a control character');
  const env = withoutSecrets(runtime);
  if (runtime.platform === 'win32') return prepareWindowsLaunch(runtime, file, args, setVariables(env, variables));
  // The program's own folder is as trustworthy as the program. The working directory may not be.
  return { file, args, cwd: hostPath.dirname(file), env: { ...env, ...variables }, isVerbatim: false };
}

function collect(
  runtime: Runtime,
  child: ChildProcess,
  { timeoutMs, lastWordsMs }: { readonly timeoutMs: number; readonly lastWordsMs: number },
): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    let timedOut = false;
    let cut: Pick<ChildResult, 'isOutputCut'> = {};
    let lastWords: NodeJS.Timeout | undefined;
    const settle = (exitCode: number | null, held: Pick<ChildResult, 'isOutputHeld'> = {}) => {
      runtime.signal?.removeEventListener('abort', end);
      clearTimeout(timer);
      clearTimeout(lastWords);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ exitCode: exitCode ?? undefined, ...output, timedOut, ...cut, ...held });
    };
    const end = () => {
      timedOut = true;
      killTree(runtime, child);
      settle(null); // do not wait for `close`: a grandchild may keep the pipes open
    };
    const timer = setTimeout(end, timeoutMs);
    if (runtime.signal?.aborted === true) end();
    else runtime.signal?.addEventListener('abort', end);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length + text.length <= MAX_OUTPUT_BYTES) output[name] += text;
        else cut = { isOutputCut: true };
      });
    }
    child.on('error', (cause) => {
      runtime.signal?.removeEventListener('abort', end);
      clearTimeout(timer);
      reject(new Error(`it cannot be started (${describeCause(cause)})`));
    });
    child.on('exit', (exitCode) => {
      lastWords = setTimeout(() => settle(exitCode, { isOutputHeld: true }), lastWordsMs);
    });
    child.on('close', (exitCode) => settle(exitCode));
  });
}

function killTree(runtime: Runtime, child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (runtime.platform === 'win32') {
      const killer = hostPath.join(findSystemFolder(runtime), 'System32', 'taskkill.exe');
      spawn(killer, ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore', windowsHide: true }).on('error', () => {
        child.kill();
      });
    } else {
      process.kill(-child.pid, 'SIGKILL');
    }
  } catch {
    child.kill('SIGKILL');
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
