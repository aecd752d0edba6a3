/** Two releases of one commit must not differ. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareReleases } from '../../../scripts/release/compare.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();

function makeFolder(name: string, files: Readonly<Record<string, string>>): string {
  const folder = folders.path(name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

test('the same files with the same bytes do not differ', async () => {
  const files = { a: '1', b: '' };
  expect(await compareReleases(makeFolder('one', files), makeFolder('other', files))).toEqual([]);
});

test('a missing file, a changed byte and a longer file are named', async () => {
  const one = makeFolder('one', { only: '', changed: 'abc', longer: 'ab' });
  const other = makeFolder('other', { changed: 'abd', longer: 'abc', more: '' });
  expect(await compareReleases(one, other)).toEqual([
    `only: only in ${one}`,
    `more: only in ${other}`,
    'changed: differs from byte 2 on (3 and 3 bytes)',
    'longer: differs from byte 2 on (2 and 3 bytes)',
  ]);
});

test('a signature may differ or be missing', async () => {
  const one = makeFolder('one', { a: '1', 'SHA256SUMS.minisig': '1', 'SHA256SUMS.sigstore.json': '1' });
  expect(await compareReleases(one, makeFolder('other', { a: '1', 'SHA256SUMS.sigstore.json': '2' }))).toEqual([]);
});
