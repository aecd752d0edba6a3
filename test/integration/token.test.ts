/** The command `token`, against the emulator. */
import { beforeEach, describe, expect, test } from 'vitest';
import { parseJsonObject } from '../../src/json.ts';
import { registryOf } from '../emulator/state.ts';
import { makeToken } from '../unit/token.ts';
import { NOBODY, runCommand, type Variables } from './command-world.ts';
import { ENTRA, EXCHANGE, NULL_GUID, openWorld, REGISTRY, readClaims, TOKEN } from './world.ts';

const world = await openWorld();
const registry = registryOf(world.emulator.state, REGISTRY);
const ADMIN_PASSWORD = "Admin+pass'word=1%";

beforeEach(async () => {
  await world.run('erase', REGISTRY);
  Object.assign(registry, {
    anonymousPull: false,
    mode: 'rbac',
    adminUser: { username: 'admin', passwords: [ADMIN_PASSWORD] },
  });
});

const token = (args: readonly string[], options: Parameters<typeof runCommand>[2] = {}) =>
  runCommand(world, ['token', ...args], options);

/** Runs the command and expects only a token. */
async function expectToken(args: readonly string[], variables: Variables = {}): Promise<string> {
  const { exitCode, output, errors } = await token(args, { variables });
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
  expect(output).toMatch(/^\S+\n$/);
  return output.trim();
}

function storeLogin(username: string, secret: string) {
  world.writeConfig({ store: 'file' });
  return world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: username, Secret: secret }));
}

