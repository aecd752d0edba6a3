/** The checksums that people verify with `sha256sum --check`. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sumFile, writeChecksums } from '../../../scripts/build/checksums.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();

test('files are listed by name in the format of sha256sum, which accepts them', async () => {
  const folder = folders.path();
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'z'), 'z');
  writeFileSync(join(folder, 'a', 'b'), 'abc');
  const sums = new Map<string, string>();
  for (const file of ['z', 'a/b']) sums.set(file, (await sumFile(join(folder, file))).sum);
  await writeChecksums(folder, sums);
  const text = readFileSync(join(folder, 'SHA256SUMS'), 'utf8');
  expect(text.split('\n')).toEqual([
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a/b',
    expect.stringMatching(/^[0-9a-f]{64} {2}z$/),
    '',
  ]);
  if (process.platform === 'linux') {
    expect(execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' })).toBe('');
  }
});

test('the size of a file comes with its sum', async () => {
  const path = join(folders.path(), 'file');
  writeFileSync(path, 'abc');
  expect(await sumFile(path)).toMatchObject({ sizeBytes: 3 });
});
