/** Runs the commands for people in process, against an emulated Azure. */

import { expect } from 'vitest';
import { run } from '../../src/cli.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import { makeStreams, makeTerminal } from '../unit/streams.ts';
import { CLIENT_SECRET_VARIABLES, type World } from './world.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** How a command ended, and what it wrote. */
export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** The machine of a world, signed in with the client secret unless the variables say otherwise. */
export function makeWorldRuntime(world: World, variables: Variables = {}): Runtime {
  return {
    env: { ...world.variables, ...CLIENT_SECRET_VARIABLES, ...variables },
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: () => Date.now() + world.aheadSeconds * 1000,
    secrets: new Set(),
    secretVariables: new Set(),
  };
}

/** Takes the identity of the client secret away. */
export const NOBODY: Variables = {
  AZURE_TENANT_ID: undefined,
  AZURE_CLIENT_ID: undefined,
  AZURE_CLIENT_SECRET: undefined,
};

/** Runs a command line. What it writes to standard error may never hold a secret. */
export async function runCommand(
  world: World,
  args: readonly string[],
  { variables = {}, terminal = {} }: { readonly variables?: Variables; readonly terminal?: Partial<Terminal> } = {},
): Promise<CommandResult> {
  const screen = makeTerminal(terminal);
  const outcome = await run(args, makeStreams('', screen), makeWorldRuntime(world, variables));
  const result = {
    exitCode: outcome.exitCode,
    output: outcome.stdout + screen.written.output,
    errors: outcome.stderr + screen.written.errors,
  };
  for (const secret of world.emulator.secrets) expect(result.errors.includes(secret), 'a secret').toBe(false);
  return result;
}
