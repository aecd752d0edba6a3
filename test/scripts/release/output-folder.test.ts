/** A release replaces an earlier one, and nothing else. */

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { findOutputFolder, replaceRelease } from '../../../scripts/release/output-folder.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();
const ARCHIVE = 'docker-credential-acr-1.2.3-linux-x64.zip';
let output: string;

beforeEach(() => {
  output = folders.path('release');
});

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

const sumOf = (name: string) => `${'0'.repeat(64)}  ${name}\n`;
const RELEASE = { [ARCHIVE]: '', 'install.sh': '', SHA256SUMS: sumOf(ARCHIVE) + sumOf('install.sh') };

test('a folder that is missing, is empty or has a signed release is taken', async () => {
  expect(await findOutputFolder(output)).toBe(output);
  mkdirSync(output);
  expect(await findOutputFolder(output)).toBe(output);
  writeFiles(output, { ...RELEASE, 'SHA256SUMS.minisig': '', 'SHA256SUMS.sigstore.json': '' });
  expect(await findOutputFolder(output)).toBe(output);
});

test.each([
  ['no checksums', { 'letter.txt': '' }, 'is not empty and is not a release'],
  [
    'the checksums of something else',
    { SHA256SUMS: sumOf('debian.iso'), 'debian.iso': '' },
    'is not empty and is not a release',
  ],
  ['more than a release', { ...RELEASE, 'letter.txt': '' }, 'also has letter.txt, which is not of a release'],
])('a folder with %s is left alone', async (_what, files, message) => {
  writeFiles(output, files);
  await expect(findOutputFolder(output)).rejects.toThrow(`${output} ${message}`);
});

test('a file is no folder', async () => {
  writeFileSync(output, 'a letter');
  await expect(findOutputFolder(output)).rejects.toThrow('ENOTDIR');
});

test('a link stands for the folder to which it leads', async () => {
  writeFiles(folders.path('elsewhere'), RELEASE);
  symlinkSync('elsewhere', output);
  expect(await findOutputFolder(output)).toBe(folders.path('elsewhere'));
  writeFiles(folders.path('elsewhere'), { 'letter.txt': '' });
  await expect(findOutputFolder(output)).rejects.toThrow('also has letter.txt');
  symlinkSync('nowhere', folders.path('broken'));
  await expect(findOutputFolder(folders.path('broken'))).rejects.toThrow('ENOENT');
});

test('the new release takes the place of the earlier one', async () => {
  for (const version of ['1', '2']) {
    writeFiles(folders.path('made'), { SHA256SUMS: version });
    await replaceRelease(folders.path('made'), output, folders.path(`former${version}`));
    expect(readFileSync(join(output, 'SHA256SUMS'), 'utf8')).toBe(version);
  }
  expect(existsSync(folders.path('former1'))).toBe(false);
});

test('when the new release cannot be moved, the earlier one stays', async () => {
  writeFiles(output, RELEASE);
  await expect(replaceRelease(folders.path('missing'), output, folders.path('former'))).rejects.toThrow('ENOENT');
  expect(readdirSync(output).sort()).toEqual(Object.keys(RELEASE).sort());
});
