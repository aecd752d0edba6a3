/** The system's certificates, as they are read for a Node that cannot. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readCertificateFiles, readSystemCertificates } from '../../../src/network/system-certificates.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

function write(name: string, text = `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`): string {
  writeFileSync(folder.path(name), text);
  return folder.path(name);
}

const read = (env: Readonly<Record<string, string>>, files: readonly string[] = []) =>
  readCertificateFiles(makeRuntime(env), files).map((text) => text.split('\n')[1]);

test('takes the first of the system’s files that has certificates', () => {
  const files = [folder.path('missing'), write('empty', ''), write('one'), write('two')];
  expect(read({}, files)).toEqual(['one']);
  expect(read({}, [])).toEqual([]);
});

test('takes what the variables of OpenSSL name instead', () => {
  mkdirSync(folder.path('certs', 'below'), { recursive: true });
  write('certs/b');
  write('certs/note', 'no certificate');
  const env = {
    SSL_CERT_FILE: write('named'),
    SSL_CERT_DIR: `relative:${folder.path('certs')}:${folder.path('none')}`,
  };
  expect(read(env, [write('system')])).toEqual(['named', 'certs/b']);
  expect(read({ SSL_CERT_FILE: folder.path('missing') }, [write('system')])).toEqual([]);
});

test('reads the files of variables that the process itself does not have', () => {
  const [text] = readSystemCertificates(makeRuntime({ SSL_CERT_FILE: write('named') }));
  expect(text).toContain('\nnamed\n');
});

test('asks Node where it can answer', () => {
  expect(readSystemCertificates(makeRuntime()).length).toBeGreaterThan(1);
});
