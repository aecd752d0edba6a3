/** Both backends that keep logins, read directly instead of through the program under test. */
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { readTextFile } from '../../../scripts/parts/command.ts';
import { parseJsonRecord, parseRecord, parseString } from '../../emulator/json.ts';
import { startPass } from './keychain.ts';
import type { Machine } from './machine.ts';

export const LOGIN_BACKENDS = ['pass', 'the file'] as const;

export interface LoginBackend {
  /** The variables with which the program keeps logins there. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether it keeps logins in clear text. */
  readonly isClear: boolean;
  /** The user names that it keeps, by server. */
  readonly users: () => Promise<Readonly<Record<string, string | undefined>>>;
  /** Expects a secret in no file of the program, unless that file is the backend. */
  readonly expectHidden: (secret: string) => void;
}

const PREFIX = 'docker-credential-acr.invalid/';

/** Prepares a backend on a machine; skips the test when the backend is not available. */
export async function prepareLoginBackend(
  backend: (typeof LOGIN_BACKENDS)[number],
  machine: Machine,
  context: TestContext,
): Promise<LoginBackend> {
  const readIndex = () => {
    const folder = join(machine.folder, 'home', '.local', 'share', 'docker-credential-acr');
    return readTextFile(join(folder, 'credentials.json')) ?? '{}';
  };
  if (backend === 'pass') {
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
