/** install.sh of the release itself: on this machine, and on a minimal Debian. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { needParts, partOf } from '../e2e/world/parts.ts';
import { createInstallPlace, serveFolder } from './world/install-place.ts';
import { openMinbase, SHARED_FOLDER } from './world/minbase.ts';
import { findReleased } from './world/trial.ts';

const HOST = 'myregistry.azurecr.io';
const NOT_FOUND = 'credentials not found in native keychain\n';

test('installs the release, configures a registry, and removes it again', async (context) => {
  const script = findReleased(/^install\.sh$/);
  const place = createInstallPlace(context);
  const before = place.list();
  const server = await serveFolder(context, dirname(script));
  const environment = { DOCKER_CONFIG: join(place.folder, 'home/.docker') };
  const args = ['--from', server.url, '--dir', place.dir, '--configure', HOST];
  const installed = await place.run(script, args, { environment });
  expect({ exitCode: installed.exitCode, stderr: installed.stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(installed.stdout).toMatch(/\nConfigured myregistry\.azurecr\.io in /);
  const config: unknown = JSON.parse(readFileSync(join(environment.DOCKER_CONFIG, 'config.json'), 'utf8'));
  expect(config).toEqual({ credHelpers: { [HOST]: 'acr' } });

  const run = (text: string) => place.run('-c', [text], { environment });
  expect((await run('docker-credential-acr version')).stdout).toContain(` v${manifest.version}, `);
  expect((await run('echo registry.example.com | docker-credential-acr get')).stdout).toBe(NOT_FOUND);
  expect((await run(`docker-credential-acr unconfigure ${HOST} --yes`)).exitCode).toBe(0);
  const removed = await place.run(script, ['--uninstall', '--dir', place.dir]);
  expect({ exitCode: removed.exitCode, lines: removed.stdout.split('\n').length }).toEqual({ exitCode: 0, lines: 6 });
  const isLeft = (line: string) => !line.includes('/ ') && !before.includes(line);
  expect(place.list().filter((line) => isLeft(line) && !line.startsWith('home/'))).toEqual([]);
});

test('on a minimal Debian, says what is missing, and then brings the library that the system lacks', async (context) => {
  needParts(context, 'busybox');
  const script = findReleased(/^install\.sh$/);
  const minbase = openMinbase(context);
  copyFileSync(script, join(minbase.sharedFolder, 'install.sh'));
  const install = (...args: readonly string[]) => minbase.run('sh', [`${SHARED_FOLDER}/install.sh`, ...args]);
  expect(await install()).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `install.sh: error: Nothing here can unpack the archive
hint: install xz (xz-utils on Debian and Ubuntu) or unzip
`,
  });

  // BusyBox has both.
  const bin = join(minbase.sharedFolder, 'bin');
  mkdirSync(bin);
  copyFileSync(partOf('busybox'), join(bin, 'busybox'));
  symlinkSync('busybox', join(bin, 'xz'));
  const environment = { PATH: `${SHARED_FOLDER}/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` };
  const withTools = (...args: readonly string[]) =>
    minbase.run('sh', [`${SHARED_FOLDER}/install.sh`, ...args], { environment });
  expect((await withTools()).stderr).toMatch(/^install\.sh: error: There is neither curl nor wget\n/);
  symlinkSync('busybox', join(bin, 'wget'));
  const server = await serveFolder(context, dirname(script));
  const { exitCode, stderr } = await withTools('--from', server.url);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const run = (text: string) => minbase.run('sh', ['-c', text]);
  expect((await run('ls -A /usr/local/bin')).stdout).toBe(
    '.docker-credential-acr.files\ndocker-credential-acr\nlibatomic.so.1\n',
  );
  expect((await run('echo registry.example.com | /usr/local/bin/docker-credential-acr get')).stdout).toBe(NOT_FOUND);
  expect((await withTools('--uninstall')).exitCode).toBe(0);
  expect((await run('ls -A /usr/local/bin; find /usr/local -type f')).stdout).toBe('');
  expect(existsSync('/usr/local/bin/.docker-credential-acr.files')).toBe(false);
});
