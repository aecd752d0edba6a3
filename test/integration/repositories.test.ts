/** The commands `repositories` and `tags`, against the emulator. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseJsonObject } from '../../src/json.ts';
import type { Fault } from '../emulator/emulator.ts';
import { registryOf } from '../emulator/state.ts';
import { NOBODY, runCommand } from './command-world.ts';
import { ENTRA, EXCHANGE, NULL_GUID, openWorld, REGISTRY, TOKEN } from './world.ts';

const world = await openWorld();
const registry = registryOf(world.emulator.state, REGISTRY);
const CATALOG = `GET ${REGISTRY}/v2/_catalog`;
const TAGS = `GET ${REGISTRY}/v2/team/app/tags/list`;
const ALL_ROLES = { actions: ['pull', 'push', 'delete', 'catalog'] } as const;
const ADMIN_PASSWORD = 'Admin+pass/word=1%';

const stops: (() => void)[] = [];
beforeEach(async () => {
  await world.run('erase', REGISTRY);
  registry.roles.clear();
  registry.repositoryTokens.clear();
  Object.assign(registry, {
    ...{ anonymousPull: false, mode: 'rbac', defaultRole: ALL_ROLES, firewall: undefined },
    adminUser: { username: 'admin', passwords: [ADMIN_PASSWORD] },
  });
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const command = (args: readonly string[], options: Parameters<typeof runCommand>[2] = {}) =>
  runCommand(world, args, options);

/** Lets the registry answer with this, once for each call. */
function answer(path: string | RegExp, body: unknown, fault: Partial<Fault> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  // Only an authorized request gets so far.
  stops.push(world.emulator.inject({ host: REGISTRY, path, status: 200, body: text, times: 1, ...fault }));
}

function storeLogin(username: string, secret: string) {
  world.writeConfig({ store: 'file' });
  return world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: username, Secret: secret }));
}

