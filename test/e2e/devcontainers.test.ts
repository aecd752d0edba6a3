/** The command line of dev containers, which finds the credentials for its Features itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, type TestContext } from 'vitest';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { expectDone, listAnonymousTokenRequests, listPushed } from './world/registry-client.ts';
import { openCloud } from './world/test-cloud.ts';

const NAMESPACE = 'team/features';
const cloud = await openCloud();

beforeEach((context: TestContext) => needParts(context, 'devcontainer', 'docker-registry'));

function setUp(options: MachineOptions = {}) {
  const machine = cloud.addMachine(options);
  const folder = join(machine.folder, 'features');
  const feature = join(folder, 'hello');
  mkdirSync(feature, { recursive: true });
  writeFileSync(join(feature, 'devcontainer-feature.json'), '{ "id": "hello", "version": "1.0.0", "name": "Hello" }');
  writeFileSync(join(feature, 'install.sh'), 'echo hello\n');
  return (...args: readonly string[]) =>
    machine.run(process.execPath, [partOf('devcontainer'), 'features', ...args], { folder: machine.folder });
}

it('devcontainer publishes a Feature with one sign-in, and lists its versions without one', async () => {
  const devcontainer = setUp();
  expectDone(await devcontainer('publish', 'features', '--registry', LOGIN_SERVER, '--namespace', NAMESPACE));
  expect(listPushed(cloud)).toEqual(expect.arrayContaining([`${NAMESPACE}/hello:1.0.0`, `${NAMESPACE}/hello:latest`]));
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  cloud.forget();
  const tags = await devcontainer('info', 'tags', `${LOGIN_SERVER}/${NAMESPACE}/hello`, '--output-format', 'json');
  expect(JSON.parse(expectDone(tags).stdout)).toMatchObject({ publishedTags: expect.arrayContaining(['1.0.0']) });
  expect(cloud.signIns()).toEqual([]);
});

it('devcontainer goes on anonymously when the sign-in fails, and shows nothing of the reason', async () => {
  const devcontainer = setUp({ identity: 'wrong secret' });
  const tags = await devcontainer('info', 'tags', `${LOGIN_SERVER}/${NAMESPACE}/hello`);
  expect(tags).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('No manifest found!') });
  expect(tags.stdout + tags.stderr).not.toContain('AADSTS');
  expect(listAnonymousTokenRequests(cloud)).toEqual([401]);
});
