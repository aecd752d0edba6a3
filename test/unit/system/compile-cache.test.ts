/** Where compiled code may be kept: in a folder that nobody else can write to, or move. */
import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { findSafeFolder } from '../../../src/system/compile-cache.ts';
import { needRoot } from '../other-user.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const OTHER_USER = 65_534;
let home: string;
let cache: string;
let code: string;

beforeEach(() => {
  home = folder.path('home');
  cache = join(home, '.cache', 'docker-credential-acr');
  code = join(cache, 'code');
  mkdirSync(home, { mode: 0o700 });
});

const find = (env: Readonly<Record<string, string>> = {}) => findSafeFolder(makeRuntime({ HOME: home, ...env }));

test('makes it for the owner only, in the platform’s cache folder', () => {
  expect(find()).toBe(code);
  expect(lstatSync(code).mode & 0o777).toBe(0o700);
  expect(find()).toBe(code);
  expect(find({ XDG_CACHE_HOME: folder.path('xdg') })).toBe(folder.path('xdg', 'docker-credential-acr', 'code'));
});

test('does not follow the variable for tokens, whose folder containers may share', () => {
  expect(find({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder.path('shared') })).toBe(code);
});

test.each([{ HOME: 'home' }, { XDG_CACHE_HOME: 'cache' }])('has none by a relative path: %j', (env) => {
  expect(find(env)).toBeUndefined();
});

describe('has none when', () => {
  test.each(['750', '705', '770', '702', '1777'])('others have access to it: %s', (digits) => {
    const mode = Number.parseInt(digits, 8);
    mkdirSync(code, { recursive: true });
    chmodSync(code, mode);
    expect(find()).toBeUndefined();
  });

  test.each(['770', '707', '777'])('others can replace a folder on the way: %s', (digits) => {
    const mode = Number.parseInt(digits, 8);
    mkdirSync(code, { recursive: true, mode: 0o700 });
    chmodSync(join(home, '.cache'), mode);
    expect(find()).toBeUndefined();
    chmodSync(join(home, '.cache'), mode | 0o1000); // sticky: only the owner can
    expect(find()).toBe(code);
  });

  test('it is a link', () => {
    mkdirSync(cache, { recursive: true });
    mkdirSync(folder.path('elsewhere'), { mode: 0o700 });
    symlinkSync(folder.path('elsewhere'), code);
    expect(find()).toBeUndefined();
  });

  test('the home folder is a file', () => {
    writeFileSync(folder.path('file'), '');
    expect(find({ HOME: folder.path('file') })).toBeUndefined();
  });

  test('a link on the way leads to a folder of others', () => {
    mkdirSync(folder.path('open'));
    chmodSync(folder.path('open'), 0o777);
    symlinkSync(folder.path('open'), join(home, '.cache'));
    expect(find()).toBeUndefined();
  });

  test.for(['it', 'a folder on the way'])('%s belongs to another user', (which, context) => {
    needRoot(context);
    mkdirSync(code, { recursive: true, mode: 0o700 });
    chownSync(which === 'it' ? code : cache, OTHER_USER, OTHER_USER);
    expect(find()).toBeUndefined();
  });
});

test('follows a link on the way to a folder of one’s own', () => {
  mkdirSync(folder.path('real'), { mode: 0o700 });
  symlinkSync(folder.path('real'), join(home, '.cache'));
  expect(find()).toBe(folder.path('real', 'docker-credential-acr', 'code'));
});