describe('token', () => {
  test('prints the refresh token that get returns, alone in a line', async () => {
    const printed = await expectToken([REGISTRY]);
    expect(readClaims(printed)).toMatchObject({ grant_type: 'refresh_token', aud: REGISTRY });
    expect((await world.get()).Secret).toBe(printed);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE]);
  });

  test.each([
    `https://${REGISTRY}`,
    `https://${REGISTRY}/v2/`,
    REGISTRY.toUpperCase(),
    `${REGISTRY}:443`,
    ` ${REGISTRY}.`,
  ])('knows the registry %j', async (host) => {
    expect(readClaims(await expectToken([host]))).toMatchObject({ aud: REGISTRY });
  });

  test('prints the object of az with --json', async () => {
    const { output, errors } = await token([REGISTRY, '--json']);
    const { Secret } = await world.get();
    expect(output).toBe(
      `${JSON.stringify({ accessToken: Secret, loginServer: REGISTRY, refreshToken: Secret, username: NULL_GUID }, undefined, 2)}\n`,
    );
    expect(errors).toBe('');
  });

  test('prints an access token for exactly the scopes, from the cache the second time', async () => {
    const args = [REGISTRY, '--scope', 'repository:team/app:pull', '--scope', 'repository:team/base:pull,push'];
    const printed = await expectToken(args);
    const { grant_type, access, exp = 0, iat = 0 } = readClaims(printed);
    expect(grant_type).toBe('access_token');
    expect(access).toEqual([
      { type: 'repository', name: 'team/app', actions: ['pull'] },
      { type: 'repository', name: 'team/base', actions: ['pull', 'push'] },
    ]);
    expect(Number(exp) - Number(iat)).toBe(75 * 60);
    expect(world.seen()).toEqual([ENTRA, EXCHANGE, TOKEN]);
    expect(await expectToken(args)).toBe(printed);
    expect(world.seen()).toHaveLength(3);
    const { output } = await token([...args, '--json']);
    expect(parseJsonObject(output)).toEqual({ accessToken: printed, loginServer: REGISTRY, username: NULL_GUID });
  });

  test('says which part of a scope the registry did not grant', async () => {
    registry.defaultRole = { actions: ['pull'] };
    const { exitCode, output, errors } = await token([REGISTRY, '--scope', 'repository:team/app:pull,push']);
    registry.defaultRole = { actions: ['pull', 'push', 'delete', 'catalog'] };
    expect(exitCode).toBe(0);
    expect(readClaims(output)).toHaveProperty('access');
    expect(errors).toBe(`warning: ${REGISTRY} did not grant repository:team/app:push\n`);
  });

  test('prints what "secret" of the configuration says, unless --refresh-token does', async () => {
    world.configure({ [REGISTRY]: { secret: 'access-token', scope: 'repository:team/app:pull' } });
    expect(readClaims(await expectToken([REGISTRY]))).toMatchObject({ grant_type: 'access_token' });
    expect(readClaims(await expectToken([REGISTRY, '--refresh-token']))).toMatchObject({ grant_type: 'refresh_token' });
  });

  test('prints the null GUID even if clients get an identity token', async () => {
    world.configure({ [REGISTRY]: { secret: 'identity-token' } });
    expect((await world.get()).Username).toBe('<token>');
    expect(parseJsonObject((await token([REGISTRY, '--json'])).output)).toMatchObject({ username: NULL_GUID });
  });

  test('prints a stored login, with its user name', async () => {
    await storeLogin('admin', ADMIN_PASSWORD);
    const { output } = await token([REGISTRY]);
    expect(output).toBe(`${ADMIN_PASSWORD}\n`);
    expect(parseJsonObject((await token([REGISTRY, '--json'])).output)).toEqual({
      ...{ accessToken: ADMIN_PASSWORD, loginServer: REGISTRY, username: 'admin' },
    });
    const login = await token([REGISTRY, '--docker-login']);
    expect(login.output).toBe(
      `docker login ${REGISTRY} --username admin --password-stdin <<'END'\n${ADMIN_PASSWORD}\nEND\n`,
    );
    expect(world.seen()).toEqual([]);
  });

  test('narrows a stored login to a scope', async () => {
    await storeLogin('admin', ADMIN_PASSWORD);
    const printed = await expectToken([REGISTRY, '--scope', 'repository:team/app:pull']);
    expect(readClaims(printed)['access']).toEqual([{ type: 'repository', name: 'team/app', actions: ['pull'] }]);
    expect(world.seen()).toEqual([`GET ${REGISTRY}/oauth2/token`]);
  });

  test('narrows a stored refresh token to a scope', async () => {
    const stored = (await world.get()).Secret;
    await world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: NULL_GUID, Secret: stored }));
    world.forgetRequests();
    const printed = await expectToken([REGISTRY, '--scope', 'repository:team/app:pull'], NOBODY);
    expect(readClaims(printed)['access']).toEqual([{ type: 'repository', name: 'team/app', actions: ['pull'] }]);
    expect(world.seen()).toEqual([TOKEN]);
  });

  test('narrows a stored access token to a scope', async () => {
    const args = [REGISTRY, '--scope', 'repository:team/app:pull'];
    const wide = await expectToken([...args, '--scope', 'repository:team/base:pull']);
    await world.run('store', JSON.stringify({ ServerURL: REGISTRY, Username: NULL_GUID, Secret: wide }));
    const printed = await expectToken(args, NOBODY);
    expect(readClaims(printed)['access']).toEqual([{ type: 'repository', name: 'team/app', actions: ['pull'] }]);
  });

  test('refuses a wrong stored login, and --refresh-token with a login', async () => {
    await storeLogin('admin', 'not-the-password');
    const scoped = await token([REGISTRY, '--scope', 'repository:team/app:pull']);
    expect(scoped).toMatchObject({ exitCode: 1, output: '' });
    expect(scoped.errors).toMatch(
      /^error: .*refuses the stored login.*\ncause: HTTP 401 .*\n(cause: .*\n)?hint: docker logout myregistry.azurecr.io\n$/,
    );
    const refresh = await token([REGISTRY, '--refresh-token']);
    expect(refresh).toEqual({
      exitCode: 1,
      output: '',
      errors: `error: Cannot get a refresh token for ${REGISTRY}: the stored login of admin takes precedence\nhint: docker logout ${REGISTRY}\n`,
    });
  });

  test('prints a Secret that holds the login for exactly this registry', async () => {
    const { output } = await token([REGISTRY, '--kubernetes-secret', 'acr.pull', '--namespace', 'team-a']);
    const { Secret } = await world.get();
    const manifest = parseJsonObject(output) ?? {};
    const { data, ...rest } = manifest;
    expect(rest).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'acr.pull', namespace: 'team-a' },
      type: 'kubernetes.io/dockerconfigjson',
    });
    expect(data).toEqual({ '.dockerconfigjson': expect.any(String) });
    const encoded = Object.values(data ?? {})[0];
    expect(JSON.parse(Buffer.from(String(encoded), 'base64').toString())).toEqual({
      auths: {
        [REGISTRY]: {
          username: NULL_GUID,
          password: Secret,
          auth: Buffer.from(`${NULL_GUID}:${Secret}`).toString('base64'),
        },
      },
    });
    const bare = parseJsonObject((await token([REGISTRY, '--kubernetes-secret', 'acr'])).output) ?? {};
    expect(bare['metadata']).toEqual({ name: 'acr' });
  });

  test('asks before it shows a token on a terminal, and tells when it expires', async () => {
    const terminal = { isOutputSeen: true };
    const shown = await token([REGISTRY, '--yes'], { terminal });
    expect(shown.output).toMatch(/^eyJ\S+\n$/);
    expect(shown.errors).toMatch(/^The token expires in 1(79|80) minutes, at \d\d:\d\d UTC\.\n$/);
    const refused = await token([REGISTRY], { terminal });
    expect(refused).toMatchObject({ exitCode: 2, output: '' });
    expect(refused.errors).toBe(
      `warning: whoever sees the token can use ${REGISTRY} as you; pipe it into a program instead\nerror: Cannot ask "Show the token?": standard input and standard error are not a terminal\nhint: answer with --yes\n`,
    );
  });

  test.each(['a\u001b[2Jb', 'a\nEND\nid', 'a b', 'a\u202eb'])('does not take %j for a token', async (refreshToken) => {
    const body = JSON.stringify({ refresh_token: refreshToken });
    const restore = world.emulator.inject({ path: '/oauth2/exchange', status: 200, body });
    const { exitCode, output, errors } = await token([REGISTRY]);
    restore();
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(errors).toContain(`${REGISTRY} returned no refresh_token`);
  });

  test('shows a token that expires later than any date, with the last date there is', async () => {
    const body = JSON.stringify({ refresh_token: makeToken({ exp: 1e300 }) });
    const restore = world.emulator.inject({ path: '/oauth2/exchange', status: 200, body });
    expect(await token([REGISTRY, '--yes'], { terminal: { isOutputSeen: true } })).toMatchObject({
      exitCode: 0,
      errors: expect.stringMatching(/^The token expires in \d{12} minutes, at 00:00 UTC\.\n$/),
    });
    restore();
  });

  test('tells nothing of an expiry for a password on a terminal', async () => {
    await storeLogin('admin', ADMIN_PASSWORD);
    expect(await token([REGISTRY, '--yes'], { terminal: { isOutputSeen: true } })).toMatchObject({
      output: `${ADMIN_PASSWORD}\n`,
      errors: '',
    });
  });

  test('says which sources were tried when nobody is signed in', async () => {
    const variables = { ...NOBODY, AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' };
    const { exitCode, output, errors } = await token([REGISTRY], { variables });
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(errors).toMatch(
      /^error: Cannot get a token for myregistry\.azurecr\.io: there is no credential\n(cause: skipped [^\n]+\n)+hint: no Azure identity [^\n]*docker-credential-acr login myregistry\.azurecr\.io, or az login\n$/,
    );
    world.expectNothingSent();
  });

  test('says that a registry is configured as anonymous', async () => {
    world.configure({ [REGISTRY]: { anonymous: true } });
    expect(await token([REGISTRY])).toEqual({
      exitCode: 1,
      output: '',
      errors: `error: Cannot get a token for ${REGISTRY}: it is configured as anonymous\nhint: pull without a login, or remove "anonymous" from the registry's configuration\n`,
    });
  });

  test('reports a failed sign-in even if clients would go on anonymously', async () => {
    world.configure({ [REGISTRY]: { onError: 'anonymous' } });
    const { exitCode, errors } = await token([REGISTRY], { variables: { AZURE_CLIENT_SECRET: 'wrong-secret' } });
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^error: Cannot sign in for myregistry\.azurecr\.io: [^\n]*AADSTS7000215/);
  });

  test('reports a mistake in the configuration', async () => {
    world.configure({ [REGISTRY]: { anonymus: true } });
    expect((await token([REGISTRY])).errors).toMatch(/^error: Cannot .*"anonymus"/);
  });

  test.each([
    [[], 'Missing required argument "host"'],
    [['registry.example.com'], '"registry.example.com" is not a registry of Azure'],
    [['myregistry'], '"myregistry" is not a registry of Azure'],
    [[`${REGISTRY}.example.com`], 'is not a registry of Azure'],
    [
      ['https://user:hunter2pass@myregistry.azurecr.io'],
      '"https://[redacted]@myregistry.azurecr.io" is not a registry of Azure',
    ],
    [[`x\u001B[2J`], '"x [2J" is not a registry of Azure'],
    [[REGISTRY, '--json', '--docker-login'], 'Option "--json" cannot be used with option "--docker-login"'],
    [[REGISTRY, '--docker-login', '--helm-login'], 'cannot be used with option'],
    [[REGISTRY, '--helm-login', '--kubernetes-secret', 'acr'], 'cannot be used with option'],
    [[REGISTRY, '--json', '--kubernetes-secret', 'acr'], 'cannot be used with option'],
    [[REGISTRY, '--scope', 'repository:x:pull', '--refresh-token'], 'cannot be used with option'],
    [[REGISTRY, '--scope', 'team/app'], 'The value of --scope is not a scope'],
    [[REGISTRY, '--scope', ''], 'The value of --scope is not a scope'],
    [[REGISTRY, '--namespace', 'x'], '--namespace needs --kubernetes-secret'],
    [
      [REGISTRY, '--kubernetes-secret', 'Acr'],
      'The value of --kubernetes-secret is not a name that Kubernetes accepts',
    ],
    [[REGISTRY, '--kubernetes-secret', 'acr', '--namespace', 'a.b'], 'The value of --namespace is not a name'],
  ])('is a usage error: %j', async (args, message) => {
    const { exitCode, output, errors } = await token(args);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toMatch(/^error: [^\n]+\nhint: [^\n]+\n$/);
    expect(errors).toContain(message);
    world.expectNothingSent();
  });
});
