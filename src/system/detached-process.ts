/** Starts a program in the background that keeps running after this one has ended. */

import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Runtime } from './runtime.ts';
import { findSystemFolder } from './windows-launch.ts';

/** A client waits for this process, and a pipe takes more than most inputs at once. */
const INPUT_TIMEOUT_MS = 1_000;

/** What a background process gets from this one. */
export interface BackgroundInput {
  /** Variables in addition to the environment of this process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What it reads from standard input; nothing by default. The pipe is a secret's only way to it. */
  readonly input?: string;
}

/**
 * Starts a program in the environment of this one. Does not wait for it, except until its input is written.
 * @returns whether it was started.
 * @throws on Windows when `SystemRoot` is not a folder on a local drive.
 */
export async function startDetached(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  { variables, input }: BackgroundInput,
): Promise<boolean> {
  const child = spawn(file, args, {
    // Not the working directory: it would stay in use.
    cwd: runtime.platform === 'win32' ? findSystemFolder(runtime) : '/',
    env: { ...runtime.env, ...variables },
    // Not the name of the file: a kubelet's copy of this program would take the arguments for a kubelet's.
    argv0: runtime.programName,
    // In its own session, so that Ctrl-C or closing the terminal does not end it.
    detached: true,
    // Without our pipes: a client reads them until every process has closed them.
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'ignore'],
    windowsHide: true,
  });
  child.on('error', () => {}); // the missing process id reports it
  child.unref();
  if (child.pid === undefined) return false;
  if (input !== undefined) await writeInput(child.stdin, input);
  return true;
}

/** Resolves when the whole input is in the pipe, when nobody will read it, or when that takes too long. */
function writeInput(pipe: Writable | null, input: string): Promise<void> {
  return new Promise((resolve) => {
    if (pipe === null) return resolve();
    const timer = setTimeout(resolve, INPUT_TIMEOUT_MS);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    pipe.once('error', end).once('close', end);
    pipe.end(input, end);
  });
}
