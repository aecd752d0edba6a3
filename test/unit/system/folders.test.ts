/** Folders that belong to one person. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { listNames, listTemporaryFiles, makeOwnFolder, syncFolder } from '../../../src/system/folders.ts';
import { needRoot } from '../other-user.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
/** Only root can give a folder away. */
const OTHER_USER = 65_534;

const umaskBefore = process.umask();
afterEach(() => {
  process.umask(umaskBefore);
});

const modeOf = (file: string) => statSync(file).mode & 0o777;

describe('makeOwnFolder', () => {
  for (const umask of [0, 0o22, 0o77, 0o777]) {
    test(`makes the folder and its missing parents owner-only with umask ${umask.toString(8)}`, () => {
      const parts = [folder.path('a'), folder.path('a', 'b'), folder.path('a', 'b', 'c')];
      process.umask(umask);
      expect(makeOwnFolder(folder.path('a', 'b', 'c'))).toBe(true);
      for (const part of parts) expect(modeOf(part)).toBe(0o700);
      writeFileSync(folder.path('a', 'b', 'c', 'file'), '');
    });
  }

  test('leaves the umask alone, which other threads see, unless it takes permissions from the owner', () => {
    const umask = vi.spyOn(process, 'umask');
    try {
      expect(makeOwnFolder(folder.path('a', 'b'))).toBe(true);
      expect(umask).not.toHaveBeenCalled();
    } finally {
      umask.mockRestore();
    }
  });

  const existing: readonly (readonly [mode: number, isTrusted: boolean])[] = [
    [0o700, true],
    [0o755, true],
    [0o750, true],
    [0o775, false],
    [0o777, false],
    [0o722, false],
    [0o702, false],
    [0o1777, false],
  ];
  for (const [mode, isTrusted] of existing) {
    test(`${isTrusted ? 'accepts' : 'rejects'} an existing folder with mode ${mode.toString(8)}, unchanged`, () => {
      mkdirSync(folder.path('there'));
      chmodSync(folder.path('there'), mode);
      expect(makeOwnFolder(folder.path('there'))).toBe(isTrusted);
      expect(statSync(folder.path('there')).mode & 0o7777).toBe(mode);
    });
  }

  test('rejects a folder of another user', (context) => {
    needRoot(context);
    mkdirSync(folder.path('theirs'), 0o700);
    chownSync(folder.path('theirs'), OTHER_USER, OTHER_USER);
    expect(makeOwnFolder(folder.path('theirs'))).toBe(false);
  });

  test('rejects a link, and leaves it as it is', () => {
    mkdirSync(folder.path('target'), 0o700);
    symlinkSync(folder.path('target'), folder.path('link'));
    symlinkSync(folder.path('nowhere'), folder.path('dangling'));
    expect(makeOwnFolder(folder.path('link'))).toBe(false);
    expect(makeOwnFolder(folder.path('dangling'))).toBe(false);
    expect(readlinkSync(folder.path('link'))).toBe(folder.path('target'));
    expect(existsSync(folder.path('nowhere'))).toBe(false);
  });

  test('rejects a path below a dangling link at once, and does not make its target', () => {
    symlinkSync(folder.path('nowhere'), folder.path('dangling'));
    expect(makeOwnFolder(folder.path('dangling', 'below', 'it'))).toBe(false);
    expect(existsSync(folder.path('nowhere'))).toBe(false);
  });

  test('leaves the umask as it was, whether it succeeds or fails', () => {
    folder.path();
    process.umask(0o027);
    makeOwnFolder(folder.path('a', 'b'));
    makeOwnFolder('/dev/null/x');
    expect(process.umask()).toBe(0o027);
  });

  test('rejects a file, a path below a file, and an invalid path', () => {
    writeFileSync(folder.path('file'), '');
    expect(makeOwnFolder(folder.path('file'))).toBe(false);
    expect(makeOwnFolder(folder.path('file', 'below', 'it'))).toBe(false);
    expect(makeOwnFolder('/dev/null/x')).toBe(false);
    expect(makeOwnFolder(folder.path('a\0b'))).toBe(false);
    expect(makeOwnFolder('')).toBe(false);
  });
});

describe('listTemporaryFiles', () => {
  test('lists what replaceOwnFile may leave behind, with the process that wrote it, and nothing else', () => {
    for (const name of [
      '.12-abc9.tmp',
      '.7-x.tmp',
      '12-abc.tmp',
      '.x-abc.tmp',
      '.12-abc.tmp.json',
      '.12-.tmp',
      'a.json',
    ]) {
      writeFileSync(folder.path(name), '');
    }
    expect(listTemporaryFiles(folder.path())).toEqual([
      { file: folder.path('.12-abc9.tmp'), processId: 12 },
      { file: folder.path('.7-x.tmp'), processId: 7 },
    ]);
  });
});

test('a missing folder has no names, and cannot be synchronized, but does not throw', () => {
  expect(listNames(folder.path('none'))).toEqual([]);
  expect(listTemporaryFiles(folder.path('none'))).toEqual([]);
  expect(() => syncFolder(folder.path('none'))).not.toThrow();
  expect(() => syncFolder(folder.path())).not.toThrow();
});
