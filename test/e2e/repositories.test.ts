/** The commands `repositories` and `tags` on a real registry behind the emulated Azure. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { parseJsonRecord } from '../emulator/json.ts';
import { registryOf } from '../emulator/state.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { needParts, PROGRAM } from './world/parts.ts';
import { openCloud } from './world/test-cloud.ts';

const cloud = await openCloud();
const registry = registryOf(cloud.emulator.state, LOGIN_SERVER);

/** Creates repositories that hold one blob of `source` each. */
async function fillRegistry(source: string, names: readonly string[]): Promise<void> {
  const digest = `sha256:${createHash('sha256').update('{}').digest('hex')}`;
  const base = `${cloud.registryUrl}/v2`;
  const opened = await fetch(`${base}/${source}/blobs/uploads/`, { method: 'POST' });
  const target = new URL(opened.headers.get('location') ?? '', cloud.registryUrl);
  target.searchParams.set('digest', digest);
  expect((await fetch(target, { method: 'PUT', body: '{}' })).status).toBe(201);
  for (let start = 0; start < names.length; start += 50) {
    const mounted = names.slice(start, start + 50).map(async (name) => {
      const url = `${base}/${name}/blobs/uploads/?mount=${digest}&from=${source}`;
      return (await fetch(url, { method: 'POST' })).status;
    });
    for (const status of await Promise.all(mounted)) expect(status).toBe(201);
  }
}

it('repositories and tags list all pages of a real registry with one sign-in', async (context) => {
  needParts(context, 'docker-registry');
  const names = Array.from({ length: 520 }, (_, index) => `team/app-${String(index).padStart(3, '0')}`);
  await Promise.all([cloud.seed('web', '1.0'), cloud.seed('web', '1.1'), cloud.seed('web', 'latest')]);
  await fillRegistry('web', names);
  const machine = cloud.addMachine();
  const run = (...args: readonly string[]) => machine.run(PROGRAM, args);

  const all = await run('repositories', LOGIN_SERVER);
  expect(all).toEqual({ exitCode: 0, stdout: [...names, 'web', ''].join('\n'), stderr: '' });
  const pages = cloud.emulator.requests.filter(({ path }) => path === '/v2/_catalog');
  expect(pages.map(({ query, status }) => [query, status])).toEqual([
    [{ n: '500' }, 200],
    [{ n: '500', last: 'team/app-499' }, 200],
  ]);

  const [some, tags, missing, unknown] = await Promise.all([
    run('repositories', LOGIN_SERVER, '--limit', '2', '--json'),
    run('tags', `${LOGIN_SERVER}/web`),
    run('tags', `${LOGIN_SERVER}/web:1.2`),
    run('tags', `${LOGIN_SERVER}/wep`),
  ]);
  expect(parseJsonRecord(some.stdout)).toEqual({
    registry: LOGIN_SERVER,
    repositories: ['team/app-000', 'team/app-001'],
    isComplete: false,
  });
  expect(tags).toMatchObject({ exitCode: 0, stderr: '' });
  expect(tags.stdout.split('\n').toSorted()).toEqual(['', '1.0', '1.1', 'latest']);
  expect(missing.stdout.length).toBe(tags.stdout.length);
  expect(missing.stderr).toMatch(/^There is no tag "1\.2"\. Did you mean "1\.[01]"\?\n$/);
  expect(unknown).toMatchObject({ exitCode: 1, stdout: '' });
  expect(unknown.stderr).toContain(`hint: did you mean ${LOGIN_SERVER}/web? All of them: `);
  expect(cloud.signIns()).toEqual(['entra 200', 'exchange 200']);
});

it('a repository token lists its tags, and nobody those of a public registry', async (context) => {
  needParts(context, 'docker-registry');
  await cloud.seed('web', '1.0');
  registry.repositoryTokens.set('ci', { passwords: ['ci-password/1='], scopeMap: { web: ['pull', 'metadata_read'] } });
  const machine = cloud.addMachine({ identity: 'nobody' });
  const environment = machine.configure({ store: 'file' });
  const payload = JSON.stringify({ ServerURL: LOGIN_SERVER, Username: 'ci', Secret: 'ci-password/1=' });
  expect(await machine.helper('store', payload, { environment })).toMatchObject({ exitCode: 0 });
  const run = (...args: readonly string[]) => machine.run(PROGRAM, args, { environment });
  const [tags, denied] = await Promise.all([run('tags', `${LOGIN_SERVER}/web`), run('repositories', LOGIN_SERVER)]);
  expect(tags).toMatchObject({ exitCode: 0, stderr: '' });
  expect(tags.stdout).toContain('1.0\n');
  expect(denied).toMatchObject({ exitCode: 1, stdout: '' });
  expect(denied.stderr).toContain('the stored login of ci does not allow it');

  expect(await machine.helper('erase', LOGIN_SERVER, { environment })).toMatchObject({ exitCode: 0 });
  registry.anonymousPull = true;
  const [open, list] = await Promise.all([run('tags', `${LOGIN_SERVER}/web`), run('repositories', LOGIN_SERVER)]);
  registry.anonymousPull = false;
  expect([open.exitCode, list.exitCode]).toEqual([0, 0]);
  expect(list.stdout).toContain('web\n');
  expect(cloud.signIns()).toEqual([]);
});
