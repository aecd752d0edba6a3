/**
 * Real Linux keychains that stop with their throw-away machine: a password store with its own key, and a keyring on a
 * bus.
 */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { LOGIN_SERVER } from './cloud.ts';
import type { Machine } from './machine.ts';
import { needParts, partOf } from './parts.ts';
import { waitForServer } from './process.ts';

export interface RealKeychain {
  /** The variables with which programs find it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Asks the keychain's own program instead of the program under test. */
  readonly ask: (verb: 'get' | 'list', input?: string) => Promise<string>;
}

/** The entry of the login server of the tests. */
export const ENTRY = `docker-credential-acr.invalid/${LOGIN_SERVER}`;

/** Puts only this helper on the machine's PATH. */
export function environmentWith(machine: Machine, helper: string): Readonly<Record<string, string>> {
  const folder = join(machine.folder, `${helper}-bin`);
  mkdirSync(folder);
  symlinkSync(partOf(helper), join(folder, helper));
  return { PATH: `${folder}:${machine.environment['PATH'] ?? ''}` };
}

/** `pass`, with a key without passphrase. */
export async function startPass(machine: Machine, context: TestContext): Promise<RealKeychain> {
  const helper = 'docker-credential-pass';
  needParts(context, helper, 'pass', 'gpg', 'gpgconf');
  const environment = {
    ...environmentWith(machine, helper),
    GNUPGHOME: join(machine.folder, 'gnupg'),
    PASSWORD_STORE_DIR: join(machine.folder, 'passwords'),
  };
  mkdirSync(environment.GNUPGHOME, { mode: 0o700 });
  const run = async (program: string, ...args: readonly string[]) => {
    const result = await machine.run(partOf(program), args, { environment });
    if (result.exitCode !== 0) throw new Error(`Cannot set up pass: ${program}: ${result.stderr}`);
  };
  machine.beforeClose(() => run('gpgconf', '--kill', 'all'));
  const owner = 'owner@example.com';
  await run('gpg', '--batch', '--passphrase', '', '--quick-generate-key', owner, 'future-default', 'default', 'never');
  await run('pass', 'init', owner);
  return { environment, ask: (verb, input) => ask(machine, helper, environment, verb, input) };
}

/** GNOME's keyring on its own bus, unlocked as a login would unlock it. */
export async function startSecretService(machine: Machine, context: TestContext): Promise<RealKeychain> {
  const helper = 'docker-credential-secretservice';
  needParts(context, helper, 'dbus-run-session', 'gnome-keyring-daemon');
  const script = [
    'printf keyring-password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1',
    'echo "bus=$DBUS_SESSION_BUS_ADDRESS process=$$"',
    'exec sleep 600',
  ].join('; ');
  const server = machine.start(partOf('dbus-run-session'), ['--', 'sh', '-c', script]);
  // The line may be anywhere in the output, since the bus writes to it too, in pieces of a line.
  const readSession = () => /bus=(?<bus>\S+) process=(?<process>\d+)\n/.exec(server.output())?.groups;
  await waitForServer(server, async () => readSession() !== undefined);
  const { bus = '', process: processId = '' } = readSession() ?? {};
  const environment = { ...environmentWith(machine, helper), DBUS_SESSION_BUS_ADDRESS: bus };
  machine.beforeClose(async () => {
    // The session ends with its program; killing the session itself would leave the bus behind.
    process.kill(Number(processId));
    for (let round = 0; round < 100 && !server.hasEnded(); round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  return { environment, ask: (verb, input) => ask(machine, helper, environment, verb, input) };
}

async function ask(
  machine: Machine,
  helper: string,
  environment: Readonly<Record<string, string>>,
  verb: string,
  input = 'unused',
): Promise<string> {
  return (await machine.run(partOf(helper), [verb], { environment, input, printsSecret: true })).stdout;
}
