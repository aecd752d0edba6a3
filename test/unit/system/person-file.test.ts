import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  assertReplaceable,
  FileChangedError,
  readPersonFile,
  removePersonFile,
  replacePersonFile,
} from '../../../src/system/person-file.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { needRoot } from '../other-user.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const OTHER_USER = 12_345;

function write(name: string, text: string | Uint8Array, mode = 0o600): string {
  const file = folder.path(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

function link(name: string, target: string): string {
  const file = folder.path(name);
  mkdirSync(dirname(file), { recursive: true });
  symlinkSync(target, file);
  return file;
}

const replace = (file: string, text: string) => replacePersonFile(readPersonFile(file), text);
const modeOf = (file: string) => statSync(file).mode & 0o7777;

describe('a replaced file', () => {
  test.each([0o600, 0o640, 0o644, 0o666, 0o400])('keeps the mode %o', (mode) => {
    const file = write('config.json', '{}', mode);
    replace(file, '{"a":1}');
    expect(readFileSync(file, 'utf8')).toBe('{"a":1}');
    expect(modeOf(file)).toBe(mode);
    expect(readdirSync(folder.path())).toEqual(['config.json']);
  });

  test('keeps a byte-order mark and every character', () => {
    const text = '\uFEFF{"\u{1F600}":"\u0000\u2028\uFFFD"}\r\n';
    const file = write('config.json', text);
    expect(readPersonFile(file).text).toBe(text);
    replace(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('keeps its owner when root replaces it in a folder of root', (context) => {
    needRoot(context);
    const file = write('config.json', '{}', 0o640);
    chownSync(file, OTHER_USER, OTHER_USER + 1);
    replace(file, '{"a":1}');
    expect(statSync(file)).toMatchObject({ uid: OTHER_USER, gid: OTHER_USER + 1 });
    expect(modeOf(file)).toBe(0o640);
  });

  test('belongs to the owner of its folder when root creates it, and so do new folders', (context) => {
    needRoot(context);
    mkdirSync(folder.path('home'));
    chownSync(folder.path('home'), OTHER_USER, OTHER_USER);
    chmodSync(folder.path(), 0o755);
    replace(folder.path('home', '.docker', 'config.json'), '{}');
    expect(statSync(folder.path('home', '.docker'))).toMatchObject({ uid: OTHER_USER });
    expect(statSync(folder.path('home', '.docker', 'config.json'))).toMatchObject({ uid: OTHER_USER });
    expect(process.geteuid?.()).toBe(0);
  });

  test('belongs to the owner of its folder too when a link of root leads there', (context) => {
    needRoot(context);
    mkdirSync(folder.path('home'));
    chownSync(folder.path('home'), OTHER_USER, OTHER_USER);
    chmodSync(folder.path(), 0o755);
    link('root/docker', folder.path('home'));
    replace(folder.path('root/docker/config.json'), '{}');
    expect(statSync(folder.path('home', 'config.json'))).toMatchObject({ uid: OTHER_USER });
  });

  test('and its folders are for the owner only when they are new', () => {
    const file = folder.path('a', 'b', 'config.json');
    const before = process.umask(0);
    try {
      replace(file, '{}');
    } finally {
      process.umask(before);
    }
    expect([modeOf(file), modeOf(folder.path('a')), modeOf(folder.path('a', 'b'))]).toEqual([0o600, 0o700, 0o700]);
  });

  test('takes the temporary files of killed processes away, and leaves those of others', () => {
    const file = write('config.json', '{}');
    write('.config.json.docker-credential-acr.999999999-0.tmp', 'secret');
    const old = write(`.config.json.docker-credential-acr.${process.ppid}-0.tmp`, 'secret');
    utimesSync(old, 1, 1);
    write(`.config.json.docker-credential-acr.${process.ppid}-1.tmp`, 'in use');
    write('.other.json.docker-credential-acr.999999999-0.tmp', 'not ours');
    replace(file, '{"a":1}');
    expect(readdirSync(folder.path()).toSorted()).toEqual([
      `.config.json.docker-credential-acr.${process.ppid}-1.tmp`,
      '.other.json.docker-credential-acr.999999999-0.tmp',
      'config.json',
    ]);
  });
});

describe('a link', () => {
  test.each([
    ['relative', 'real/config.json'],
    ['upwards', '../docker/real/config.json'],
    ['to another link', 'chain'],
  ])('that is %s stays, and its target is replaced', (_name, target) => {
    write('docker/real/config.json', '{}', 0o644);
    link('docker/chain', './real/config.json');
    const file = link('docker/config.json', target);
    replace(file, '{"a":1}');
    expect(readlinkSync(file)).toBe(target);
    expect(readFileSync(folder.path('docker/real/config.json'), 'utf8')).toBe('{"a":1}');
    expect(modeOf(folder.path('docker/real/config.json'))).toBe(0o644);
  });

  test('in a linked folder is relative to where the folder is', () => {
    write('dotfiles/docker.json', '{}');
    mkdirSync(folder.path('dotfiles', 'docker'));
    link('dotfiles/docker/config.json', '../docker.json');
    link('home/.docker', folder.path('dotfiles/docker'));
    replace(folder.path('home/.docker/config.json'), '{"a":1}');
    expect(readFileSync(folder.path('dotfiles/docker.json'), 'utf8')).toBe('{"a":1}');
  });

  test.each([
    ['a file', 'home/.docker/config.json', 'later/here/config.json', '../../later/here/config.json'],
    ['a folder', 'home/.docker', 'later/config.json', '../later'],
  ])('to %s that does not exist yet creates it', (_name, name, target, to) => {
    link(name, to);
    const config = readPersonFile(folder.path('home/.docker/config.json'));
    expect(config).toMatchObject({ text: undefined, target: folder.path(target) });
    replacePersonFile(config, '{}');
    expect(lstatSync(folder.path(name)).isSymbolicLink()).toBe(true);
    expect(readFileSync(folder.path(target), 'utf8')).toBe('{}');
    removePersonFile(readPersonFile(folder.path('home/.docker/config.json')), config.missingFolders);
    expect(existsSync(folder.path('later'))).toBe(false);
    expect(lstatSync(folder.path(name)).isSymbolicLink()).toBe(true);
  });

  test.each([
    ['itself', 'config.json'],
    ['a circle', 'other'],
  ])('to %s is refused', (_name, target) => {
    const file = link('config.json', target);
    link('other', 'config.json');
    expect(() => readPersonFile(file)).toThrow(/circle/);
  });

  test('of another user does not lead root out of what that user may do', (context) => {
    needRoot(context);
    chmodSync(folder.path(), 0o755);
    const secret = write('root/secret.json', '{"root":1}');
    const home = folder.path('home');
    mkdirSync(home);
    const file = link('home/config.json', secret);
    const gone = link('home/new.json', folder.path('root/new.json'));
    chownSync(home, OTHER_USER, OTHER_USER);
    expect(() => readPersonFile(file)).toThrow(/EACCES/);
    expect(() => replace(gone, '{}')).toThrow(/EACCES|EPERM/);
    expect(readFileSync(secret, 'utf8')).toBe('{"root":1}');
    expect(readdirSync(folder.path('root'))).toEqual(['secret.json']);
    expect(process.geteuid?.()).toBe(0);
  });

  test('of another user in a folder that everybody can write to is refused', (context) => {
    needRoot(context);
    chmodSync(folder.path(), 0o755);
    const real = write('mine/real.json', '{}', 0o666);
    chmodSync(folder.path('mine'), 0o777);
    mkdirSync(folder.path('shared'));
    chmodSync(folder.path('shared'), 0o777);
    const file = link('shared/config.json', real);
    asUser(OTHER_USER + 1, () => symlinkSync(real, folder.path('shared', 'planted.json')));
    asUser(OTHER_USER, () => {
      expect(readPersonFile(file).text).toBe('{}'); // root's link
      expect(() => readPersonFile(folder.path('shared', 'planted.json'))).toThrow(/a link of another user/);
    });
  });
});

describe('a file is refused', () => {
  test('when it is a folder, a pipe, too large or not UTF-8', () => {
    mkdirSync(folder.path('folder'));
    expect(() => readPersonFile(folder.path('folder'))).toThrow('it is a folder');
    makeNamedPipe(folder.path('pipe'));
    expect(() => readPersonFile(folder.path('pipe'))).toThrow('not a regular file');
    expect(() => readPersonFile(write('large', Buffer.alloc(8 * 1024 * 1024 + 1, ' ')))).toThrow('larger than');
    const utf16 = Buffer.from('\uFEFF{}', 'utf16le');
    expect(() => readPersonFile(write('utf16', utf16))).toThrow('not written in UTF-8');
    expect(() => readPersonFile(write('latin1', Buffer.from('{"é":1}', 'latin1')))).toThrow('not written in UTF-8');
    expect(() => readPersonFile(join(write('file', ''), 'config.json'))).toThrow(/ENOTDIR/);
  });

  test('when its owner cannot be kept', (context) => {
    needRoot(context);
    chmodSync(folder.path(), 0o777);
    const file = write('config.json', '{}', 0o644);
    asUser(OTHER_USER, () => expect(() => replace(file, '{"a":1}')).toThrow(/belongs to another user/));
    expect(readFileSync(file, 'utf8')).toBe('{}');
    expect(readdirSync(folder.path())).toEqual(['config.json']);
  });

  test.each([
    ['changed', (file: string) => writeFileSync(file, '{"b":1}'), '{"b":1}'],
    ['emptied', (file: string) => writeFileSync(file, ''), ''],
  ])('when another program has %s it in between', (_name, change, expected) => {
    const file = write('config.json', '{}');
    const config = readPersonFile(file);
    change(file);
    expect(() => replacePersonFile(config, '{"a":1}')).toThrow(FileChangedError);
    expect(() => removePersonFile(config, [])).toThrow(FileChangedError);
    expect(readFileSync(file, 'utf8')).toBe(expected);
    expect(readdirSync(folder.path())).toEqual(['config.json']);
  });

  test('when another program has created it in between, and no new folder stays after a failure', () => {
    const file = folder.path('docker', 'config.json');
    const config = readPersonFile(file);
    mkdirSync(dirname(file));
    writeFileSync(file, '{"b":1}');
    expect(() => replacePersonFile(config, '{"a":1}')).toThrow(FileChangedError);
    expect(readFileSync(file, 'utf8')).toBe('{"b":1}');
  });
});

test('a removed file takes only empty folders with it', () => {
  const file = folder.path('a', 'b', 'config.json');
  const { missingFolders } = readPersonFile(file);
  expect(missingFolders.slice(-2)).toEqual([folder.path('a'), folder.path('a', 'b')]);
  replace(file, '{}');
  write('a/other', '');
  removePersonFile(readPersonFile(file), missingFolders);
  expect(readdirSync(folder.path('a'))).toEqual(['other']);
});

/** Runs as another user. Only root can. */
function asUser(uid: number, work: () => void): void {
  process.setegid?.(uid);
  process.seteuid?.(uid);
  try {
    work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

test.each([
  ['win32', 0o444, false],
  ['win32', 0o666, true],
  // Elsewhere the mode of a file does not matter to whoever replaces it.
  ['linux', 0o444, true],
  ['darwin', 0o400, true],
] as const)('on %s, whether a file with the mode %i can be replaced: %s', (platform, mode, isReplaceable) => {
  const judge = () => assertReplaceable({ mode }, platform);
  if (isReplaceable) judge();
  else expect(judge).toThrow('it is marked as read-only');
});
