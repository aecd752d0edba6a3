/**
 * Runs another program without trusting the working directory, giving it a secret, or waiting for it for ever.
 *
 * @see https://www.npmjs.com/package/@azure/core-process
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import hostPath from 'node:path';
import { describeCause } from '../errors.ts';
import { listSecrets, SECRET_VARIABLES } from '../redact.ts';
import { type Runtime, readVariable } from './runtime.ts';
import {
  findSystemFolder,
  hasControlCharacter,
  type Launch,
  prepareWindowsLaunch,
  setVariables,
} from './windows-launch.ts';

export interface ChildResult {
  /** `undefined` when it was killed, by us or by a signal. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** How long the output of an ended program may still come: what it left running may keep the pipes open for ever. */
const LAST_WORDS_MS = 500;

/**
 * Finds a program in the absolute folders of PATH, never in the working directory.
 * @returns its path, or `undefined`.
 */
export function findExecutable(runtime: Runtime, name: string): string | undefined {
  return listExecutableFiles(runtime, name).find(isExecutable);
}

/**
 * Where a program may be, in the order in which it is looked for.
 * @param path how the machine's system writes paths.
 */
export function listExecutableFiles(runtime: Runtime, name: string, path: typeof hostPath.posix = hostPath): string[] {
  const isWindows = runtime.platform === 'win32';
  const folders = (readVariable(runtime, 'PATH') ?? '')
    .split(path.delimiter)
    .map((folder) => (isWindows ? folder.trim().replace(/^"(.*)"$/, '$1') : folder))
    // `\folder` is absolute for Node, and on the drive of the working directory for Windows.
    .filter((folder) => path.isAbsolute(folder) && !(path.sep === '\\' && /^[\\/](?![\\/])/.test(folder)))
    .filter((folder) => !hasControlCharacter(folder));
  // On Windows a real executable anywhere on PATH is safer to start than a batch file.
  const endings = isWindows ? ['.exe', '.com', '.cmd', '.bat'] : [''];
  const files = endings.flatMap((ending) => folders.map((folder) => path.join(folder, `${name}${ending}`)));
  return [...new Set(files)];
}

export interface ChildOptions {
  readonly file: string;
  /** There is no shell that could read them; what a batch file could take for a command is refused. */
  readonly args: readonly string[];
  readonly timeoutMs: number;
  /** Set in its environment. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What it reads; left out, it has no input at all. */
  readonly input?: string;
}

/**
 * Runs a program to its end, or to the end of our patience: then it is killed with all that it started.
 * @throws when it cannot be started.
 */
export async function runChild(runtime: Runtime, options: ChildOptions): Promise<ChildResult> {
  const { file, args, timeoutMs, variables = {}, input } = options;
  const launch = prepareLaunch(runtime, file, args, variables);
  const child = spawn(launch.file, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    shell: false,
    windowsHide: true,
    windowsVerbatimArguments: launch.isVerbatim,
    detached: runtime.platform !== 'win32', // a group of its own, so that the whole of it can be ended
  });
  // A program that ends without reading breaks the pipe: what matters is how it ended.
  child.stdin?.on('error', () => undefined).end(input);
  return await collect(runtime, child, timeoutMs);
}

/** @throws when it must not be started. */
function prepareLaunch(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Launch {
  if (hasControlCharacter(file)) throw new Error('its path has characters that it must not have');
  const env = withoutSecrets(runtime);
  if (runtime.platform === 'win32') return prepareWindowsLaunch(runtime, file, args, setVariables(env, variables));
  // Whoever owns the program's folder owns the program, which cannot be said of the working directory.
  return { file, args, cwd: hostPath.dirname(file), env: { ...env, ...variables }, isVerbatim: false };
}

function collect(runtime: Runtime, child: ChildProcess, timeoutMs: number): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    let timedOut = false;
    let lastWords: NodeJS.Timeout | undefined;
    const settle = (exitCode: number | null) => {
      clearTimeout(timer);
      clearTimeout(lastWords);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ exitCode: exitCode ?? undefined, ...output, timedOut });
    };
    const timer = setTimeout(() => {
      timedOut = true;
      killTree(runtime, child);
      settle(null); // a grandchild may keep the pipes open: there is no waiting for it
    }, timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length + text.length <= MAX_OUTPUT_BYTES) output[name] += text;
      });
    }
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new Error(`it cannot be started (${describeCause(cause)})`));
    });
    child.on('exit', (exitCode) => {
      lastWords = setTimeout(() => settle(exitCode), LAST_WORDS_MS);
    });
    child.on('close', settle);
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

function withoutSecrets(runtime: Runtime): Record<string, string> {
  const secrets = [...listSecrets(runtime), ...runtime.secrets];
  return Object.fromEntries(
    Object.entries(runtime.env).flatMap(([name, value]) =>
      value === undefined || SECRET_VARIABLES.includes(name) || secrets.includes(value) ? [] : [[name, value]],
    ),
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
