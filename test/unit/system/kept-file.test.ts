/** Replacing a file of the person: whole, and with its mode, its owner and its links. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect, test } from 'vitest';
import { replaceKeptFile } from '../../../src/system/kept-file.ts';
import { needRoot } from '../other-user.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

function write(name: string, mode = 0o600): string {
  writeFileSync(folder.path(name), 'old');
  chmodSync(folder.path(name), mode);
  return folder.path(name);
}

test.each([0o600, 0o644, 0o400, 0o755])('keeps the mode %o', (mode) => {
  const file = write('a.json', mode);
  replaceKeptFile(file, 'new');
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(statSync(file).mode & 0o7777).toBe(mode);
  expect(readdirSync(folder.path())).toEqual(['a.json']);
});

test('replaces the file behind a link, also in another folder, and keeps the link', () => {
  mkdirSync(folder.path('real'));
  const real = write('real/a.json');
  symlinkSync(real, folder.path('link.json'));
  symlinkSync('link.json', folder.path('second.json'));
  replaceKeptFile(folder.path('second.json'), 'new');
  expect(readFileSync(real, 'utf8')).toBe('new');
  expect(lstatSync(folder.path('second.json')).isSymbolicLink()).toBe(true);
  expect(lstatSync(folder.path('link.json')).isSymbolicLink()).toBe(true);
  expect(readdirSync(folder.path()).sort()).toEqual(['link.json', 'real', 'second.json']);
});

test('keeps the owner when root replaces it', (context) => {
  needRoot(context);
  const file = write('a.json');
  chownSync(file, 65_534, 65_534);
  replaceKeptFile(file, 'new');
  expect(statSync(file)).toMatchObject({ uid: 65_534, gid: 65_534 });
});

test('fails for a missing file, and leaves nothing behind', () => {
  mkdirSync(folder.path('sub'));
  expect(() => replaceKeptFile(folder.path('sub', 'a.json'), 'new')).toThrow(/ENOENT/);
  expect(readdirSync(folder.path('sub'))).toEqual([]);
});

test('fails where a folder stands in its place, and leaves nothing behind', () => {
  mkdirSync(folder.path('a.json'));
  expect(() => replaceKeptFile(folder.path('a.json'), 'new')).toThrow();
  expect(readdirSync(folder.path())).toEqual(['a.json']);
});
