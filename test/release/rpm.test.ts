/** The package for Fedora and its relatives: what is in it, what rpmlint finds, and an rpm root that installs it. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, type TestContext } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeLinuxPackages } from '../../scripts/release/linux-packages.ts';
import { needParts, needRoot, partOf } from '../e2e/world/parts.ts';
import { type RunResult, runProcess } from '../e2e/world/process.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { listTree } from './world/listing.ts';
import { makeStubPackage } from './world/stub-package.ts';
import { makeTinyRelease } from './world/tiny-release.ts';
import { findReleased } from './world/trial.ts';

const SETTINGS = join(import.meta.dirname, '../../scripts/release/linux-packages/rpmlint.toml');
const NAME = 'docker-credential-acr';
const [HOST, ARCHITECTURE] = process.arch === 'arm64' ? ['linux-arm64', 'aarch64'] : ['linux-x64', 'x86_64'];

/** What glibc and the libraries of GCC of Enterprise Linux 8 provide, the oldest that the executable runs on. */
const ENTERPRISE_LINUX_8 = [
  'libc.so.6(GLIBC_2.28)(64bit)',
  'libgcc_s.so.1(GCC_4.2.0)(64bit)',
  'libstdc++.so.6(CXXABI_1.3.11)(64bit)',
  'libstdc++.so.6(GLIBCXX_3.4.21)(64bit)',
];
const LIBATOMIC = 'libatomic.so.1(LIBATOMIC_1.0)(64bit)';

const { path: folder, remove } = createTemporaryFolder('acr-rpm-');
afterAll(remove);
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, LANG: 'C.UTF-8', TZ: 'UTC' };

function run(command: string, ...args: readonly string[]): Promise<RunResult> {
  return runProcess(command, args, { environment: ENVIRONMENT });
}

it('holds these files and no others, all of root', async (context) => {
  needParts(context, 'rpm');
  const path = findReleased(/\.rpm$/);
  const format = '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]';
  const listed = await run(partOf('rpm'), '-qp', '--queryformat', format, path);
  expect(listed).toEqual({ exitCode: 0, stdout: expect.any(String), stderr: '' });
  expect(listed.stdout.trimEnd().split('\n')).toEqual([
    '-rwxr-xr-x root root /usr/bin/docker-credential-acr',
    '-rw-r--r-- root root /usr/share/bash-completion/completions/docker-credential-acr',
    '-rw-r--r-- root root /usr/share/fish/vendor_completions.d/docker-credential-acr.fish',
    'drwxr-xr-x root root /usr/share/licenses/docker-credential-acr',
    '-rw-r--r-- root root /usr/share/licenses/docker-credential-acr/LICENSE',
    '-rw-r--r-- root root /usr/share/licenses/docker-credential-acr/THIRD-PARTY-LICENSES.txt',
    '-rw-r--r-- root root /usr/share/man/man1/docker-credential-acr.1.gz',
    '-rw-r--r-- root root /usr/share/zsh/site-functions/_docker-credential-acr',
  ]);
  const scripts = await run(partOf('rpm'), '-qp', '--scripts', '--triggers', path);
  expect(scripts).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  const host = await run(partOf('rpm'), '-qp', '--queryformat', '%{BUILDHOST} %{BUILDTIME}', path);
  expect(host.stdout).toMatch(/^reproducible \d{10}$/);
});

it('rpmlint finds nothing else than what is waived', async (context) => {
  needParts(context, 'rpmlint');
  const found = await run(partOf('rpmlint'), '--config', SETTINGS, findReleased(/\.rpm$/));
  expect(found.exitCode).toBe(0);
  expect(found.stdout).toMatch(/\n 1 packages and 0 specfiles checked; 0 errors, 0 warnings, /);
});

/** Makes a root with the folders that every system has, and returns a function that runs rpm on it. */
async function openRoot(context: TestContext) {
  needParts(context, 'rpm', 'nfpm');
  needRoot(context);
  const root = mkdtempSync(join(folder, 'root-'));
  for (const name of [
    'bash-completion/completions',
    'fish/vendor_completions.d',
    'licenses',
    'man/man1',
    'zsh/site-functions',
  ]) {
    mkdirSync(join(root, 'usr/share', name), { recursive: true });
  }
  for (const name of ['usr/bin', 'var/lib/rpm', 'var/tmp']) mkdirSync(join(root, name), { recursive: true });
  const place = ['--root', root, '--dbpath', '/var/lib/rpm'];
  const rpm = (verb: string, ...args: readonly string[]) => {
    // Debian's rpm warns whoever changes a system with it.
    const more = ['--install', '--upgrade', '--erase'].includes(verb) ? ['--force-debian'] : [];
    return run(partOf('rpm'), ...place, verb, ...more, ...args);
  };
  expect(await rpm('--initdb')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  return { root, rpm };
}

it('is installed over an older version, is intact, and leaves nothing when it is erased', async (context) => {
  const { root, rpm } = await openRoot(context);
  const path = findReleased(/\.rpm$/);
  const DONE: RunResult = { exitCode: 0, stdout: '', stderr: '' };

  const alone = await rpm('--install', path);
  expect(alone.exitCode).not.toBe(0);
  for (const name of [...ENTERPRISE_LINUX_8, LIBATOMIC])
    expect(alone.stderr).toContain(`\t${name} is needed by ${NAME}`);
  const base = await makeStubPackage(folder, {
    packager: 'rpm',
    name: 'enterprise-linux-8',
    provides: ENTERPRISE_LINUX_8,
  });
  expect(await rpm('--install', base)).toEqual(DONE);
  const withoutLibrary = await rpm('--install', path);
  expect(withoutLibrary.stderr).toBe(
    `error: Failed dependencies:\n\t${LIBATOMIC} is needed by ${NAME}-${manifest.version}-1.${ARCHITECTURE}\n`,
  );
  const libatomic = await makeStubPackage(folder, { packager: 'rpm', name: 'libatomic', provides: [LIBATOMIC] });
  expect(await rpm('--install', libatomic)).toEqual(DONE);
  const before = listTree(root, ['var/lib/rpm']);

  const older = makeTinyRelease(mkdtempSync(join(folder, 'older-')), { version: '0.0.9', targets: [HOST] });
  await makeLinuxPackages(older);
  expect(await rpm('--install', join(older.output, `${NAME}-0.0.9-1.${ARCHITECTURE}.rpm`))).toEqual(DONE);
  const program = join(root, 'usr/bin', NAME);
  expect((await run(program)).stdout).toBe(`${NAME} 0.0.9 of ${HOST}\n`);
  expect(await rpm('--upgrade', path)).toEqual(DONE);
  expect((await rpm('--query', NAME)).stdout).toBe(`${NAME}-${manifest.version}-1.${ARCHITECTURE}\n`);
  expect(await rpm('--verify', NAME)).toEqual(DONE);
  expect(await run(program, 'version')).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining(manifest.version),
    stderr: '',
  });

  await run('chmod', 'o+w', program);
  expect((await rpm('--verify', NAME)).stdout).toContain(`.M.......    /usr/bin/${NAME}`);
  expect(await rpm('--erase', NAME)).toEqual(DONE);
  expect(listTree(root, ['var/lib/rpm'])).toEqual(before);
});
