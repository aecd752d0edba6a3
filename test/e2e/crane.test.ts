/** crane, the reference client of the go-containerregistry family, with the program as its credential helper. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { NULL_GUID } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { writeTar } from './world/image.ts';
import { type Machine, writeDockerConfig } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;

const cloud = await openCloud();
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine();
});

async function crane(context: TestContext, args: readonly string[], printsSecret = false) {
  needParts(context, 'crane', 'docker-registry');
  return machine.run(partOf('crane'), args, { printsSecret });
}

it('crane auth get prints the null GUID and a refresh token of the registry', async (context) => {
  const { exitCode, stdout, stderr } = await crane(context, ['auth', 'get', LOGIN_SERVER], true);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({
    Username: NULL_GUID,
    Secret: expect.stringMatching(/^ey[\w-]+\.[\w-]+\.[\w-]+$/),
  });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('crane auth get finds nothing for a foreign registry, without a connection', async (context) => {
  writeFileSync(machine.dockerConfigFile, writeDockerConfig(['ghcr.io']));
  expect(await crane(context, ['auth', 'get', 'ghcr.io'])).toEqual({
    exitCode: 1,
    stdout: 'credentials not found in native keychain\n',
    stderr: '',
  });
  expect(cloud.emulator.connects).toEqual([]);
});

it('crane reads a manifest with one sign-in, and again without one', async (context) => {
  needParts(context, 'docker-registry');
  await cloud.seed('team/app', '1');
  const first = await crane(context, ['manifest', IMAGE]);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(first.stdout)).toMatchObject({ schemaVersion: 2 });
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  cloud.forget();
  expect(await crane(context, ['manifest', IMAGE])).toEqual(first);
  expect(cloud.signIns()).toEqual([]);
});

it('crane appends a layer to an empty image and copies the image', async (context) => {
  const layer = join(machine.folder, 'layer.tar');
  writeFileSync(layer, writeTar({ note: 'appended by a test\n' }));
  const image = `${LOGIN_SERVER}/team/crane:1`;
  const append = await crane(context, ['append', '--oci-empty-base', '--new_layer', layer, '--new_tag', image]);
  expect(append).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`${LOGIN_SERVER}/team/crane@sha256:`) });
  expect(append.stderr).not.toContain('docker-credential-acr');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  const copy = await crane(context, ['copy', image, `${LOGIN_SERVER}/team/crane-copy:1`]);
  expect(copy).toMatchObject({ exitCode: 0, stdout: '' });
  expect(copy.stderr).not.toContain('docker-credential-acr');
  expect(cloud.transfers('PUT').map(({ path }) => path)).toContain('/v2/team/crane-copy/manifests/1');
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});
