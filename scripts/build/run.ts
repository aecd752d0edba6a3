/** Runs another program to its end and returns its output. */

import { execFile } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * @returns what the program wrote to stdout.
 * @throws when it cannot be started or does not exit with 0; the message contains the output of both streams.
 */
export function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { ...options, maxBuffer: 64 << 20, windowsHide: true }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = `${stdout}${stderr}`.trim();
      reject(new Error(`Cannot run ${file} ${args.join(' ')}: ${said || error.message}`, { cause: error }));
    });
  });
}

/** The environment without Node's own variables: the settings of the person's shell must not affect the build. */
export function environmentWithoutNodeSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toUpperCase().startsWith('NODE_')));
}
