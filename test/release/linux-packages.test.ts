/** The packages for Linux, made from tiny executables; and what the real executable needs. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeLinuxPackages } from '../../scripts/release/linux-packages.ts';
import { needParts, partOf } from '../e2e/world/parts.ts';
import { runProcess } from '../e2e/world/process.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { withSettings } from './world/settings.ts';
import { makeTinyRelease } from './world/tiny-release.ts';
import { findReleased } from './world/trial.ts';

const { path: folder, remove } = createTemporaryFolder('acr-linux-packages-');
afterAll(remove);
const ENVIRONMENT = { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' };

it('have the same bytes in another folder, at another time, with another umask and other settings', async (context) => {
  needParts(context, 'dpkg-deb', 'rpmbuild', 'zstd');
  const one = makeTinyRelease(mkdtempSync(join(folder, 'one-')), { mode: 0o644 });
  const other = makeTinyRelease(mkdtempSync(join(folder, 'another-')), { mode: 0o700 });
  const { files } = await makeLinuxPackages(one);
  expect(files.toSorted()).toEqual([
    'docker-credential-acr-0.1.0-1-aarch64.pkg.tar.zst',
    'docker-credential-acr-0.1.0-1-x86_64.pkg.tar.zst',
    'docker-credential-acr-0.1.0-1.aarch64.rpm',
    'docker-credential-acr-0.1.0-1.x86_64.rpm',
    'docker-credential-acr_0.1.0-1_amd64.deb',
    'docker-credential-acr_0.1.0-1_arm64.deb',
  ]);
  const settings = {
    ...{ TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8', ZSTD_CLEVEL: '1', ZSTD_NBTHREADS: '4', HOSTNAME: 'elsewhere' },
    ...{ DPKG_DEB_COMPRESSOR_TYPE: 'gzip', DPKG_DEB_THREADS_MAX: '7', SOURCE_DATE_EPOCH: '1' },
  };
  expect(await withSettings(settings, () => makeLinuxPackages(other))).toEqual({ files });
  for (const file of files) {
    const [first, second] = [one, other].map(({ output }) => readFileSync(join(output, file)));
    expect(second?.equals(first ?? Buffer.of()), file).toBe(true);
  }
});

it('require the versions of the libraries that the executable needs, and no others', async (context) => {
  needParts(context, 'readelf', 'rpm', 'dpkg-deb');
  const read = async (command: string, ...args: readonly string[]) =>
    (await runProcess(partOf(command), args, { environment: ENVIRONMENT })).stdout;
  const unpacked = join(folder, 'unpacked');
  await read('dpkg-deb', '--extract', findReleased(/\.deb$/), unpacked);
  const executable = join(unpacked, 'usr/bin/docker-credential-acr');
  const symbols = await read('readelf', '--version-info', '--wide', executable);
  const newest = new Map<string, string>();
  for (const [, name = '', version = ''] of symbols.matchAll(/Name: ([A-Z]+)_([\d.]+)/g)) {
    const known = newest.get(name);
    if (known === undefined || compareVersions(version, known) > 0) newest.set(name, version);
  }
  expect([...newest.keys()].toSorted()).toEqual([...LIBRARIES.keys()].toSorted());
  const wanted = [...LIBRARIES].map(([symbol, library]) => `${library}(${symbol}_${newest.get(symbol)})(64bit)`);
  const required = await read('rpm', '-qp', '--requires', findReleased(/\.rpm$/));
  const own = required.split('\n').filter((line) => line !== '' && !line.startsWith('rpmlib('));
  expect(own.toSorted()).toEqual(wanted.toSorted());
});

/** The library of each kind of symbol. */
const LIBRARIES = new Map([
  ['GLIBC', 'libc.so.6'],
  ['GLIBCXX', 'libstdc++.so.6'],
  ['CXXABI', 'libstdc++.so.6'],
  ['GCC', 'libgcc_s.so.1'],
  ['LIBATOMIC', 'libatomic.so.1'],
]);

function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