describe('repositories', () => {
  test('lists the repositories of all pages, one a line', async () => {
    answer(
      '/v2/_catalog',
      { repositories: ['a', 'b'] },
      { headers: { Link: '</v2/_catalog?last=b&n=500>; rel="next"' } },
    );
    answer('/v2/_catalog', { repositories: ['c'] });
    expect(await command(['repositories', REGISTRY])).toEqual({ exitCode: 0, output: 'a\nb\nc\n', errors: '' });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, TOKEN, CATALOG, CATALOG]);
    const [, , token, first, second] = world.emulator.requests;
    expect(token?.form['scope']).toBe('registry:catalog:*');
    expect([first?.query, second?.query]).toEqual([{ n: '500' }, { n: '500', last: 'b' }]);
    expect(second?.headers['authorization']).toMatch(/^Bearer eyJ/);
  });

  test('prints JSON', async () => {
    answer('/v2/_catalog', { repositories: ['team/app'] });
    const { output } = await command(['repositories', `https://${REGISTRY}/`, '--json']);
    expect(parseJsonObject(output)).toEqual({ registry: REGISTRY, repositories: ['team/app'], isComplete: true });
  });

  test('says that there is none', async () => {
    answer('/v2/_catalog', { repositories: null });
    expect(await command(['repositories', REGISTRY])).toEqual({
      ...{ exitCode: 0, output: '', errors: `${REGISTRY} has no repositories.\n` },
    });
  });

  test.each([
    ['2', ['a', 'b', 'c'], undefined, 'a\nb\n', 'There are more than these 2 repositories.\n'],
    ['2', ['a', 'b'], '</v2/_catalog?last=b>; rel="next"', 'a\nb\n', 'There are more than these 2 repositories.\n'],
    ['2', ['a', 'b'], undefined, 'a\nb\n', ''],
    ['3', ['a', 'b'], undefined, 'a\nb\n', ''],
  ])('with --limit %s stops after so many of %j (next page: %s)', async (limit, repositories, link, output, errors) => {
    answer('/v2/_catalog', { repositories }, link === undefined ? {} : { headers: { Link: link } });
    expect(await command(['repositories', REGISTRY, '--limit', limit])).toEqual({ exitCode: 0, output, errors });
    expect(world.emulator.requests.at(-1)?.query).toEqual({ n: limit });
    expect(world.seen().filter((one) => one === CATALOG)).toHaveLength(1);
  });

  test.each([
    '<https://evil.example.com/v2/_catalog?last=b>; rel="next"',
    '<//evil.azurecr.io/v2/_catalog?last=b>; rel="next"',
    '<http://myregistry.azurecr.io/v2/_catalog?last=b>; rel="next"',
    '<https://myregistry.azurecr.io:8443/v2/_catalog?last=b>; rel="next"',
    '</v2/other/tags/list?last=b>; rel=next',
    '</oauth2/token>; rel="next"',
    '<http://[>; rel="next"',
  ])('does not follow the link %s', async (Link) => {
    answer('/v2/_catalog', { repositories: ['a'] }, { headers: { Link } });
    const { exitCode, output, errors } = await command(['repositories', REGISTRY]);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(errors).toContain(`error: Cannot list the repositories of ${REGISTRY}: ${REGISTRY} did not return a list\n`);
    expect(errors).toContain('cause: the next page of the list is on another server');
    expect(world.emulator.requests.every(({ host }) => [REGISTRY, 'login.microsoftonline.com'].includes(host))).toBe(
      true,
    );
  });

  test.each(['/v2/_catalog?last=a', '/v2/_catalog?n=500'])(
    'does not go round in a circle of pages to %s',
    async (next) => {
      answer('/v2/_catalog', { repositories: ['a'] }, { headers: { Link: `<${next}>; rel="next"` }, times: 1000 });
      const { exitCode, output, errors } = await command(['repositories', REGISTRY]);
      expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
      expect(errors).toContain('cause: the next page of the list is one that came before\n');
      expect(world.seen().filter((request) => request === CATALOG).length).toBeLessThan(3);
    },
  );

  test('stops when the pages have no end', async () => {
    for (let page = 1; page <= 201; page += 1) {
      answer('/v2/_catalog', { repositories: ['a'] }, { headers: { Link: `</v2/_catalog?last=${page}>; rel="next"` } });
    }
    const { exitCode, output, errors } = await command(['repositories', REGISTRY]);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: 'There are more than these 200 repositories.\n' });
    expect(output).toBe('a\n'.repeat(200));
  });

  test('shows names as one line each, without control characters and secrets, and a long name as it is', async () => {
    const long = `${'team/'.repeat(20)}app`;
    const secret = world.variables['AZURE_CLIENT_SECRET'] ?? 'abc8Q~x._-y+/z=&1%2Bw_~9';
    answer('/v2/_catalog', { repositories: ['a\nb\u001B[2J', long, `x-${secret}`, 7] });
    const { output } = await command(['repositories', REGISTRY]);
    expect(output).toBe(`a b [2J\n${long}\nx-[redacted]\n`);
  });

  test('uses a stored login, in Basic', async () => {
    await storeLogin('admin', ADMIN_PASSWORD);
    answer('/v2/_catalog', { repositories: ['a'] });
    expect(await command(['repositories', REGISTRY])).toEqual({ exitCode: 0, output: 'a\n', errors: '' });
    expect(world.seen()).toEqual([`GET ${REGISTRY}/oauth2/token`, CATALOG]);
    expect(world.emulator.requests[0]?.query).toEqual({ service: REGISTRY, scope: 'registry:catalog:*' });
    const sent = Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64');
    expect(world.emulator.requests[0]?.headers['authorization']).toBe(`Basic ${sent}`);
  });

  test('asks an anonymous registry without a credential', async () => {
    registry.anonymousPull = true;
    world.configure({ [REGISTRY]: { anonymous: true } });
    answer('/v2/_catalog', { repositories: ['a'] });
    expect(await command(['repositories', REGISTRY])).toEqual({ exitCode: 0, output: 'a\n', errors: '' });
    expect(world.seen()).toEqual([`GET ${REGISTRY}/oauth2/token`, CATALOG]);
    expect(world.emulator.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  test('asks without a credential where nobody is signed in, and says how to sign in if that is refused', async () => {
    registry.anonymousPull = true;
    answer('/v2/_catalog', { repositories: ['a'] });
    expect(await command(['repositories', REGISTRY], { variables: NOBODY })).toMatchObject({ output: 'a\n' });
    registry.anonymousPull = false;
    const { exitCode, errors } = await command(['repositories', REGISTRY], { variables: NOBODY });
    expect(exitCode).toBe(1);
    expect(errors).toMatch(
      /^error: Cannot list the repositories of myregistry\.azurecr\.io: [^\n]*anonymous pulls\ncause: HTTP 401 [^\n]*\n(cause: [^\n]*\n)*cause: skipped azure-cli: [^\n]*\n(cause: [^\n]*\n)*hint: no Azure identity is set up for myregistry\.azurecr\.io; run: docker-credential-acr login myregistry\.azurecr\.io, or az login\n$/,
    );
  });

  test('says so when the configuration wrongly calls a registry anonymous', async () => {
    world.configure({ [REGISTRY]: { anonymous: true } });
    const { exitCode, errors } = await command(['repositories', REGISTRY]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(
      /hint: remove "anonymous" from the registry's configuration, so that an identity signs in\n$/,
    );
  });

  test('names the role for the catalog of a registry in ABAC mode', async () => {
    registry.mode = 'abac';
    registry.defaultRole = { actions: ['pull'] };
    const { exitCode, output, errors } = await command(['repositories', REGISTRY]);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(errors).toMatch(
      /^error: Cannot list the repositories of myregistry\.azurecr\.io: 99999999-[0-9a-f-]+ needs the role "Container Registry Repository Catalog Lister"\n/,
    );
    expect(errors).toContain(
      "hint: az role assignment create --role 'Container Registry Repository Catalog Lister' --assignee 99999999-8888-4777-8666-555555555555 --scope $(az acr show -n myregistry --query id -o tsv)",
    );
  });

  test('names the role for a registry in RBAC mode', async () => {
    registry.defaultRole = { actions: ['push'] };
    expect((await command(['repositories', REGISTRY])).errors).toContain('needs the role "AcrPull"');
  });

  test('says that a repository token may not list repositories', async () => {
    registry.repositoryTokens.set('ci', { passwords: ['ci-password-1'], scopeMap: { 'team/app': ['pull'] } });
    await storeLogin('ci', 'ci-password-1');
    const { exitCode, errors } = await command(['repositories', REGISTRY]);
    expect(exitCode).toBe(1);
    expect(errors).toContain('the stored login of ci does not allow it\n');
    expect(errors).toMatch(/hint: to use an identity of Azure instead: docker logout myregistry\.azurecr\.io\n$/);
  });

  test('says that a stored access token for something else does not allow it', async () => {
    const { output } = await command(['token', REGISTRY, '--scope', 'repository:team/app:pull']);
    await world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: NULL_GUID, Secret: output.trim() }));
    const { errors } = await command(['repositories', REGISTRY], { variables: NOBODY });
    expect(errors).toContain(': the stored access token does not allow it\n');
  });

  test('gets new tokens when the registry has revoked the cached ones', async () => {
    await world.get();
    registry.epoch += 1;
    world.forgetRequests();
    answer('/v2/_catalog', { repositories: ['a'] });
    expect(await command(['repositories', REGISTRY])).toEqual({ exitCode: 0, output: 'a\n', errors: '' });
    expect(world.seen().filter((one) => one === EXCHANGE)).toHaveLength(1);
  });

  test('uses the identity even if clients get only a token for pulls', async () => {
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:team/app:pull' } });
    answer('/v2/_catalog', { repositories: ['a'] });
    expect(await command(['repositories', REGISTRY])).toMatchObject({ output: 'a\n' });
  });

  test('reports the firewall of the registry', async () => {
    await world.get();
    registry.firewall = '203.0.113.7';
    const { exitCode, errors } = await command(['repositories', REGISTRY]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(
      `error: Cannot list the repositories of ${REGISTRY}: the firewall of ${REGISTRY} blocks 203.0.113.7\n`,
    );
  });

  test.each([
    [
      'the page of a proxy',
      '<h1>Sign in</h1>',
      {},
      /did not return a list\ncause: HTTP 200: Sign in\nhint: check HTTPS_PROXY/,
    ],
    ['another list', { tags: [] }, {}, /did not return a list\ncause: HTTP 200: {"tags":\[\]}\n/],
    [
      'no catalog',
      { errors: [{ code: 'NOT_FOUND' }] },
      { status: 404 },
      /did not return a list\ncause: HTTP 404 NOT_FOUND\n/,
    ],
    [
      'throttling',
      '',
      { status: 429, headers: { 'Retry-After': '60' } },
      /received too many requests\n.*\nhint: wait 60 seconds/,
    ],
    ['a failure', '', { status: 501 }, /responded with status 501\n/],
    [
      'a redirect',
      '',
      { status: 307, redirectTo: 'https://evil.example.com/' },
      /redirects to evil\.example\.com, which is not followed\n/,
    ],
  ])('reports %s', async (_what, body, fault, errors) => {
    answer('/v2/_catalog', body, { times: 5, ...fault });
    const result = await command(['repositories', REGISTRY]);
    expect(result).toMatchObject({ exitCode: 1, output: '' });
    expect(result.errors).toMatch(errors);
  });

  test.each(['0', '-1', 'x', '1e3', '1.5', '9999999999'])('refuses --limit %s', async (limit) => {
    const { exitCode, errors } = await command(['repositories', REGISTRY, `--limit=${limit}`]);
    expect(exitCode).toBe(2);
    expect(errors).toBe('error: The value of --limit is not a number\nhint: write it as --limit 100\n');
    world.expectNothingSent();
  });
});

