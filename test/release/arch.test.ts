/** The package for Arch Linux: what is in it, and pacman, which installs, checks and removes it. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeLinuxPackages } from '../../scripts/release/linux-packages.ts';
import { needParts, needRoot, partOf } from '../e2e/world/parts.ts';
import { type RunResult, runProcess } from '../e2e/world/process.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { listTree } from './world/listing.ts';
import { makeStubPackage } from './world/stub-package.ts';
import { makeTinyRelease } from './world/tiny-release.ts';
import { findReleased } from './world/trial.ts';

const NAME = 'docker-credential-acr';
const PACKAGE = /\.pkg\.tar\.zst$/;
const [HOST, ARCHITECTURE] = process.arch === 'arm64' ? ['linux-arm64', 'aarch64'] : ['linux-x64', 'x86_64'];

const { path: folder, remove } = createTemporaryFolder('acr-arch-');
afterAll(remove);
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, LANG: 'C.UTF-8', TZ: 'UTC' };

function run(command: string, ...args: readonly string[]): Promise<RunResult> {
  return runProcess(command, args, { environment: ENVIRONMENT });
}

it('holds these files and no others, all of root', async (context) => {
  needParts(context, 'bsdtar');
  const listed = await run(partOf('bsdtar'), '-tvf', findReleased(PACKAGE), '--numeric-owner');
  const entries = listed.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ +/));
  expect(new Set(entries.map(([, , user, group]) => `${user} ${group}`))).toEqual(new Set(['0 0']));
  const files = entries.filter(([mode]) => !mode?.startsWith('d'));
  expect(files.map(([mode, ...rest]) => `${mode} ${rest.at(-1)}`).toSorted()).toEqual([
    '-rw-r--r-- .MTREE',
    '-rw-r--r-- .PKGINFO',
    '-rw-r--r-- usr/share/bash-completion/completions/docker-credential-acr',
    '-rw-r--r-- usr/share/fish/vendor_completions.d/docker-credential-acr.fish',
    '-rw-r--r-- usr/share/licenses/docker-credential-acr/LICENSE',
    '-rw-r--r-- usr/share/licenses/docker-credential-acr/THIRD-PARTY-LICENSES.txt',
    '-rw-r--r-- usr/share/man/man1/docker-credential-acr.1.gz',
    '-rw-r--r-- usr/share/zsh/site-functions/_docker-credential-acr',
    '-rwxr-xr-x usr/bin/docker-credential-acr',
  ]);
  const information = await run(partOf('bsdtar'), '-xOf', findReleased(PACKAGE), '.PKGINFO');
  expect(information.stdout.split('\n')).toContain(`pkgver = ${manifest.version}-1`);
  expect(information.stdout.match(/^depend = .*$/gm)).toEqual(['depend = glibc', 'depend = gcc-libs']);
});

it('is installed by pacman over an older version, is intact, and leaves nothing when it is removed', async (context) => {
  needParts(context, 'pacman', 'nfpm');
  needRoot(context);
  const root = mkdtempSync(join(folder, 'root-'));
  for (const name of ['usr/lib', 'var/lib/pacman', 'var/cache/pacman/pkg', 'etc'])
    mkdirSync(join(root, name), { recursive: true });
  const configuration = join(folder, 'pacman.conf');
  const options = [`RootDir = ${root}`, `DBPath = ${root}/var/lib/pacman`, `CacheDir = ${root}/var/cache/pacman/pkg`];
  const more = [
    `LogFile = ${root}/var/log/pacman.log`,
    `HookDir = ${root}/etc/pacman.d/hooks`,
    `GPGDir = ${root}/etc/gnupg`,
  ];
  writeFileSync(
    configuration,
    ['[options]', ...options, ...more, `Architecture = ${ARCHITECTURE}`, 'SigLevel = Never', ''].join('\n'),
  );
  const pacman = (...args: readonly string[]) =>
    run(partOf('pacman'), '--config', configuration, '--noconfirm', ...args);
  const path = findReleased(PACKAGE);

  const alone = await pacman('--upgrade', path);
  expect(alone.exitCode).toBe(1);
  expect(alone.stdout + alone.stderr).toContain(`unable to satisfy dependency 'gcc-libs' required by ${NAME}`);
  const [glibc, gccLibs] = [
    await makeStubPackage(folder, { packager: 'archlinux', name: 'glibc' }),
    await makeStubPackage(folder, { packager: 'archlinux', name: 'gcc-libs' }),
  ];
  expect((await pacman('--upgrade', glibc, gccLibs)).exitCode).toBe(0);
  const before = listTree(root, ['var/lib/pacman', 'var/log']);

  const older = makeTinyRelease(mkdtempSync(join(folder, 'older-')), { version: '0.0.9', targets: [HOST] });
  await makeLinuxPackages(older);
  const installed = await pacman('--upgrade', join(older.output, `${NAME}-0.0.9-1-${ARCHITECTURE}.pkg.tar.zst`));
  expect({ ...installed, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  const program = join(root, 'usr/bin', NAME);
  expect((await run(program)).stdout).toBe(`${NAME} 0.0.9 of ${HOST}\n`);
  const upgraded = await pacman('--upgrade', path);
  expect({ ...upgraded, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect((await pacman('--query', NAME)).stdout).toBe(`${NAME} ${manifest.version}-1\n`);
  const checked = await pacman('--query', '--check', '--check', NAME);
  expect(checked).toEqual({ exitCode: 0, stdout: expect.stringMatching(/ 0 altered files\n$/), stderr: '' });
  expect(await run(program, 'version')).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining(manifest.version),
    stderr: '',
  });

  const removed = await pacman('--remove', NAME);
  expect({ ...removed, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(listTree(root, ['var/lib/pacman', 'var/log'])).toEqual(before);
});
