/**
 * Ends a program when this process ends before it, whether by Ctrl-C, a signal that cannot be caught, or a crash.
 *
 * The program has a process group of its own, so that it can be killed as a whole. No signal for this process reaches it
 * there, so a second process watches over it: its input is a pipe, which the system closes when this process ends.
 */

import { type ChildProcess, spawn } from 'node:child_process';

const SHELL = '/bin/sh';
/** Waits for the end of its input, then kills the group. */
const SCRIPT = 'read -r _; kill -s KILL -- "-$1"';

/** Ends the guard without harm to the group. Resolves when it has ended. */
export type ReleaseGuard = () => Promise<void>;

/**
 * Starts to guard a process group. It must be released as soon as the group's first process has ended, since its number
 * may then be given to another group. On POSIX only; without a shell there is no guard.
 */
export function guardGroup(groupId: number): ReleaseGuard {
  let guard: ChildProcess;
  try {
    guard = spawn(SHELL, ['-c', SCRIPT, 'sh', String(groupId)], {
      cwd: '/',
      env: {},
      // Not our output: a client reads it until every process has closed it.
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // in its own session, so that Ctrl-C does not end it first
    });
  } catch {
    return async () => {};
  }
  const ended = new Promise<void>((resolve) => {
    guard.once('exit', () => resolve()).on('error', () => resolve());
  });
  guard.stdin?.on('error', () => undefined);
  return () => {
    guard.kill('SIGKILL');
    return ended;
  };
}