describe('tags', () => {
  const list = (...args: readonly string[]) => command(['tags', ...args]);

  test('lists the tags of all pages, one a line', async () => {
    answer(
      '/v2/team/app/tags/list',
      { name: 'team/app', tags: ['1.0'] },
      { headers: { Link: '</v2/team/app/tags/list?last=1.0&n=500>; rel="next"' } },
    );
    answer('/v2/team/app/tags/list', { name: 'team/app', tags: ['latest'] });
    expect(await list(`${REGISTRY}/team/app`)).toEqual({ exitCode: 0, output: '1.0\nlatest\n', errors: '' });
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, TOKEN, TAGS, TAGS]);
    expect(world.emulator.requests[2]?.form['scope']).toBe('repository:team/app:metadata_read,pull');
  });

  test('prints JSON', async () => {
    answer('/v2/team/app/tags/list', { tags: ['1'] });
    const { output } = await list(`https://${REGISTRY}/team/app`, '--json');
    expect(parseJsonObject(output)).toEqual({
      registry: REGISTRY,
      repository: 'team/app',
      tags: ['1'],
      isComplete: true,
    });
  });

  test('says that there is none', async () => {
    answer('/v2/team/app/tags/list', { tags: null });
    expect(await list(`${REGISTRY}/team/app`)).toMatchObject({
      output: '',
      errors: `${REGISTRY}/team/app has no tags.\n`,
    });
  });

  test.each([
    [':1.0', ''],
    [':1.1', 'There is no tag "1.1". Did you mean "1.0"?\n'],
    [':something-else', 'There is no tag "something-else".\n'],
    [`@sha256:${'0'.repeat(64)}`, ''],
    [`:1.0@sha256:${'0'.repeat(64)}`, ''],
  ])('of an image %s says whether the tag exists', async (suffix, errors) => {
    answer('/v2/team/app/tags/list', { tags: ['1.0', 'latest'] });
    expect(await list(`${REGISTRY}/team/app${suffix}`)).toEqual({ exitCode: 0, output: '1.0\nlatest\n', errors });
  });

  const UNKNOWN = { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known to registry' }] };

  test('offers similar names for a repository that does not exist', async () => {
    answer('/v2/team/ap/tags/list', UNKNOWN, { status: 404 });
    answer('/v2/_catalog', { repositories: ['other', 'team/app', 'x/ap', 'y/ap', 'z/ap'] });
    expect(await list(`${REGISTRY}/team/ap`)).toEqual({
      exitCode: 1,
      output: '',
      errors: [
        `error: Cannot list the tags of ${REGISTRY}/team/ap: there is no such repository`,
        'cause: HTTP 404 NAME_UNKNOWN: repository name not known to registry',
        `hint: did you mean ${REGISTRY}/team/app or ${REGISTRY}/x/ap or ${REGISTRY}/y/ap? All of them: docker-credential-acr repositories ${REGISTRY}`,
        '',
      ].join('\n'),
    });
  });

  test('quotes similar names, which come from the registry', async () => {
    answer('/v2/app/tags/list', UNKNOWN, { status: 404 });
    answer('/v2/_catalog', { repositories: ["$(touch pwned)'/app"] });
    expect((await list(`${REGISTRY}/app`)).errors).toContain(`did you mean '${REGISTRY}/$(touch pwned)?/app'?`);
  });

  test('only names the other command where the catalog cannot be read or nothing is similar', async () => {
    const hint = `\nhint: docker-credential-acr repositories ${REGISTRY}\n`;
    answer('/v2/team/app/tags/list', UNKNOWN, { status: 404 });
    answer('/v2/_catalog', { repositories: ['something-else'] });
    expect((await list(`${REGISTRY}/team/app`)).errors).toContain(hint);
    answer('/v2/team/app/tags/list', UNKNOWN, { status: 404 });
    answer('/v2/_catalog', '', { status: 501 });
    expect((await list(`${REGISTRY}/team/app`)).errors).toContain(hint);
    registry.mode = 'abac';
    registry.defaultRole = { actions: ['pull'] };
    world.forgetTokens();
    answer('/v2/team/app/tags/list', UNKNOWN, { status: 404 });
    expect((await list(`${REGISTRY}/team/app`)).errors).toContain(hint);
  });

  test('names the role for a repository of a registry in ABAC mode', async () => {
    registry.mode = 'abac';
    registry.defaultRole = { actions: ['pull'], repositories: ['team/other'] };
    const { exitCode, errors } = await list(`${REGISTRY}/team/app`);
    expect(exitCode).toBe(1);
    expect(errors).toContain('needs the role "Container Registry Repository Reader"');
  });

  test('asks without a credential where nobody is signed in', async () => {
    registry.anonymousPull = true;
    answer('/v2/team/app/tags/list', { tags: ['1'] });
    expect(await command(['tags', `${REGISTRY}/team/app`], { variables: NOBODY })).toMatchObject({ output: '1\n' });
  });

  test('uses a stored ACR token', async () => {
    const { Secret } = await world.get();
    await world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: NULL_GUID, Secret }));
    world.forgetRequests();
    answer('/v2/team/app/tags/list', { tags: ['1'] });
    expect(await command(['tags', `${REGISTRY}/team/app`], { variables: NOBODY })).toMatchObject({ output: '1\n' });
    expect(world.seen()).toEqual([TOKEN, TAGS]);
  });

  test.each([
    [
      [REGISTRY],
      'There is no repository in the argument',
      `docker-credential-acr repositories ${REGISTRY} lists the repositories`,
    ],
    [[`${REGISTRY}/`], 'There is no repository in the argument', 'repositories'],
    [[`${REGISTRY}/Team/App`], `"${REGISTRY}/Team/App" does not name a repository`, 'lower-case'],
    [[`${REGISTRY}/team/../app`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/team/./app`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/team//app`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/team/app?n=1`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/team/app#x`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/team%2Fapp`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/team/app:`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/team/app:a b`], 'does not name a repository', 'lower-case'],
    [[`${REGISTRY}/${'a'.repeat(256)}`], 'does not name a repository', 'lower-case'],
    [['team/app'], '"team" is not a registry of Azure', 'myregistry.azurecr.io'],
    [['docker.io/library/alpine'], '"docker.io" is not a registry of Azure', 'myregistry.azurecr.io'],
  ])('refuses %j', async (args, message, hint) => {
    const { exitCode, output, errors } = await list(...args);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toMatch(/^error: [^\n]+\nhint: [^\n]+\n$/);
    expect(errors).toContain(message);
    expect(errors).toContain(hint);
    world.expectNothingSent();
  });
});
