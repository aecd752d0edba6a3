/** Starts a program in the background that keeps running after this one has ended. */

import { spawn } from 'node:child_process';
import type { Runtime } from './runtime.ts';
import { findSystemFolder } from './windows-launch.ts';

/**
 * Starts a program in the environment of this one, with additional variables. Does not wait for it.
 * @returns whether it was started.
 * @throws on Windows when `SystemRoot` is not a folder on a local drive.
 */
export function startDetached(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): boolean {
  const child = spawn(file, args, {
    // Not the working directory: it would stay in use.
    cwd: runtime.platform === 'win32' ? findSystemFolder(runtime) : '/',
    env: { ...runtime.env, ...variables },
    // In its own session, so that Ctrl-C or closing the terminal does not end it.
    detached: true,
    // Without our pipes: a client reads them until every process has closed them.
    stdio: 'ignore',
    windowsHide: true,
  });
  child.on('error', () => {}); // the missing process id reports it
  child.unref();
  return child.pid !== undefined;
}
