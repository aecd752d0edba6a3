/** What a build says that it was made from. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readSource } from '../../../scripts/build/source.ts';
import { useTemporaryFolder } from '../../unit/temporary-folder.ts';

const folders = useTemporaryFolder();

const AT = '2026-11-28T12:00:00Z';
const AT_SECONDS = Date.parse(AT) / 1000;

function makeCheckout(name = 'checkout'): string {
  const folder = folders.path(name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.3" }');
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      env: { ...process.env, GIT_COMMITTER_DATE: AT, GIT_AUTHOR_DATE: AT, GIT_CONFIG_GLOBAL: '/dev/null' },
    });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'a');
  return folder;
}

test('a clean checkout gives the version, the commit and its time', async () => {
  const source = await readSource(makeCheckout(), {});
  expect(source).toEqual({
    version: '1.2.3',
    commit: expect.stringMatching(/^[0-9a-f]{12}$/),
    epochSeconds: AT_SECONDS,
  });
});

test('a changed file marks the commit, a file that git does not know does not', async () => {
  const folder = makeCheckout();
  writeFileSync(join(folder, 'unknown'), '');
  expect((await readSource(folder, {})).commit).toMatch(/^[0-9a-f]{12}$/);
  writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.4" }');
  expect((await readSource(folder, {})).commit).toMatch(/^[0-9a-f]{12}-modified$/);
});

test('SOURCE_DATE_EPOCH replaces the time of the commit', async () => {
  expect((await readSource(makeCheckout(), { SOURCE_DATE_EPOCH: '1000' })).epochSeconds).toBe(1000);
});

test.each(['', 'now', '-1', '1.5'])('a SOURCE_DATE_EPOCH of "%s" is refused', async (value) => {
  await expect(readSource(makeCheckout(), { SOURCE_DATE_EPOCH: value })).rejects.toThrow(
    `SOURCE_DATE_EPOCH must be a number of seconds, and is "${value}"`,
  );
});

test('without git there is no commit', async () => {
  const folder = makeCheckout();
  rmSync(join(folder, '.git'), { recursive: true });
  expect(await readSource(folder, {})).toEqual({ version: '1.2.3', commit: '', epochSeconds: 0 });
});

test('sources in the checkout of something else have no commit', async () => {
  const root = join(makeCheckout(), 'sources');
  mkdirSync(root);
  writeFileSync(join(root, 'package.json'), '{ "version": "1.2.3" }');
  expect(await readSource(root, {})).toEqual({ version: '1.2.3', commit: '', epochSeconds: 0 });
});

test('a hook of git in another repository does not change the commit', async () => {
  const [folder, other] = [makeCheckout(), makeCheckout('other')];
  writeFileSync(join(other, 'package.json'), '{ "version": "1.2.4" }');
  vi.stubEnv('GIT_DIR', join(other, '.git'));
  vi.stubEnv('GIT_WORK_TREE', other);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect((await readSource(folder, {})).commit).toMatch(/^[0-9a-f]{12}$/);
});

test('a signed commit has a time, also where git shows signatures', async () => {
  const folder = makeCheckout();
  // As git stores a signature that nobody here can verify.
  const object = execFileSync('git', ['-C', folder, 'cat-file', 'commit', 'HEAD'], { encoding: 'utf8' });
  const signed = object.replace('\n\n', '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n');
  const write = ['-C', folder, 'hash-object', '-t', 'commit', '-w', '--stdin'];
  const commit = execFileSync('git', write, { encoding: 'utf8', input: signed }).trim();
  execFileSync('git', ['-C', folder, 'update-ref', 'HEAD', commit]);
  execFileSync('git', ['-C', folder, 'config', 'log.showSignature', 'true']);
  writeFileSync(folders.path('gpg'), '#!/bin/sh\necho "gpg: no public key" >&2\n', { mode: 0o755 });
  execFileSync('git', ['-C', folder, 'config', 'gpg.program', folders.path('gpg')]);
  expect((await readSource(folder, {})).epochSeconds).toBe(AT_SECONDS);
});
