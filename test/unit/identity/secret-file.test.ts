/** Files with secrets: what is read, and what the error says about the others. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readSecretFile } from '../../../src/identity/secret-file.ts';
import { catchFailure } from '../failure.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const theFile = () => folder.path('secret');
const read = () => readSecretFile(theFile(), 'client secret');

describe('readSecretFile returns the text of a file', () => {
  test.each(['the-secret', 'the-secret\n', ' the secret \r\n', 'é'])('with %j, unchanged', (text) => {
    writeFileSync(theFile(), text);
    expect(read()).toBe(text);
  });

  test('without its byte-order mark', () => {
    writeFileSync(theFile(), '\uFEFFthe-secret');
    expect(read()).toBe('the-secret');
  });

  test('that others can read or that is a link, as a mounted secret is', () => {
    writeFileSync(folder.path('target'), 'the-secret');
    chmodSync(folder.path('target'), 0o644);
    symlinkSync(folder.path('target'), theFile());
    expect(read()).toBe('the-secret');
  });

  test('of 256 KiB', () => {
    writeFileSync(theFile(), 'x'.repeat(256 * 1024));
    expect(read()).toHaveLength(256 * 1024);
  });
});

describe('readSecretFile rejects', () => {
  const rows: readonly (readonly [name: string, plant: (file: string) => void, message: (file: string) => string])[] = [
    [
      'a file that is missing',
      () => undefined,
      (file) => `there is no file ${file}, which should hold the client secret`,
    ],
    ['an empty file', (file) => writeFileSync(file, ''), (file) => `there is no client secret in ${file}`],
    ['a blank file', (file) => writeFileSync(file, ' \n\t\r\n'), (file) => `there is no client secret in ${file}`],
    [
      'a file of more than 256 KiB',
      (file) => writeFileSync(file, 'hidden'.repeat(50_000)),
      (file) => `the client secret in ${file} cannot be read (it is larger than 262144 bytes)`,
    ],
    [
      'a folder',
      (file) => mkdirSync(file),
      (file) => `the client secret in ${file} cannot be read (it is not a regular file)`,
    ],
    ['a named pipe', makeNamedPipe, (file) => `the client secret in ${file} cannot be read (it is not a regular file)`],
  ];
  for (const [name, plant, message] of rows) {
    test(`${name}, and the error names the file and what it should hold`, async () => {
      plant(theFile());
      const failure = await catchFailure(read);
      expect(failure.code).toBe('IDENTITY_INVALID');
      expect(failure.message).toBe(message(theFile()));
      expect(failure.hint).toBe(`ls -l ${theFile()}`);
      expect(failure.message).not.toContain('hidden');
    });
  }
});
