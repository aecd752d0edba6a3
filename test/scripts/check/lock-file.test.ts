/** What the check of the lock file accepts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkLockFile, readAllowedScripts } from '../../../scripts/check/lock-file.ts';

const INTEGRITY = `sha512-${'a'.repeat(86)}==`;
const ROOT = { name: 'x', dependencies: { left: '1.0.0' } };
const check = (entry: object, path = 'node_modules/left', allowed: readonly string[] = []) =>
  checkLockFile({ packages: { '': ROOT, [path]: { version: '1.0.0', integrity: INTEGRITY, ...entry } } }, allowed);

describe('a package', () => {
  it.each<[string, object]>([
    ['with a SHA-512', {}],
    ['with more than one checksum', { integrity: `sha1-abc= ${INTEGRITY}` }],
    ["from npm's registry", { resolved: 'https://registry.npmjs.org/left/-/left-1.0.0.tgz' }],
  ])('%s is good', (_what, entry) => {
    expect(check(entry)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['no checksum', { integrity: undefined }, 'it has no SHA-512'],
    ['an empty checksum', { integrity: '' }, 'it has no SHA-512'],
    ['a SHA-1 only', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, 'it has no SHA-512'],
    ['a short SHA-512', { integrity: 'sha512-abc==' }, 'it has no SHA-512'],
    ['a checksum that is a list', { integrity: [] }, 'it has no SHA-512'],
    [
      'another registry',
      { resolved: 'https://npm.example.com/left.tgz' },
      'it comes from https://npm.example.com/left.tgz',
    ],
    [
      'a registry over http',
      { resolved: 'http://registry.npmjs.org/l.tgz' },
      'it comes from http://registry.npmjs.org/l.tgz',
    ],
    [
      'a lookalike',
      { resolved: 'https://registry.npmjs.org.example.com/l' },
      'it comes from https://registry.npmjs.org.example.com/l',
    ],
    [
      'a user in the URL',
      { resolved: 'https://registry.npmjs.org@evil.example/l' },
      'it comes from https://registry.npmjs.org@evil.example/l',
    ],
    [
      'a repository',
      { resolved: 'git+ssh://git@github.com/a/b.git#1' },
      'it comes from git+ssh://git@github.com/a/b.git#1',
    ],
    ['a file', { resolved: 'file:../left.tgz' }, 'it comes from file:../left.tgz'],
    ['a link', { link: true }, 'it is a link, whose content nobody checks'],
    ['an install script', { hasInstallScript: true }, 'it has an install script that nobody allowed'],
  ])('with %s is not', (_what, entry, problem) => {
    expect(check(entry)).toEqual([`node_modules/left: ${problem}`]);
  });

  it.each([
    ['node_modules/left', 'left'],
    ['node_modules/a/node_modules/left', 'left'],
    ['node_modules/a/node_modules/@b/left', '@b/left'],
  ])('%s may have an install script when %s may', (path, name) => {
    expect(check({ hasInstallScript: true }, path, [name])).toEqual([]);
    expect(check({ hasInstallScript: true }, path, ['a', '@b'])).toHaveLength(1);
  });
});

describe('a lock file', () => {
  it.each([[null], ['x'], [{}], [{ packages: { '': ROOT } }]])('without packages is not good: %j', (lock) => {
    expect(checkLockFile(lock, [])).toEqual(['package-lock.json lists no packages']);
  });

  it('of this repository is good with the scripts that package.json allows', () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(`${import.meta.dirname}/../../../${name}`, 'utf8'));
    const allowed = readAllowedScripts(read('package.json'));
    expect(checkLockFile(read('package-lock.json'), allowed)).toEqual([]);
    expect(checkLockFile(read('package-lock.json'), [])).toHaveLength(allowed.length);
  });
});

describe('the allowed scripts', () => {
  it('are those that package.json sets to true', () => {
    expect(readAllowedScripts({ allowScripts: { left: true, right: false, third: 'yes' } })).toEqual(['left']);
    expect(readAllowedScripts({})).toEqual([]);
  });
});
