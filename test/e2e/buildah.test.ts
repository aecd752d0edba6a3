/** buildah with the program as its credential helper. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { prepareContainerStorage } from './world/podman.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();

it('buildah builds on a private base image and pushes the result with one sign-in', async (context) => {
  needParts(context, 'buildah', 'docker-registry');
  needRoot(context);
  await cloud.seed('team/base', '1');
  const machine = cloud.addMachine();
  const environment = prepareContainerStorage(machine);
  const buildah = (...args: readonly string[]) => machine.run(partOf('buildah'), args, { environment });
  const folder = join(machine.folder, 'build');
  mkdirSync(folder);
  writeFileSync(join(folder, 'note'), 'built by a test\n');
  writeFileSync(join(folder, 'Containerfile'), `FROM ${LOGIN_SERVER}/team/base:1\nCOPY note /note\n`);

  const build = await buildah('build', '--isolation=chroot', '--tag', 'built', folder);
  expect(build).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('COMMIT built') });
  expect(build.stderr).not.toContain('docker-credential-acr');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  cloud.forget();
  const push = await buildah('push', 'built', `docker://${LOGIN_SERVER}/team/buildah:2`);
  expect(push).toMatchObject({ exitCode: 0, stdout: '' });
  expect(push.stderr).not.toContain('docker-credential-acr');
  expect(cloud.signIns()).toEqual([]);
  expect(cloud.transfers('PUT').map(({ path }) => path)).toContain('/v2/team/buildah/manifests/2');
});
