/** Every kind of user with a password that ACR knows, at `docker login`, kept in a keychain and in the file. */
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { CLIENT_ID, CLIENT_SECRET, registryOf } from '../emulator/state.ts';
import { expectNotFound } from './world/answer.ts';
import { LOGIN_SERVER } from './world/cloud.ts';
import { LOGIN_BACKENDS, prepareLoginBackend } from './world/login-backend.ts';
import type { Machine } from './world/machine.ts';
import { needParts, needRoot, partOf } from './world/parts.ts';
import { openCloud, openDockerEngine } from './world/test-cloud.ts';

const IMAGE = `${LOGIN_SERVER}/team/app:1`;
/** The logins, each of which replaces the previous one. */
const USERS = [
  ['the admin user with the first password', 'contoso', 'Admin+pass/word=1%'],
  ['the admin user with the second password', 'contoso', 'Admin+pass/word=2%'],
  ['a repository token with its first password', 'reader', 'tokenpw~1.abcdefgh'],
  ['a repository token with its second password', 'reader', 'tokenpw~2."\\\u00e9'],
  ['a service principal', CLIENT_ID, CLIENT_SECRET],
] as const;
/** The logins that the registry refuses, with its words. */
const REFUSALS = [
  ['a wrong password of the admin user', 'contoso', 'not the password', /authentication required/],
  ['a wrong password of a repository token', 'reader', 'not the password', /authentication required/],
  ['an unknown user', 'somebody@contoso.com', 'not the password', /Application not registered with AAD/],
  ['a wrong secret of a service principal', CLIENT_ID, 'not the secret', /Invalid clientid or client secret/],
] as const;

const cloud = await openCloud();
const registry = registryOf(cloud.emulator.state, LOGIN_SERVER);
registry.adminUser = { username: 'contoso', passwords: [USERS[0][2], USERS[1][2]] };
const scopeMap = { 'team/app': ['pull'] };
registry.repositoryTokens.set('reader', { passwords: [USERS[2][2], USERS[3][2]], scopeMap });
for (const [, , password] of REFUSALS) cloud.emulator.state.issuedSecrets.add(password);
const dockerHost = openDockerEngine(cloud);
let machine: Machine;

beforeEach(() => {
  machine = cloud.addMachine({ identity: 'nobody' });
});

describe.each(LOGIN_BACKENDS)('with logins kept in %s', (name) => {
  async function setUp(context: TestContext) {
    needParts(context, 'docker', 'dockerd', 'docker-registry');
    needRoot(context);
    const kept = await prepareLoginBackend(name, machine, context);
    const environment = { ...kept.environment, DOCKER_HOST: dockerHost() };
    return {
      kept,
      docker: (args: readonly string[], input = '') => machine.run(partOf('docker'), args, { environment, input }),
      get: () => machine.helper('get', LOGIN_SERVER, { environment }),
    };
  }

  it('each login replaces the previous one, is returned, pulls, and is erased by a logout', async (context) => {
    const { kept, docker, get } = await setUp(context);
    for (const [who, user, password] of USERS) {
      const login = await docker(['login', LOGIN_SERVER, '-u', user, '--password-stdin'], password);
      expect(login, who).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
      // Only the first login in clear text causes a warning.
      const isTold = kept.isClear && who === USERS[0][0];
      expect(login.stderr, who).toEqual(isTold ? expect.stringMatching(/^\S+ warning: [^\n]+\n$/) : '');
      expect(await kept.users(), who).toEqual({ [LOGIN_SERVER]: user });
      kept.expectHidden(password);
      const answer = await get();
      expect(answer, who).toMatchObject({ exitCode: 0, stderr: '' });
      expect(JSON.parse(answer.stdout), who).toEqual({ ServerURL: LOGIN_SERVER, Username: user, Secret: password });

      const again = await docker(['login', LOGIN_SERVER]);
      expect(again, who).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Login Succeeded') });
      const pull = await docker(['pull', IMAGE]);
      expect(pull, who).toEqual({ exitCode: 0, stdout: expect.stringContaining('Downloaded newer image'), stderr: '' });
      await docker(['rmi', IMAGE]);
    }
    expect(await docker(['logout', LOGIN_SERVER])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await kept.users()).toEqual({});
    expectNotFound(await get());
    expect((await docker(['pull', IMAGE])).stderr).toMatch(/unauthorized/);
    expect(cloud.signIns()).toEqual([]);
  });

  it('a login that the registry refuses is not kept, and the previous login stays', async (context) => {
    const { kept, docker, get } = await setUp(context);
    const [, user, password] = USERS[0];
    expect(await docker(['login', LOGIN_SERVER, '-u', user, '--password-stdin'], password)).toMatchObject({
      exitCode: 0,
    });
    for (const [what, wrongUser, wrongPassword, message] of REFUSALS) {
      const login = await docker(['login', LOGIN_SERVER, '-u', wrongUser, '--password-stdin'], wrongPassword);
      expect(login, what).toEqual({ exitCode: 1, stdout: '', stderr: expect.stringMatching(message) });
      expect(await kept.users(), what).toEqual({ [LOGIN_SERVER]: user });
    }
    expect(JSON.parse((await get()).stdout)).toMatchObject({ Username: user, Secret: password });
  });
});
