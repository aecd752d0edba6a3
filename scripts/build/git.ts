/** Asks git about a checkout. */

import { runProgram } from './run.ts';

/** A hook of git sets these, and they name its own repository. */
const PLACE_VARIABLES = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR', 'GIT_OBJECT_DIRECTORY'];

/**
 * Runs git in a folder, whatever repository the environment names.
 * @returns what it wrote to stdout.
 * @throws when it is not installed, or fails.
 */
export function runGit(folder: string, ...args: readonly string[]): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !PLACE_VARIABLES.includes(name)));
  return runProgram('git', ['-C', folder, ...args], { env });
}
