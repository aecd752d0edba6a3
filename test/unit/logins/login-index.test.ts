/** The index of logins: read only when it is complete and owner-only, and never half written. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  findEntry,
  findIndexFile,
  type LoginEntry,
  type LoginIndex,
  listEntries,
  readIndex,
  writeIndex,
} from '../../../src/logins/login-index.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const file = () => folder.path('data', 'credentials.json');
const IN_FILE: LoginEntry = { server: 'docker.io', username: 'me', secret: 's"\\é' };
const IN_KEYCHAIN: LoginEntry = { server: 'myregistry.azurecr.io', username: 'admin', keychain: 'pass' };
const INDEX: LoginIndex = {
  entries: new Map<string, LoginEntry>([
    ['docker.io', IN_FILE],
    ['myregistry.azurecr.io', IN_KEYCHAIN],
  ]),
  hasWarned: true,
};

function write(text: string, mode = 0o600): void {
  mkdirSync(folder.path('data'), { recursive: true, mode: 0o700 });
  writeFileSync(file(), text, { mode });
  chmodSync(file(), mode);
}

describe('writeIndex', () => {
  test('writes an owner-only file, which readIndex returns unchanged', () => {
    writeIndex(file(), INDEX);
    expect(readIndex(file())).toEqual(INDEX);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(folder.path('data')).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder.path('data'))).toEqual(['credentials.json']);
  });

  test('accepts server names that mean something to JavaScript, and empty user names and secrets', () => {
    const odd = new Map<string, LoginEntry>(
      ['__proto__', 'constructor', 'toString'].map((server) => [server, { server, username: '', secret: '' }]),
    );
    writeIndex(file(), { entries: odd, hasWarned: false });
    expect(readIndex(file())).toEqual({ entries: odd, hasWarned: false });
  });

  test('refuses a folder that others can write in, and an index that is too large to be read again', () => {
    mkdirSync(folder.path('data'));
    chmodSync(folder.path('data'), 0o777);
    expect(() => writeIndex(file(), INDEX)).toThrow(/is not a folder that only you can write to/);
    chmodSync(folder.path('data'), 0o700);
    writeIndex(file(), INDEX);
    const large: LoginEntry = { server: 'x', username: 'x', secret: 'x'.repeat(4 * 1024 * 1024) };
    expect(() => writeIndex(file(), { entries: new Map([['x', large]]), hasWarned: false })).toThrow(/too large/);
    expect(readIndex(file())).toEqual(INDEX);
  });
});

describe('readIndex', () => {
  const entry = (value: unknown) => JSON.stringify({ version: 1, credentials: { 'docker.io': value } });
  const damaged: readonly string[] = [
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"version":1}',
    '{"version":1,"credentials":[]}',
    '{"version":"1","credentials":{}}',
    '{"version":2,"credentials":{}}',
    entry(null),
    entry([]),
    entry({ server: 'x', username: 'x' }),
    entry({ server: '', username: 'x', secret: 'x' }),
    entry({ username: 'x', secret: 'x' }),
    entry({ server: 'x', secret: 'x' }),
    entry({ server: 'x', username: 1, secret: 'x' }),
    entry({ server: 'x', username: 'x', secret: 1 }),
    entry({ server: 'x', username: 'x', keychain: '' }),
    entry({ server: 'x', username: 'x', keychain: '../../evil' }),
    entry({ server: 'x', username: 'x', keychain: 'pass -x' }),
  ];
  for (const text of damaged) {
    test(`reports ${JSON.stringify(text)} as damaged`, () => {
      write(text);
      expect(readIndex(file())).toBe('damaged');
    });
  }

  test('returns an empty index when there is no file, no folder or no entry', () => {
    const empty = { entries: new Map(), hasWarned: false };
    expect(readIndex(file())).toEqual(empty);
    writeFileSync(folder.path('plain'), '');
    expect(readIndex(folder.path('plain', 'credentials.json'))).toEqual(empty);
    write('{"version":1,"credentials":{}}');
    expect(readIndex(file())).toEqual(empty);
  });

  test('reports a file that others can access, a link, a pipe, a folder or a huge file as untrusted', () => {
    writeIndex(file(), INDEX);
    const text = readFileSync(file(), 'utf8');
    for (const mode of [0o644, 0o660, 0o604]) {
      write(text, mode);
      expect(readIndex(file())).toBe('untrusted');
    }
    mkdirSync(folder.path('other'), { mode: 0o700 });
    symlinkSync(file(), folder.path('other', 'credentials.json'));
    expect(readIndex(folder.path('other', 'credentials.json'))).toBe('untrusted');
    makeNamedPipe(folder.path('pipe'));
    expect(readIndex(folder.path('pipe'))).toBe('untrusted');
    expect(readIndex(folder.path())).toBe('untrusted');
    write(`${text}${' '.repeat(4 * 1024 * 1024)}`);
    expect(readIndex(file())).toBe('untrusted');
  });
});

describe('findEntry', () => {
  const runtime = () => makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data') });

  test('returns the entry of a server', async () => {
    writeIndex(file(), INDEX);
    expect(await findEntry(runtime(), 'docker.io')).toEqual(IN_FILE);
    expect(await findEntry(runtime(), 'myregistry.azurecr.io')).toEqual(IN_KEYCHAIN);
    expect(await findEntry(runtime(), '__proto__')).toBeUndefined();
    expect([...(await listEntries(runtime())).values()]).toEqual([IN_FILE, IN_KEYCHAIN]);
  });

  test('returns nothing when the index is missing, damaged or in a relative folder', async () => {
    expect(await findEntry(runtime(), 'docker.io')).toBeUndefined();
    write('{');
    expect(await findEntry(runtime(), 'docker.io')).toBeUndefined();
    const relative = makeRuntime({ DOCKER_CREDENTIAL_ACR_DATA_DIR: 'relative' });
    expect(await findIndexFile(relative)).toBeUndefined();
    expect(await findEntry(relative, 'docker.io')).toBeUndefined();
  });
});
