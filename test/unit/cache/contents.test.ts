/** What is in the cache, by the rules by which it is read. */
import { chmodSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CacheKey, writeCache } from '../../../src/cache/cache.ts';
import { readContents } from '../../../src/cache/contents.ts';
import { writeMarker } from '../../../src/cache/markers.ts';
import { cacheIn } from '../cache-in.ts';
import { NOW_SECONDS } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const KEY: CacheKey = { service: 'one11.azurecr.io', identity: 'a', kind: 'refresh-token' };
const TOKEN = { token: 'x', expiresAtSeconds: NOW_SECONDS + 60, savedAtSeconds: NOW_SECONDS };
const theCache = () => cacheIn(folder.path());

/** A token whose file is changed. */
function writeToken(change: (file: string) => void = () => undefined, token = TOKEN): void {
  writeCache(theCache(), KEY, token);
  const [name = ''] = readdirSync(theCache().folder);
  change(join(theCache().folder, name));
}

test('lists a token with its key, its times and its size', () => {
  writeToken();
  const { tokens, ignoredFiles } = readContents(theCache(), NOW_SECONDS);
  expect(tokens).toEqual([
    { ...KEY, cached: TOKEN, name: expect.stringMatching(/^one11\.azurecr\.io_[0-9a-f]{14}\.json$/), sizeBytes: 139 },
  ]);
  expect(ignoredFiles).toBe(0);
});

test('lists a token that has expired', () => {
  writeToken(undefined, { ...TOKEN, expiresAtSeconds: NOW_SECONDS - 1 });
  expect(readContents(theCache(), NOW_SECONDS).tokens).toHaveLength(1);
});

const changes: readonly (readonly [what: string, change: (file: string) => void])[] = [
  ['that others can open', (file) => chmodSync(file, 0o644)],
  ['that is damaged', (file) => writeFileSync(file, '{"service":')],
  ['that is empty', (file) => writeFileSync(file, '')],
  ['under the name of another', (file) => renameSync(file, join(file, '..', 'two22.azurecr.io_0123456789abcd.json'))],
  [
    'that is a link',
    (file) => {
      renameSync(file, `${file}.real`);
      symlinkSync(`${file}.real`, file);
    },
  ],
];
for (const [what, change] of changes) {
  test(`ignores and counts a file ${what}`, () => {
    writeToken(change);
    expect(readContents(theCache(), NOW_SECONDS)).toMatchObject({ tokens: [], ignoredFiles: 1 });
  });
}

test('ignores a token from the future', () => {
  writeToken(undefined, { ...TOKEN, savedAtSeconds: NOW_SECONDS + 301 });
  expect(readContents(theCache(), NOW_SECONDS)).toMatchObject({ tokens: [], ignoredFiles: 1 });
});

test('counts the other files', () => {
  const cache = theCache();
  writeToken();
  mkdirSync(cache.lockFolder, { mode: 0o700 });
  writeMarker(cache, 'imds', 'none', NOW_SECONDS, 3600);
  for (const name of ['one.1', 'two.22', 'one.failed', 'note']) writeFileSync(join(cache.lockFolder, name), '');
  for (const name of ['.1-abc.tmp', 'README', 'x.json']) writeFileSync(join(cache.folder, name), '');
  expect(readContents(cache, NOW_SECONDS)).toMatchObject({ ignoredFiles: 0, temporaryFiles: 1, locks: 2, notes: 1 });
});

test('is empty where there is no cache', () => {
  const empty = { tokens: [], ignoredFiles: 0, temporaryFiles: 0, locks: 0, failures: 0, notes: 0 };
  expect(readContents(theCache(), NOW_SECONDS)).toEqual(empty);
  expect(readContents(cacheIn('/dev/null'), NOW_SECONDS)).toEqual(empty);
});
