/** A release replaces an earlier one, and nothing else. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeRelease } from '../../../scripts/release/make-release.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();

test('a folder that is not a release is left alone', async () => {
  const output = folders.path();
  writeFileSync(join(output, 'letter.txt'), '');
  const options = { root: join(import.meta.dirname, '../../..'), targets: [], isFast: true, report: () => {} };
  await expect(makeRelease({ ...options, output })).rejects.toThrow(`${output} is not empty and is not a release`);
  expect(existsSync(join(output, 'letter.txt'))).toBe(true);
});

test('a release needs a commit', async () => {
  const root = folders.path();
  writeFileSync(join(root, 'package.json'), '{ "version": "1.2.3" }');
  const options = { root, output: join(root, 'release'), targets: [], isFast: true, report: () => {} };
  await expect(makeRelease(options)).rejects.toThrow('A release is made from a commit, and git finds none here');
});
