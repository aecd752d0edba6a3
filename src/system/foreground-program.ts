/** Runs a program that takes over the terminal for a while, such as an editor. */

import { spawn } from 'node:child_process';
import { describeCause } from '../errors.ts';
import { prepareLaunch } from './child-process.ts';
import type { Runtime } from './runtime.ts';

/** Which program to run. */
export interface ForegroundOptions {
  readonly file: string;
  /** No shell reads them. */
  readonly args: readonly string[];
  /** Its working directory. */
  readonly folder: string;
}

/**
 * Runs a program with the terminal of this process and without its secrets, until it ends. Ctrl-C is for the program
 * alone.
 * @returns its exit code; `undefined` when a signal ended it.
 * @throws an error without a code when the program cannot be started.
 */
export async function runInForeground(
  runtime: Runtime,
  { file, args, folder }: ForegroundOptions,
): Promise<number | undefined> {
  const launch = prepareLaunch(runtime, file, args, {});
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(launch.file, launch.args, {
        cwd: folder,
        env: launch.env,
        stdio: 'inherit',
        shell: false,
        windowsVerbatimArguments: launch.isVerbatim,
      });
      child.once('error', (cause) => reject(new Error(`it cannot be started (${describeCause(cause)})`)));
      child.once('exit', (exitCode) => resolve(exitCode ?? undefined));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
