/** Starts a program that goes on when this one has ended, and that nobody waits for. */

import { spawn } from 'node:child_process';
import type { Runtime } from './runtime.ts';
import { findSystemFolder } from './windows-launch.ts';

/**
 * Starts a program in the machine's environment with some variables more.
 * @returns whether it was started.
 */
export function startDetached(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): boolean {
  const child = spawn(file, args, {
    // Not the working directory, which would stay in use.
    cwd: runtime.platform === 'win32' ? findSystemFolder(runtime) : '/',
    env: { ...runtime.env, ...variables },
    // A session of its own, so that Ctrl-C and the end of the terminal are not for it.
    detached: true,
    // None of our pipes: a client reads them until the last holder has closed them.
    stdio: 'ignore',
    windowsHide: true,
  });
  child.on('error', () => {}); // told by the missing process id
  child.unref();
  return child.pid !== undefined;
}
