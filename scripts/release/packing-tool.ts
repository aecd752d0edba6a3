/** The programs of the system that pack a release. */

import { runProgram } from '../build/run.ts';
import { findProgram } from '../parts/command.ts';

export interface Tool {
  readonly name: string;
  /** The Debian package that has it. */
  readonly debianPackage: string;
}

/** An environment in which no setting of the person changes what the tools write: neither options nor a time zone. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Runs a tool to its end.
 * @param environment is added to one without the person's settings.
 * @returns what it wrote to stdout.
 * @throws when it is not installed, saying what to install, or when it fails.
 */
export async function runTool(
  { name, debianPackage }: Tool,
  args: readonly string[],
  {
    folder,
    environment = {},
  }: { readonly folder?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const program = findProgram(name);
  if (program === undefined)
    throw new Error(`Cannot run ${name}: install it, on Debian with the package ${debianPackage}`);
  const env = { ...ENVIRONMENT, ...environment };
  return await runProgram(program, args, folder === undefined ? { env } : { env, cwd: folder });
}
