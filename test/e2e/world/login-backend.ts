/** Both places in which typed logins are kept, looked into past the program under test. */
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { readTextFile } from '../../../scripts/test-parts/command.ts';
import { parseJsonRecord, parseRecord, parseString } from '../../emulator/json.ts';
import { startPass } from './keychain.ts';
import type { Machine } from './machine.ts';

export const LOGIN_PLACES = ['pass', 'the file'] as const;

export interface LoginPlace {
  /** What programs need in their environment for logins to be kept there. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether a login there is readable for whoever reads the machine's disk. */
  readonly isClear: boolean;
  /** User names by server, as they are kept. */
  readonly users: () => Promise<Readonly<Record<string, string | undefined>>>;
  /** Expects that a secret is in no file of the program's own, unless this is what the place is. */
  readonly expectHidden: (secret: string) => void;
}

const PREFIX = 'docker-credential-acr.invalid/';

/** Prepares a place on a machine; the test ends as skipped where the place cannot be had. */
export async function prepareLoginPlace(
  place: (typeof LOGIN_PLACES)[number],
  machine: Machine,
  context: TestContext,
): Promise<LoginPlace> {
  const readIndex = () => {
    const folder = join(machine.folder, 'home', '.local', 'share', 'docker-credential-acr');
    return readTextFile(join(folder, 'credentials.json')) ?? '{}';
  };
  if (place === 'pass') {
    const { environment, ask } = await startPass(machine, context);
    return {
      environment,
      isClear: false,
      users: async () => {
        const entries = Object.entries(parseJsonRecord(await ask('list')) ?? {});
        return Object.fromEntries(entries.map(([entry, user]) => [nameServer(entry), parseString(user)]));
      },
      expectHidden: (secret) => expect(readIndex()).not.toContain(secret),
    };
  }
  return {
    environment: {},
    isClear: true,
    users: async () => {
      const entries = Object.entries(parseRecord(parseJsonRecord(readIndex())?.['credentials']) ?? {});
      return Object.fromEntries(
        entries.map(([server, entry]) => [server, parseString(parseRecord(entry)?.['username'])]),
      );
    },
    expectHidden: () => undefined,
  };
}

function nameServer(entry: string): string {
  return entry.startsWith(PREFIX) ? decodeURIComponent(entry.slice(PREFIX.length)) : entry;
}
