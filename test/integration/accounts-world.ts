/** Accounts that people signed in with, and the commands that show them and sign them out, run in process. */

import { type Account, saveAccount } from '../../src/accounts/account.ts';
import { runCommandLine } from '../../src/commands/commands.ts';
import type { Runtime } from '../../src/system/runtime.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import { AZURE_CLI_CLIENT_ID, TENANT_ID } from '../emulator/emulator.ts';
import { issueRefreshToken } from '../emulator/entra-user.ts';
import { USER_NAME, USER_OBJECT_ID, type User } from '../emulator/state-sign-in.ts';
import { makeTerminal } from '../unit/streams.ts';
import type { World } from './world.ts';

export const ADA: User = { name: USER_NAME, displayName: 'Ada Lovelace', objectId: USER_OBJECT_ID };
export const BOB: User = {
  name: 'bob@contoso.onmicrosoft.com',
  displayName: 'Bob',
  objectId: 'b0b0b0b0-3434-4565-8787-909090909090',
};

/** How a sign-in differs from that of Ada in her own tenant. */
export interface SignedIn {
  readonly user?: User;
  readonly registries?: readonly string[];
  readonly clientId?: string;
  readonly authority?: string;
  readonly tenantId?: string;
  readonly claims?: string;
  /** Beyond the environment of the world. */
  readonly variables?: Record<string, string | undefined>;
}

export function accountOf({ user = ADA, ...signedIn }: SignedIn = {}): Account {
  const { registries = [], clientId = AZURE_CLI_CLIENT_ID, tenantId = TENANT_ID } = signedIn;
  return {
    id: `${user.objectId}.${TENANT_ID}`,
    username: user.name,
    tenantId,
    authority: signedIn.authority ?? 'https://login.microsoftonline.com',
    clientId,
    familyId: clientId === AZURE_CLI_CLIENT_ID ? '1' : undefined,
    registries,
  };
}

export function runtimeOf(world: World, variables: Record<string, string | undefined> = {}): Runtime {
  return {
    env: { ...world.variables, ...variables },
    platform: process.platform,
    programName: 'docker-credential-acr',
    now: () => Date.now() + world.aheadSeconds * 1000,
    secrets: new Set(),
    secretVariables: new Set(),
  };
}

/** Signs a person in, as the command `login` does after it has the tokens. @returns the refresh token and the warning. */
export async function signIn(
  world: World,
  signedIn: SignedIn = {},
): Promise<{ refreshToken: string; warning: string | undefined }> {
  const account = accountOf(signedIn);
  const of = {
    user: signedIn.user ?? ADA,
    tenantId: account.tenantId,
    clientId: account.clientId,
    claims: signedIn.claims,
  };
  const now = Math.floor(Date.now() / 1000) + world.aheadSeconds;
  const refreshToken = issueRefreshToken(world.emulator.state, of, now);
  const runtime = runtimeOf(world, signedIn.variables);
  return { refreshToken, warning: await saveAccount({ runtime, log: undefined }, account, refreshToken) };
}

/** Runs a command for people. */
export async function runCommand(
  world: World,
  args: readonly string[],
  changes: Partial<Terminal> = {},
  variables: Record<string, string | undefined> = {},
): Promise<{ exitCode: number | undefined; output: string; errors: string }> {
  const terminal = makeTerminal(changes);
  const exitCode = await runCommandLine(args, runtimeOf(world, variables), terminal);
  return { exitCode, ...terminal.written };
}
