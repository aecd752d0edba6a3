/** Which keychain program is asked, for which entry, and how its answers are read. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LogStep } from '../../../src/log.ts';
import {
  accountEntryName,
  eraseKeychain,
  findKeychain,
  keychainEntryName,
  listKeychains,
  readKeychain,
  replaceInKeychain,
  writeKeychain,
} from '../../../src/system/keychain.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

function install(name: string, script: string): string {
  const file = folder.path(name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

describe('listKeychains', () => {
  const rows: readonly (readonly [platform: NodeJS.Platform, names: readonly string[]])[] = [
    ['darwin', ['osxkeychain']],
    ['win32', ['wincred']],
    ['linux', ['secretservice', 'pass']],
    ['freebsd', ['secretservice', 'pass']],
  ];
  for (const [platform, names] of rows) {
    test(`returns ${names.join(' and ')} on ${platform}`, () => {
      expect(listKeychains(makeRuntime({}, { platform }))).toEqual(names);
    });
  }
});

describe('findKeychain', () => {
  test('looks only in the absolute folders of PATH', () => {
    const file = install('docker-credential-pass', '');
    expect(findKeychain(makeRuntime({ PATH: `relative:.::${folder.path()}` }), 'pass')).toEqual({ name: 'pass', file });
    expect(findKeychain(makeRuntime({ PATH: '.' }), 'pass')).toBeUndefined();
    expect(findKeychain(makeRuntime(), 'pass')).toBeUndefined();
  });

  test('skips a link to this program', () => {
    symlinkSync(process.execPath, folder.path('docker-credential-pass'));
    expect(findKeychain(makeRuntime({ PATH: folder.path() }), 'pass')).toBeUndefined();
  });

  test('skips the name that this program was called by', () => {
    install('docker-credential-pass', '');
    const runtime = makeRuntime({ PATH: folder.path() }, { programName: 'docker-credential-pass' });
    expect(findKeychain(runtime, 'pass')).toBeUndefined();
  });

  test('skips a folder and a file that is not executable', () => {
    mkdirSync(folder.path('docker-credential-pass'));
    writeFileSync(folder.path('docker-credential-wincred'), '');
    const runtime = makeRuntime({ PATH: folder.path() });
    expect(findKeychain(runtime, 'pass')).toBeUndefined();
    expect(findKeychain(runtime, 'wincred')).toBeUndefined();
  });
});

describe('an account', () => {
  test('has an entry that no server can have', () => {
    const entry = accountEntryName('login.microsoftonline.com id.tenant client/1');
    expect(entry).toBe('docker-credential-acr-account.invalid/login.microsoftonline.com%20id.tenant%20client%2F1');
    expect(keychainEntryName(entry)).not.toBe(entry);
  });

  test('gets a new secret with one call, and keeps the old one when that fails', async () => {
    const calls = folder.path('calls');
    const file = install('docker-credential-pass', `echo "$1" >>'${calls}'; cat >'${folder.path('entry')}'`);
    const keychain = { name: 'pass', file };
    await replaceInKeychain(makeRuntime(), keychain, 'the-entry', { username: 'ada', secret: 'new' }, undefined);
    expect(readFileSync(calls, 'utf8')).toBe('store\n');
    const written: unknown = JSON.parse(readFileSync(folder.path('entry'), 'utf8'));
    expect(written).toEqual({ ServerURL: 'the-entry', Username: 'ada', Secret: 'new' });
    install('docker-credential-pass', `echo "$1" >>'${calls}'; echo 'it is locked'; exit 1`);
    const login = { username: 'ada', secret: 'newer' };
    const replaced = replaceInKeychain(makeRuntime(), keychain, 'the-entry', login, undefined);
    await expect(replaced).rejects.toThrow('docker-credential-pass: it is locked');
    expect(readFileSync(calls, 'utf8')).toBe('store\nstore\n');
  });
});

describe('eraseKeychain', () => {
  test.each([
    ['exit 0', undefined],
    ["echo 'credentials not found in native keychain'; exit 1", undefined],
    ["echo 'Error: x is not in the password store.'; exit 1", undefined],
    ["echo 'it is locked'; exit 1", 'docker-credential-pass: it is locked'],
  ])('says after "%s" whether the entry may still be there', async (script, reason) => {
    const keychain = { name: 'pass', file: install('docker-credential-pass', script) };
    expect(await eraseKeychain(makeRuntime(), keychain, 'the-entry', undefined)).toBe(reason);
  });

  test('says so when the program cannot be started', async () => {
    const keychain = { name: 'pass', file: folder.path('none') };
    expect(await eraseKeychain(makeRuntime(), keychain, 'the-entry', undefined)).toMatch(/^docker-credential-pass: /);
  });
});

describe('keychainEntryName', () => {
  const rows: readonly (readonly [serverName: string, entry: string])[] = [
    ['myregistry.azurecr.io', 'docker-credential-acr.invalid/myregistry.azurecr.io'],
    ['10.0.0.5:5000', 'docker-credential-acr.invalid/10.0.0.5%3A5000'],
    ['https://index.docker.io/v1/', 'docker-credential-acr.invalid/https%3A%2F%2Findex.docker.io%2Fv1%2F'],
    ['../../x', 'docker-credential-acr.invalid/..%2F..%2Fx'],
    ['\uD800', 'docker-credential-acr.invalid/%EF%BF%BD'],
  ];
  for (const [serverName, entry] of rows) {
    test(`returns ${entry} for ${JSON.stringify(serverName)}`, () => {
      expect(keychainEntryName(serverName)).toBe(entry);
    });
  }
});

describe('readKeychain returns the login, nothing or the error of the keychain program', () => {
  const rows: readonly (readonly [script: string, expected: object | RegExp | undefined])[] = [
    [`echo '{"ServerURL":"x","Username":"me","Secret":"a secret"}'`, { username: 'me', secret: 'a secret' }],
    [`echo '{"Username":"","Secret":"a secret"}'`, { username: '', secret: 'a secret' }],
    [`echo '{"ServerURL":"x","Username":"","Secret":""}'`, undefined],
    ['echo credentials not found in native keychain; exit 1', undefined],
    ['echo "exit status 1: Error: x is not in the password store."; exit 1', undefined],
    ['echo nonsense', /did not return a credential/],
    ['true', /did not return a credential/],
    [`echo '{"Username":"me"}'`, /did not return a credential/],
    [`echo '{"username":"me","secret":"x"}'`, /did not return a credential/],
    [
      'echo The user name or passphrase is wrong; exit 1',
      /^docker-credential-pass: The user name or passphrase is wrong$/,
    ],
    ['echo on stderr >&2; exit 2', /^docker-credential-pass: on stderr$/],
    ['exit 1', /^docker-credential-pass: it failed without a message$/],
    ['printf "a\\033[2Jb\\nc"; exit 1', /^docker-credential-pass: a \[2Jb c$/],
    ['echo "cannot send a long"; echo "<b>secret"; exit 1', /^docker-credential-pass: cannot send \[redacted\]$/],
    ['kill -9 $$', /^docker-credential-pass: it failed without a message$/],
  ];
  for (const [script, expected] of rows) {
    test(script, async () => {
      const keychain = { name: 'pass', file: install('docker-credential-pass', script) };
      const runtime = makeRuntime({ PATH: '/usr/bin:/bin', AZURE_PASSWORD: 'a long secret' });
      const answer = readKeychain(runtime, keychain, 'x', undefined);
      if (expected instanceof RegExp) await expect(answer).rejects.toThrow(expected);
      else expect(await answer).toEqual(expected);
      if (expected !== undefined && !(expected instanceof RegExp)) expect(runtime.secrets).toContain('a secret');
    });
  }

  test('a file that does not exist', async () => {
    const gone = { name: 'pass', file: folder.path('gone') };
    await expect(readKeychain(makeRuntime(), gone, 'x', undefined)).rejects.toThrow(
      /^docker-credential-pass: it cannot be/,
    );
  });
});

test('readKeychain logs no secret that the program writes', async () => {
  const keychain = { name: 'pass', file: install('docker-credential-pass', 'echo "is it a%2520secret?"; exit 1') };
  const log: LogStep[] = [];
  const runtime = makeRuntime({ PATH: '/usr/bin:/bin', AZURE_PASSWORD: 'a secret' });
  await expect(readKeychain(runtime, keychain, 'x', (step) => log.push(step))).rejects.toThrow(/is it \[redacted\]\?$/);
  expect(log).toMatchObject([{ outcome: 'failed', reason: 'is it [redacted]?' }]);
});

test('writeKeychain passes the credential on the standard input only, as the protocol says', async () => {
  const file = install(
    'docker-credential-pass',
    `cd "$FOLDER"; echo "$*" >>args; if [ "$1" = store ]; then cat >stored; else cat stored; fi; env >env`,
  );
  const runtime = makeRuntime({ PATH: '/usr/bin:/bin', FOLDER: folder.path(), LEAKED: 'the "secret"' });
  runtime.secrets.add('the "secret"');
  await writeKeychain(runtime, { name: 'pass', file }, 'x', { username: 'me', secret: 'the "secret"' }, undefined);
  const read = (name: string) => readFileSync(join(folder.path(), name), 'utf8');
  expect(read('stored')).toBe('{"ServerURL":"x","Username":"me","Secret":"the \\"secret\\""}\n');
  expect(read('args')).toBe('store\nget\n');
  expect(read('env')).not.toContain('the "secret"');
});

test('writeKeychain reports the error of a program that ends without reading a long input', async () => {
  const keychain = { name: 'pass', file: install('docker-credential-pass', 'echo no room; exit 1') };
  const login = { username: 'me', secret: 'x'.repeat(1024 * 1024) };
  const kept = writeKeychain(makeRuntime({ PATH: '/usr/bin:/bin' }), keychain, 'x', login, undefined);
  await expect(kept).rejects.toThrow(/^docker-credential-pass: no room$/);
});
