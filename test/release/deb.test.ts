/** The package for Debian: what is in it, what lintian finds, and a minimal Debian that installs and removes it. */
import { copyFileSync, mkdtempSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { makeLinuxPackages } from '../../scripts/release/linux-packages.ts';
import { LOGIN_SERVER } from '../e2e/world/cloud.ts';
import { needParts, partOf } from '../e2e/world/parts.ts';
import { runProcess } from '../e2e/world/process.ts';
import { createTemporaryFolder } from '../e2e/world/temporary-folder.ts';
import { openCloud } from '../e2e/world/test-cloud.ts';
import { type Minbase, openMinbase, PACKAGES_FOLDER, SHARED_FOLDER } from './world/minbase.ts';
import { prepareSignIn } from './world/sign-in.ts';
import { makeTinyRelease } from './world/tiny-release.ts';
import { findReleased } from './world/trial.ts';

const WAIVED = join(import.meta.dirname, '../../scripts/release/linux-packages/lintian-waived.txt');
const NAME = 'docker-credential-acr';
const HOST = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

const { path: folder, remove } = createTemporaryFolder('acr-deb-');
afterAll(remove);
const cloud = await openCloud();
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, LANG: 'C.UTF-8', TZ: 'UTC' };

async function read(command: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runProcess(partOf(command), args, { environment: ENVIRONMENT });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

it('holds these files and no others, all of root', async (context) => {
  needParts(context, 'dpkg-deb');
  const listed = await read('dpkg-deb', '--contents', findReleased(/\.deb$/));
  const lines = listed.trimEnd().split('\n');
  const times = new Set(lines.map((line) => /\d{4}-\d\d-\d\d \d\d:\d\d/.exec(line)?.[0]));
  expect(times.size).toBe(1);
  expect(lines.map((line) => line.replace(/^(\S+) (\S+) .* (\.\S*)$/, '$1 $2 $3'))).toEqual([
    'drwxr-xr-x root/root ./',
    'drwxr-xr-x root/root ./usr/',
    'drwxr-xr-x root/root ./usr/bin/',
    '-rwxr-xr-x root/root ./usr/bin/docker-credential-acr',
    'drwxr-xr-x root/root ./usr/share/',
    'drwxr-xr-x root/root ./usr/share/bash-completion/',
    'drwxr-xr-x root/root ./usr/share/bash-completion/completions/',
    '-rw-r--r-- root/root ./usr/share/bash-completion/completions/docker-credential-acr',
    'drwxr-xr-x root/root ./usr/share/doc/',
    'drwxr-xr-x root/root ./usr/share/doc/docker-credential-acr/',
    '-rw-r--r-- root/root ./usr/share/doc/docker-credential-acr/THIRD-PARTY-LICENSES.txt.gz',
    '-rw-r--r-- root/root ./usr/share/doc/docker-credential-acr/changelog.Debian.gz',
    '-rw-r--r-- root/root ./usr/share/doc/docker-credential-acr/copyright',
    'drwxr-xr-x root/root ./usr/share/fish/',
    'drwxr-xr-x root/root ./usr/share/fish/vendor_completions.d/',
    '-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/docker-credential-acr.fish',
    'drwxr-xr-x root/root ./usr/share/man/',
    'drwxr-xr-x root/root ./usr/share/man/man1/',
    '-rw-r--r-- root/root ./usr/share/man/man1/docker-credential-acr.1.gz',
    'drwxr-xr-x root/root ./usr/share/zsh/',
    'drwxr-xr-x root/root ./usr/share/zsh/vendor-completions/',
    '-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_docker-credential-acr',
  ]);
});

it('says what it needs, and runs nothing when it is installed or removed', async (context) => {
  needParts(context, 'dpkg-deb', 'tar');
  const path = findReleased(/\.deb$/);
  const fields = await read('dpkg-deb', '--field', path);
  expect(fields).toMatch(
    /^Depends: libc6 \(>= 2\.28\), libstdc\+\+6 \(>= 7\), libgcc-s1 \(>= 4\.2\), libatomic1 \(>= 4\.8\)$/m,
  );
  expect(fields).toMatch(/^Recommends: ca-certificates$/m);
  expect(fields).toMatch(/^Enhances: docker\.io, docker-ce-cli, podman, buildah, skopeo$/m);
  const control = join(folder, 'control');
  await read('dpkg-deb', '--control', path, control);
  expect((await read('ls', '-A', control)).split('\n')).toEqual(['control', 'md5sums', '']);
});

it('lintian finds nothing else than what is waived', async (context) => {
  needParts(context, 'lintian');
  // These two take most of its time, and find what is in every Node.
  const slow = 'libraries/embedded,binaries/spelling';
  // The release that is tried is not compressed.
  const ofTrial = 'uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball';
  const args = ['--no-cfg', '--allow-root', '--display-info', '--pedantic', '--suppress-tags-from-file', WAIVED];
  const limits = ['--dont-check-part', slow, '--suppress-tags', ofTrial];
  const found = await runProcess(partOf('lintian'), [...args, ...limits, findReleased(/\.deb$/)], {
    environment: ENVIRONMENT,
  });
  expect(found).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});

/** Every path with its type, mode and owner, without what apt and dpkg write about themselves. */
async function listSystem({ run }: Minbase): Promise<readonly string[]> {
  const find = `find / -xdev \\( -path /proc -o -path ${SHARED_FOLDER} -o -path ${PACKAGES_FOLDER} -o -path /dev -o -path /tmp \\) -prune -o -printf '%p %M %u\\n'`;
  const { stdout } = await run('sh', ['-c', find]);
  const ofApt = /^\/var\/(lib\/(dpkg|apt)|cache\/(apt|ldconfig|debconf)|log)\b|^\/etc\/ld\.so\.cache /;
  return stdout
    .split('\n')
    .filter((line) => !ofApt.test(line))
    .toSorted();
}

it('is installed over an older version, signs in, and leaves only what is the user’s when it is purged', async (context) => {
  const minbase = openMinbase(context);
  const { sharedFolder } = minbase;
  const run = async (...command: readonly [string, ...string[]]) => {
    const [program, ...args] = command;
    return await minbase.run(program, args, { environment: { DEBIAN_FRONTEND: 'noninteractive' } });
  };
  const older = makeTinyRelease(mkdtempSync(join(folder, 'older-')), {
    version: '0.0.9',
    targets: [HOST],
    isFast: true,
  });
  await makeLinuxPackages(older);
  const [oldPackage, newPackage] = [join(older.output, `${NAME}_0.0.9-1_${ARCHITECTURE}.deb`), findReleased(/\.deb$/)];
  for (const path of [oldPackage, newPackage]) copyFileSync(path, join(sharedFolder, basename(path)));
  const [oldPath, newPath] = [oldPackage, newPackage].map((path) => `${SHARED_FOLDER}/${basename(path)}`);
  const before = await listSystem(minbase);

  const refused = await run('dpkg', '--install', oldPath ?? '');
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(
    `${NAME} depends on libatomic1 (>= 4.8); however:\n  Package libatomic1 is not installed.`,
  );
  await run('dpkg', '--purge', NAME);
  const library = `${PACKAGES_FOLDER}/$(ls ${PACKAGES_FOLDER} | grep ^libatomic1_)`;
  const apt = 'apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install';
  const installed = await run('sh', '-c', `${apt} ${oldPath} ${library}`);
  expect({ ...installed, stdout: '' }).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: expect.not.stringMatching(/^[EW]:/m),
  });
  expect((await run(NAME)).stdout).toBe(`${NAME} 0.0.9 of ${HOST}\n`);

  const upgraded = await run('sh', '-c', `${apt} ${newPath}`);
  expect(upgraded.exitCode).toBe(0);
  expect(await run('dpkg', '--verify', NAME)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  const version = await run(NAME, 'version');
  expect(version).toEqual({ exitCode: 0, stdout: expect.stringContaining(manifest.version), stderr: '' });

  const environment = prepareSignIn(cloud, sharedFolder, SHARED_FOLDER);
  const signedIn = await minbase.run(NAME, ['get'], { environment, input: LOGIN_SERVER });
  expect({ ...signedIn, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(signedIn.stdout).toContain(`"ServerURL":"${LOGIN_SERVER}"`);
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  await run('sh', '-c', `echo changed >>/usr/share/bash-completion/completions/${NAME}`);
  expect((await run('dpkg', '--verify', NAME)).stdout).toContain(`/usr/share/bash-completion/completions/${NAME}`);
  const purged = await run('sh', '-c', `dpkg --purge ${NAME} libatomic1`);
  expect({ ...purged, stdout: '' }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  const after = await listSystem(minbase);
  const left = after.filter((line) => !before.includes(line));
  expect(left.filter((line) => !line.startsWith('/root/'))).toEqual([]);
  expect(left.filter((line) => line.startsWith('/root/.cache/docker-credential-acr/')).length).toBeGreaterThan(1);
  expect(before.filter((line) => !after.includes(line))).toEqual([]);
});
