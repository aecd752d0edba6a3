/** Signs with a program that only writes down how it was called: no password may be where others can read it. */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TARGETS } from '../../../scripts/build/target.ts';
import { signWindowsExecutable, signWindowsExecutables } from '../../../scripts/release/windows-signature.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const PASSWORD = 'correct horse battery staple';
const folders = useTemporaryFolder();

/** Writes the arguments, the environment and the password's file to the folder, and the signed file. */
const SIGNER = `#!/bin/sh
printf '%s\\n' "$@" >"$OUT/arguments"
env >"$OUT/environment"
while [ $# -gt 0 ]; do
  case $1 in
    -readpass) cat "$2" >"$OUT/password" ;;
    -in) in=$2 ;;
    -out) out=$2 ;;
  esac
  shift
done
[ -z "$FAIL" ] || { echo "Cannot read the certificate" >&2; exit 1; }
{ cat "$in"; echo signed; } >"$out"
`;

/** The environment of a signer that is first on PATH. */
function makeSigner(): NodeJS.ProcessEnv {
  mkdirSync(folders.path('bin'), { recursive: true });
  writeFileSync(folders.path('bin/osslsigncode'), SIGNER);
  chmodSync(folders.path('bin/osslsigncode'), 0o755);
  mkdirSync(folders.path('files'));
  writeFileSync(folders.path('files/program.exe'), 'program ');
  return {
    PATH: `${folders.path('bin')}:${process.env['PATH']}`,
    OUT: folders.path(),
    AUTHENTICODE_CERTIFICATE: 'cert.p12',
  };
}

const sign = (env: NodeJS.ProcessEnv) => {
  return signWindowsExecutable(folders.path('files/program.exe'), { env, epochSeconds: 1_700_000_000 });
};
const readText = (name: string) => readFileSync(folders.path(name), 'utf8');

it.skipIf(process.platform === 'win32')('a certificate signs, and its password is read from a file', async () => {
  writeFileSync(folders.path('secret'), PASSWORD);
  expect(await sign({ ...makeSigner(), AUTHENTICODE_PASSWORD_FILE: folders.path('secret') })).toBeUndefined();
  expect(readText('files/program.exe')).toBe('program signed\n');
  expect(readText('password')).toBe(PASSWORD);
  expect(readText('arguments')).not.toContain(PASSWORD);
  expect(readText('environment')).not.toContain(PASSWORD);
  expect(readText('arguments')).toContain('-st\n1700000000\n');
  expect(readText('arguments')).not.toContain('-ts\n');
  expect(readdirSync(folders.path('files'))).toEqual(['program.exe']);
});

it('a password in a variable, which every other program would see, is refused', async () => {
  const error: unknown = await sign({ ...makeSigner(), AUTHENTICODE_PASSWORD: PASSWORD }).catch(
    (reason: unknown) => reason,
  );
  expect(String(error)).toContain('put the password into a file and name it in AUTHENTICODE_PASSWORD_FILE');
  expect(String(error)).not.toContain(PASSWORD);
});

it.skipIf(process.platform === 'win32')('a file with the password and a time-stamp server are passed on', async () => {
  writeFileSync(folders.path('secret'), PASSWORD);
  const options = {
    AUTHENTICODE_PASSWORD_FILE: folders.path('secret'),
    AUTHENTICODE_TIMESTAMP_URL: 'http://ts.example',
  };
  expect(await sign({ ...makeSigner(), ...options })).toBeUndefined();
  expect(readText('arguments')).toContain(`-readpass\n${folders.path('secret')}\n`);
  expect(readText('arguments')).toContain('-ts\nhttp://ts.example\n');
  expect(readText('secret')).toBe(PASSWORD);
});

it.skipIf(process.platform === 'win32')('a failure leaves nothing behind and does not tell the password', async () => {
  writeFileSync(folders.path('secret'), PASSWORD);
  const env = { ...makeSigner(), FAIL: '1', AUTHENTICODE_PASSWORD_FILE: folders.path('secret') };
  const error: unknown = await sign(env).catch((reason: unknown) => reason);
  expect(String(error)).toContain('Cannot read the certificate');
  expect(String(error)).not.toContain(PASSWORD);
  expect(readText('files/program.exe')).toBe('program ');
  expect(readdirSync(folders.path('files'))).toEqual(['program.exe']);
});

it('a machine without osslsigncode is told to install it', async () => {
  const env = { ...makeSigner(), PATH: folders.path('files') };
  await expect(sign(env)).rejects.toThrow('install osslsigncode');
});

it('without a certificate, a release tells what it did not sign', async () => {
  makeSigner();
  const path = folders.path('files/program.exe');
  const executables = TARGETS.map((target) => ({
    target,
    path,
    nodeVersion: '26.10.0',
    licencesPath: path,
    codeFiles: [],
  }));
  expect(await signWindowsExecutables(executables, { env: {}, epochSeconds: 0 })).toEqual([
    'windows-x64: not signed: no certificate',
    'windows-arm64: not signed: no certificate',
  ]);
  expect(existsSync(folders.path('arguments'))).toBe(false);
});
