/** skopeo with the program as its credential helper. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { Machine } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();

async function prepare(context: TestContext): Promise<Machine> {
  needParts(context, 'skopeo', 'docker-registry');
  await cloud.seed('team/app', '1');
  return cloud.addMachine();
}

it('skopeo inspects a private image with one sign-in, and again without one', async (context) => {
  const machine = await prepare(context);
  const inspect = () => machine.run(partOf('skopeo'), ['inspect', `docker://${LOGIN_SERVER}/team/app:1`]);
  const first = await inspect();
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(first.stdout)).toMatchObject({ Name: `${LOGIN_SERVER}/team/app`, RepoTags: ['1'] });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  cloud.forget();
  expect(await inspect()).toEqual(first);
  expect(cloud.signIns()).toEqual([]);
});

it('skopeo copies a private image to a folder', async (context) => {
  const machine = await prepare(context);
  const folder = join(machine.folder, 'copy');
  const source = `docker://${LOGIN_SERVER}/team/app:1`;
  const copy = await machine.run(partOf('skopeo'), ['copy', source, `dir:${folder}`]);
  expect(copy).toEqual({ exitCode: 0, stdout: expect.stringContaining('Storing signatures'), stderr: '' });
  expect(readdirSync(folder)).toContain('manifest.json');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('skopeo copies from one repository of the registry to another', async (context) => {
  const machine = await prepare(context);
  const [source, target] = ['team/app:1', 'team/skopeo:2'].map((name) => `docker://${LOGIN_SERVER}/${name}`);
  const copy = await machine.run(partOf('skopeo'), ['copy', source ?? '', target ?? '']);
  expect(copy).toEqual({ exitCode: 0, stdout: expect.stringContaining('Writing manifest'), stderr: '' });
  expect(cloud.transfers('PUT').map(({ path }) => path)).toContain('/v2/team/skopeo/manifests/2');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});
