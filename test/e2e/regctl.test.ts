/** regctl, the client of regclient, which goes on anonymously when its credential helper fails. */
import { afterEach, beforeEach, expect, it, type TestContext } from 'vitest';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import type { MachineOptions } from './world/machine.ts';
import { needParts, partOf } from './world/parts.ts';
import { expectDone, listAnonymousTokenRequests, listPushed, WRONG_SECRET_STORY } from './world/registry-client.ts';
import { openCloud } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;
const cloud = await openCloud();
const registry = registryOf(cloud.emulator.state, LOGIN_SERVER);

beforeEach(async (context: TestContext) => {
  needParts(context, 'regctl', 'docker-registry');
  await cloud.seed('team/app', '1');
  cloud.forget();
});
afterEach(() => {
  registry.anonymousPull = false;
});

function setUp(options: MachineOptions = {}) {
  const machine = cloud.addMachine(options);
  return (...args: readonly string[]) => machine.run(partOf('regctl'), args);
}

it('regctl copies an image with one sign-in, and lists its tags without one', async () => {
  const regctl = setUp();
  expectDone(await regctl('image', 'copy', IMAGE, `${LOGIN_SERVER}/team/regctl:1`));
  expect(listPushed(cloud)).toEqual(['team/regctl:1']);
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);

  cloud.forget();
  expect(expectDone(await regctl('tag', 'list', `${LOGIN_SERVER}/team/regctl`)).stdout).toBe('1\n');
  expect(cloud.signIns()).toEqual([]);
});

it('regctl goes on anonymously when the sign-in fails, and only our own message says why', async () => {
  const regctl = setUp({ identity: 'wrong secret' });
  const refused = await regctl('manifest', 'get', IMAGE);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toContain(WRONG_SECRET_STORY);
  const ofRegctl = refused.stderr.split('\n').filter((line) => !/^(docker-credential-acr|cause|hint): /.test(line));
  expect(ofRegctl.join('\n')).not.toContain('AADSTS');
  expect(listAnonymousTokenRequests(cloud)).toContain(401);

  registry.anonymousPull = true;
  const pulled = await regctl('manifest', 'get', '--format', 'raw-body', IMAGE);
  expect(pulled).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('schemaVersion') });
});
