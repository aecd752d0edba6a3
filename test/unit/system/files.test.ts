/** Files and folders that belong to one person. */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { createOwnFile, isOwnFile, readForeignFile, readOwnFile, replaceOwnFile } from '../../../src/system/files.ts';
import { catchAnything } from '../failure.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { needRoot } from '../other-user.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const LARGEST = 1000;
/** Only root can give a file away. */
const OTHER_USER = 65_534;

const umaskBefore = process.umask();
afterEach(() => {
  process.umask(umaskBefore);
});

const modeOf = (file: string) => statSync(file).mode & 0o777;

function writeOwn(name: string, text = 'text', mode = 0o600): string {
  const file = folder.path(name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

describe('readOwnFile', () => {
  const trusted: readonly (readonly [mode: number, isTrusted: boolean])[] = [
    [0o600, true],
    [0o400, true],
    [0o700, true],
    [0o640, false],
    [0o620, false],
    [0o610, false],
    [0o604, false],
    [0o602, false],
    [0o601, false],
    [0o644, false],
    [0o666, false],
    [0o777, false],
  ];
  for (const [mode, isTrusted] of trusted) {
    test(`${isTrusted ? 'reads' : 'rejects'} a file with mode ${mode.toString(8)}`, () => {
      expect(readOwnFile(writeOwn('file', 'text', mode), LARGEST)).toBe(isTrusted ? 'text' : undefined);
    });
  }

  test('rejects a file of another user', (context) => {
    needRoot(context);
    const file = writeOwn('file');
    chownSync(file, OTHER_USER, OTHER_USER);
    expect(readOwnFile(file, LARGEST)).toBeUndefined();
  });

  test('reads a file of another group that has no permissions', (context) => {
    needRoot(context);
    const file = writeOwn('file');
    chownSync(file, process.geteuid?.() ?? 0, OTHER_USER);
    expect(readOwnFile(file, LARGEST)).toBe('text');
  });

  const strange: readonly (readonly [name: string, plant: (file: string) => void])[] = [
    ['a missing file', () => undefined],
    ['a link to a trusted file', (file) => symlinkSync(writeOwn('target'), file)],
    ['a dangling link', (file) => symlinkSync('/there/is/nothing', file)],
    ['a link to itself', (file) => symlinkSync(file, file)],
    ['a folder', (file) => mkdirSync(file, 0o700)],
    ['a named pipe without a writer', makeNamedPipe],
  ];
  for (const [name, plant] of strange) {
    test(`returns nothing for ${name}`, () => {
      plant(folder.path('file'));
      expect(readOwnFile(folder.path('file'), LARGEST)).toBeUndefined();
    });
  }

  test('returns nothing for a device', () => {
    for (const device of ['/dev/null', '/dev/zero', '/dev/full']) expect(readOwnFile(device, LARGEST)).toBeUndefined();
  });

  test('reads a file up to the size limit, and rejects a larger one', () => {
    expect(readOwnFile(writeOwn('file', 'x'.repeat(LARGEST)), LARGEST)).toBe('x'.repeat(LARGEST));
    expect(readOwnFile(writeOwn('file', 'x'.repeat(LARGEST + 1)), LARGEST)).toBeUndefined();
    expect(readOwnFile(writeOwn('file', ''), LARGEST)).toBe('');
    expect(readOwnFile(writeOwn('file', 'é🐳'), LARGEST)).toBe('é🐳');
  });

  test('returns nothing for a path with a NUL character', () => {
    expect(readOwnFile(folder.path('fi\0le'), LARGEST)).toBeUndefined();
  });
});

describe('isOwnFile', () => {
  const isOwn = (file: string) => {
    const descriptor = openSync(file, 'r');
    try {
      return isOwnFile(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };

  test('accepts only a regular file that nobody else may access', () => {
    expect(isOwn(writeOwn('file'))).toBe(true);
    expect(isOwn(writeOwn('open', '', 0o606))).toBe(false);
    expect(isOwn(folder.path('.'))).toBe(false);
    expect(isOwn('/dev/null')).toBe(false);
  });
});

describe('writing a file', () => {
  for (const umask of [0, 0o22, 0o77, 0o777]) {
    test(`makes it owner-only with umask ${umask.toString(8)}`, () => {
      const file = folder.path('file');
      process.umask(umask);
      replaceOwnFile(file, 'one');
      expect(modeOf(file)).toBe(0o600);
      replaceOwnFile(file, 'two');
      expect(modeOf(file)).toBe(0o600);
      createOwnFile(folder.path('other'), 'three');
      expect(modeOf(folder.path('other'))).toBe(0o600);
      expect(readOwnFile(file, LARGEST)).toBe('two');
    });
  }

  test('replaces a file that others could access with one that they cannot', () => {
    const file = writeOwn('file', 'old', 0o666);
    replaceOwnFile(file, 'new');
    expect(modeOf(file)).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  test('replaces a link but not its target', () => {
    const target = writeOwn('target', 'precious', 0o644);
    symlinkSync(target, folder.path('file'));
    replaceOwnFile(folder.path('file'), 'new');
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(modeOf(target)).toBe(0o644);
    expect(readOwnFile(folder.path('file'), LARGEST)).toBe('new');
  });

  test('leaves another hard link to the old file unchanged', () => {
    const other = writeOwn('other', 'precious');
    linkSync(other, folder.path('file'));
    replaceOwnFile(folder.path('file'), 'new');
    expect(readFileSync(other, 'utf8')).toBe('precious');
  });

  test('leaves no temporary file behind, whether it succeeds or fails', () => {
    replaceOwnFile(folder.path('file'), 'text');
    mkdirSync(folder.path('folder'));
    writeFileSync(folder.path('folder', 'inside'), '');
    expect(() => replaceOwnFile(folder.path('folder'), 'text')).toThrow();
    expect(readdirSync(folder.path('.')).sort()).toEqual(['file', 'folder']);
    expect(() => replaceOwnFile(folder.path('none', 'file'), 'text')).toThrow(/ENOENT/);
  });

  test('keeps the old text for a reader who has the old file open', () => {
    const file = writeOwn('file', 'old');
    const descriptor = openSync(file, 'r');
    replaceOwnFile(file, 'new text');
    expect(readFileSync(descriptor, 'utf8')).toBe('old');
    closeSync(descriptor);
  });

  test('fails with EEXIST when createOwnFile meets a file, a link, a folder or a named pipe', async () => {
    const strange: readonly (readonly [name: string, plant: (file: string) => void])[] = [
      ['file', (file) => writeFileSync(file, 'precious')],
      ['link', (file) => symlinkSync(folder.path('nowhere'), file)],
      ['folder', (file) => mkdirSync(file)],
      ['pipe', makeNamedPipe],
    ];
    for (const [name, plant] of strange) {
      plant(folder.path(name));
      expect(await catchAnything(() => createOwnFile(folder.path(name), 'new'))).toMatchObject({ code: 'EEXIST' });
    }
    expect(readFileSync(folder.path('file'), 'utf8')).toBe('precious');
    expect(existsSync(folder.path('nowhere'))).toBe(false);
  });
});

describe('readForeignFile', () => {
  test('reads through a link and with any mode, without the byte-order mark', () => {
    const target = writeOwn('target', '\uFEFFtext\uFEFF', 0o666);
    symlinkSync(target, folder.path('link'));
    expect(readForeignFile(folder.path('link'), LARGEST)).toBe('text\uFEFF');
  });

  test('returns nothing for a missing file, a dangling link or a path below a file', () => {
    symlinkSync(folder.path('nowhere'), folder.path('dangling'));
    for (const file of [folder.path('none'), folder.path('dangling'), `${writeOwn('file')}/below`]) {
      expect(readForeignFile(file, LARGEST)).toBeUndefined();
    }
  });

  test('reads a file, but follows no link to one, when links are refused', () => {
    const target = writeOwn('target', 'text');
    symlinkSync(target, folder.path('link'));
    symlinkSync(folder.path('nowhere'), folder.path('dangling'));
    symlinkSync(folder.path(), folder.path('folder'));
    expect(readForeignFile(target, LARGEST, { isLinkRefused: true })).toBe('text');
    expect(readForeignFile(folder.path('folder', 'target'), LARGEST, { isLinkRefused: true })).toBe('text');
    expect(readForeignFile(folder.path('none'), LARGEST, { isLinkRefused: true })).toBeUndefined();
    for (const name of ['link', 'dangling', 'folder']) {
      expect(() => readForeignFile(folder.path(name), LARGEST, { isLinkRefused: true })).toThrow('it is a link');
    }
  });

  test('throws for a named pipe, a folder, a device, a link to itself or an oversized file', () => {
    makeNamedPipe(folder.path('pipe'));
    symlinkSync(folder.path('loop'), folder.path('loop'));
    expect(() => readForeignFile(folder.path('pipe'), LARGEST)).toThrow('it is not a regular file');
    expect(() => readForeignFile(folder.path('.'), LARGEST)).toThrow('it is not a regular file');
    expect(() => readForeignFile('/dev/zero', LARGEST)).toThrow('it is not a regular file');
    expect(() => readForeignFile(folder.path('loop'), LARGEST)).toThrow(/ELOOP/);
    expect(() => readForeignFile(writeOwn('large', 'x'.repeat(LARGEST + 1)), LARGEST)).toThrow(
      'larger than 1000 bytes',
    );
    expect(readForeignFile(writeOwn('full', 'x'.repeat(LARGEST)), LARGEST)).toHaveLength(LARGEST);
  });
});
