/** The credentials of a login: kept in a keychain or a file, returned, moved and erased. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli.ts';
import { asJsonObject } from '../../src/json.ts';
import type { Outcome } from '../../src/outcome.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../emulator/emulator.ts';
import { createProxiedClient } from '../emulator/proxied-client.ts';
import { registryOf } from '../emulator/state.ts';
import { basic } from '../emulator/test-client.ts';
import { makeStreams } from '../unit/streams.ts';
import { type FakeKeychain, installKeychain } from './fake-keychain.ts';
import { NOT_FOUND, NULL_GUID, openWorld, parseAnswer, REGISTRY } from './world.ts';

const DONE = { exitCode: 0, stdout: '', stderr: '' };
const WARNING =
  /^docker-credential-acr: warning: credentials are stored unencrypted in \S+, which only you can open: .+\n$/;
/** Every secret that a test logs in with; none may appear outside an answer or the file. */
const LOGIN_SECRETS = {
  admin: 'Admin+pass/word=1',
  admin2: 'Admin+pass/word=2',
  token: 'tokenpw~1.abcdefgh',
  token2: 'tokenpw~2.abcdefgh',
  hub: 'dckr_pat_abcdef"\\ é',
  edge: 'edge client&pw',
};

const world = await openWorld();
const client = await createProxiedClient(world.emulator);
const binFolder = join(world.folder, 'bin');
const indexFile = join(world.dataFolder, 'credentials.json');
let seen = '';

beforeAll(() => {
  const registry = registryOf(world.emulator.state, REGISTRY);
  registry.adminUser = { username: 'myregistry', passwords: [LOGIN_SECRETS.admin, LOGIN_SECRETS.admin2] };
  registry.repositoryTokens.set('reader', {
    passwords: [LOGIN_SECRETS.token, LOGIN_SECRETS.token2],
    scopeMap: { 'team/app': ['pull'] },
  });
});
beforeEach(() => {
  seen = '';
  for (const folder of [binFolder, world.dataFolder]) rmSync(folder, { recursive: true, force: true });
  rmSync(world.logFile, { force: true });
  mkdirSync(binFolder);
});
afterEach(() => {
  const log = existsSync(world.logFile) ? readFileSync(world.logFile, 'utf8') : '';
  const calls = readdirSync(binFolder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('calls'));
  const text = `${seen}${log}${calls.map((name) => readFileSync(join(binFolder, name), 'utf8')).join('')}`;
  for (const secret of Object.values(LOGIN_SECRETS)) {
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), btoa64(secret)]) {
      expect(text.includes(form), `a login secret as ${form.slice(0, 4)}…`).toBe(false);
    }
  }
});
afterAll(() => client.close());

function btoa64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

interface CallOptions {
  readonly platform?: NodeJS.Platform;
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

/** Runs the program once on a machine that has the programs of `binFolder` and no other. */
async function call(
  verb: string,
  input: string,
  { platform = 'linux', variables }: CallOptions = {},
): Promise<Outcome> {
  const outcome = await run([verb], makeStreams(input), {
    env: { ...world.variables, PATH: binFolder, SystemRoot: world.folder, ...variables },
    platform,
    programName: 'docker-credential-acr',
    now: Date.now,
    secrets: new Set(),
    secretVariables: new Set(),
  });
  seen += `${outcome.stderr}\n${verb === 'get' && outcome.exitCode === 0 ? '' : outcome.stdout}\n`;
  return outcome;
}

function login(server: string, username: string, secret: string, options?: CallOptions): Promise<Outcome> {
  return call('store', JSON.stringify({ ServerURL: server, Username: username, Secret: secret }), options);
}

async function get(server: string, options?: CallOptions): Promise<{ username: string; secret: string } | undefined> {
  const { exitCode, stdout, stderr } = await call('get', server, options);
  expect(stderr).toBe('');
  if (exitCode === 1) {
    expect(stdout).toBe(NOT_FOUND);
    return undefined;
  }
  const answer = parseAnswer(stdout);
  expect(answer.ServerURL).toBe(server);
  return { username: answer.Username, secret: answer.Secret };
}

async function list(): Promise<unknown> {
  const { exitCode, stdout } = await call('list', 'unused');
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
}

function keychain(name = 'pass'): FakeKeychain {
  return installKeychain(binFolder, `docker-credential-${name}`);
}

/** The text of the index file, empty when there is none. */
function readIndex(): string {
  return existsSync(indexFile) ? readFileSync(indexFile, 'utf8') : '';
}

const ENTRY = `docker-credential-acr.invalid/${REGISTRY}`;

describe('with a working keychain', () => {
  test('keeps a login there under a name of its own, and nothing of it in clear text', async () => {
    const pass = keychain();
    expect(await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin)).toEqual(DONE);
    expect(pass.contents()).toEqual({ [ENTRY]: 'myregistry' });
    expect(readIndex()).not.toContain(LOGIN_SECRETS.admin);
    expect(statSync(indexFile).mode & 0o777).toBe(0o600);
    expect(statSync(world.dataFolder).mode & 0o777).toBe(0o700);
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin });
    expect(readdirSync(world.dataFolder)).toEqual(['credentials.json']);
  });

  test('starts the keychain program only for a server that has a credential there', async () => {
    const pass = keychain();
    await login('docker.io', 'me', LOGIN_SECRETS.hub);
    const before = pass.calls().length;
    expect(await get('other.example')).toBeUndefined();
    await call('get', REGISTRY);
    await call('erase', REGISTRY);
    await list();
    expect(pass.calls()).toHaveLength(before);
  });

  test('passes no secret as an argument', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    await get(REGISTRY);
    await call('erase', REGISTRY);
    expect(pass.calls()).toEqual(['store', 'get', 'get', 'erase']);
  });

  test('leaves the entries of the keychain’s owner alone', async () => {
    const pass = keychain();
    pass.put(REGISTRY, 'owner', 'of-the-owner');
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    await call('erase', REGISTRY);
    expect(pass.contents()).toEqual({ [REGISTRY]: 'owner' });
    expect(pass.secretOf(REGISTRY)).toBe('of-the-owner');
    expect(await get('owner.example')).toBeUndefined();
  });

  test('replaces the previous login, even in a keychain that keeps several', async () => {
    const pass = keychain();
    pass.feel('crowded');
    for (const [username, secret] of [
      ['aaa', LOGIN_SECRETS.token],
      ['zzz', LOGIN_SECRETS.token2],
      ['bbb', LOGIN_SECRETS.admin],
    ] as const) {
      await login(REGISTRY, username, secret);
      expect(await get(REGISTRY)).toEqual({ username, secret });
      expect(pass.usersOf(ENTRY)).toEqual([username]);
    }
  });

  test('uses the keychain of the platform', async () => {
    const names = ['osxkeychain', 'secretservice', 'pass'] as const;
    const [mac, desktop, pass] = [keychain(names[0]), keychain(names[1]), keychain(names[2])];
    await login('one.example', 'me', LOGIN_SECRETS.hub, { platform: 'darwin' });
    await login('two.example', 'me', LOGIN_SECRETS.hub);
    expect(Object.keys(mac.contents())).toEqual(['docker-credential-acr.invalid/one.example']);
    expect(Object.keys(desktop.contents())).toEqual(['docker-credential-acr.invalid/two.example']);
    expect(pass.calls()).toEqual([]);
  });

  test('skips a keychain program that is this program under another name', async () => {
    symlinkSync(process.execPath, join(binFolder, 'docker-credential-pass'));
    expect((await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin)).stderr).toContain(
      'nor docker-credential-pass is on PATH',
    );
  });

  test('answers not found for an entry that was removed by hand', async () => {
    const pass = keychain();
    await login('docker.io', 'me', LOGIN_SECRETS.hub);
    expect((await call('erase', 'x')).exitCode).toBe(0);
    writeFileSync(join(binFolder, 'docker-credential-pass.files', 'entries'), '');
    expect(await get('docker.io')).toBeUndefined();
    expect(pass.contents()).toEqual({});
  });

  test('keeps a secret of more than 2,560 bytes in the file on Windows', async () => {
    installKeychain(binFolder, 'docker-credential-wincred.exe');
    const options = { platform: 'win32' } as const;
    const tooLong = 'the secret is longer than the 2560 bytes that Windows can store';
    const { stderr } = await login('a.example', 'me', 'é'.repeat(1281), options);
    expect(stderr).toMatch(WARNING);
    expect(stderr).toContain(tooLong);
    expect(await get('a.example', options)).toEqual({ username: 'me', secret: 'é'.repeat(1281) });
    world.writeConfig({ store: 'keychain' });
    // This machine cannot start the program, so a short secret fails only at that step.
    expect((await login('b.example', 'me', 'é'.repeat(1280), options)).stdout).not.toContain(tooLong);
    expect((await login('b.example', 'me', 'é'.repeat(1281), options)).stdout).toContain(tooLong);
  });
});

describe('without a working keychain', () => {
  test('keeps a login in a file that only its owner can open, and warns once', async () => {
    const { exitCode, stdout, stderr } = await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toMatch(WARNING);
    expect(stderr).toContain(
      `${indexFile}, which only you can open: neither docker-credential-secretservice nor docker-cred`,
    );
    expect(await login('docker.io', 'me', LOGIN_SECRETS.hub)).toEqual(DONE);
    await call('erase', REGISTRY);
    expect(await login(REGISTRY, 'reader', LOGIN_SECRETS.token)).toEqual(DONE);
    expect(await get(REGISTRY)).toEqual({ username: 'reader', secret: LOGIN_SECRETS.token });
    expect(await get('docker.io')).toEqual({ username: 'me', secret: LOGIN_SECRETS.hub });
    expect(statSync(indexFile).mode & 0o777).toBe(0o600);
  });

  test.each(['broken', 'locked', 'forgets'] as const)(
    'skips a keychain in the state "%s" and asks the next one',
    async (mood) => {
      const [desktop, pass] = [keychain('secretservice'), keychain('pass')];
      desktop.feel(mood);
      expect(await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin)).toEqual(DONE);
      expect(desktop.contents()).toEqual({});
      expect(pass.contents()).toEqual({ [ENTRY]: 'myregistry' });
      pass.feel(mood);
      expect((await login('docker.io', 'me', LOGIN_SECRETS.hub)).stderr).toMatch(WARNING);
      expect(await get('docker.io')).toEqual({ username: 'me', secret: LOGIN_SECRETS.hub });
    },
  );

  test('stops a hanging keychain program with its children and logs the reason', async () => {
    const pass = keychain();
    pass.feel('hangs');
    const { exitCode, stderr } = await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(WARNING);
    expect(stderr).toContain('docker-credential-pass: no response within 5 seconds; it may be locked');
    expect(readFileSync(world.logFile, 'utf8')).toContain('docker-credential-pass store');
    expect(pass.hanging().length).toBe(2);
    await expect.poll(() => pass.hanging().filter(isRunning)).toEqual([]);
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin });
  });

  test('reports a keychain that stopped working with a hint, and uses no other identity', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    pass.feel('broken');
    const failed = await call('get', REGISTRY, { variables: { AZURE_TENANT_ID: TENANT_ID } });
    expect(failed.exitCode).toBe(1);
    expect(failed.stdout).toMatch(
      /^Cannot read the stored credential for myregistry.azurecr.io: docker-credential-pass: Can/,
    );
    expect(failed.stdout).toContain(
      'hint: unlock the keychain, or remove the credential: docker logout myregistry.azurecr',
    );
    pass.remove();
    expect((await call('get', REGISTRY)).stdout).toContain('docker-credential-pass is not on PATH');
    expect(world.emulator.connects).toEqual([]);
    expect(await call('erase', REGISTRY)).toEqual(DONE);
    expect(await list()).toEqual({});
  });

  test('answers not found with "onError": "anonymous" when the keychain stopped working', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    pass.feel('broken');
    world.configure({ [REGISTRY]: { onError: 'anonymous' } });
    expect(await get(REGISTRY)).toBeUndefined();
  });

  test('moves a login into a keychain that works again', async () => {
    const pass = keychain();
    pass.feel('broken');
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    expect(readIndex()).toContain(LOGIN_SECRETS.admin);
    pass.feel('works');
    expect(await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin2)).toEqual(DONE);
    expect(readIndex()).not.toContain('Admin');
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin2 });
  });
});

describe('the configuration', () => {
  test('"store": "file" bypasses the keychain, and moves a credential out of it at the next get', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    world.writeConfig({ store: 'file' });
    expect((await login('docker.io', 'me', LOGIN_SECRETS.hub)).stderr).toContain('"store": "file" is configured');
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin });
    expect(pass.contents()).toEqual({});
    pass.remove();
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin });
  });

  test('"store": "keychain" moves a credential out of the file at the next get', async () => {
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    await login('docker.io', 'me', LOGIN_SECRETS.hub);
    const pass = keychain();
    world.writeConfig({ store: 'keychain' });
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin });
    expect(await get('docker.io')).toEqual({ username: 'me', secret: LOGIN_SECRETS.hub });
    expect(Object.values(pass.contents())).toEqual(['myregistry', 'me']);
    expect(readIndex()).not.toContain('"secret"');
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin });
  });

  test('"store": "keychain" fails with a broken keychain and writes nothing in clear text', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    pass.feel('broken');
    const file = world.writeConfig({ store: 'keychain' });
    const { exitCode, stdout, stderr } = await login('docker.io', 'me', LOGIN_SECRETS.hub);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      'Cannot store the credential for docker.io: docker-credential-pass: Cannot autolaunch D-Bus',
    );
    expect(stderr).toContain(`hint: fix the keychain, or write "store": "file" in ${file}`);
    expect(Object.keys(JSON.parse(readIndex())['credentials'])).toEqual([REGISTRY]);
  });

  test('"store": "keychain" still answers from the file when it cannot move the credential', async () => {
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    world.writeConfig({ store: 'keychain' });
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: LOGIN_SECRETS.admin });
  });

  test.each([
    [REGISTRY, '*.azurecr.io'],
    ['10.0.0.5:5000', 'https://10.0.0.5:5000'],
    ['http://10.0.0.5:5000', '10.0.0.5:5000'],
    ['http://10.0.0.5:5000', 'http://10.0.0.5:5000'],
    ['https://index.docker.io/v1/', 'https://index.docker.io/v1/'],
  ])('"store": false refuses a login to %s, configured as %s, in one line', async (server, key) => {
    const file = world.writeConfig({ registries: { [key]: { store: false } } });
    const { exitCode, stdout } = await login(server, 'me', LOGIN_SECRETS.edge);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^[^\n`]+\n$/);
    expect(stdout).toContain(`${file} forbids it`);
    expect(existsSync(indexFile)).toBe(false);
    expect((await login('free.example', 'me', LOGIN_SECRETS.edge)).exitCode).toBe(0);
  });

  test('"store": false refuses the token of az acr login too', async () => {
    const { Secret } = await world.get();
    world.forgetTokens();
    world.configure({ [REGISTRY]: { store: false } });
    expect((await login(REGISTRY, NULL_GUID, Secret)).exitCode).toBe(1);
    expect(existsSync(join(world.cacheFolder, 'tokens'))).toBe(false);
  });

  test.each([
    [{ store: 'keychian' }, 'hint: write "store": "keychain"'],
    [{ registries: { '10.0.0.5:5000': { anonymous: true } } }, 'unknown key "anonymous"'],
    [{ registries: { '10.0.0.5:5000': { store: 'no' } } }, 'must be true or false'],
  ])('reports the mistake in %j', async (config, text) => {
    world.writeConfig(config);
    const { exitCode, stdout } = await login('10.0.0.5:5000', 'me', LOGIN_SECRETS.edge);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(text);
  });
});

describe('each kind of login', () => {
  const scope = 'repository:team/app:pull';
  async function signInWith(username: string, secret: string): Promise<number> {
    const url = `https://${REGISTRY}/oauth2/token?service=${REGISTRY}&scope=${scope}`;
    return (await client.ask(url, { headers: { authorization: basic(username, secret) } })).status;
  }

  test.each([
    ['admin user', 'myregistry', LOGIN_SECRETS.admin],
    ['admin user, second password', 'myregistry', LOGIN_SECRETS.admin2],
    ['repository token', 'reader', LOGIN_SECRETS.token],
    ['repository token, second password', 'reader', LOGIN_SECRETS.token2],
    ['service principal', CLIENT_ID, CLIENT_SECRET],
  ])(
    'returns the stored login of the %s, which the registry accepts, instead of signing in',
    async (_name, username, secret) => {
      keychain();
      expect(await login(REGISTRY, username, secret)).toEqual(DONE);
      const variables = { AZURE_TENANT_ID: TENANT_ID, AZURE_CLIENT_ID: CLIENT_ID, AZURE_CLIENT_SECRET: CLIENT_SECRET };
      for (const form of [REGISTRY, `https://${REGISTRY}`, `${REGISTRY}:443`, 'myregistry.westeurope.geo.azurecr.io']) {
        const answer = await get(form, { variables: form === REGISTRY ? variables : {} });
        expect(answer).toEqual({ username, secret });
      }
      expect(world.emulator.connects).toEqual([]);
      expect(await signInWith(username, secret)).toBe(200);
      expect(await signInWith(username, 'wrong-password-1')).toBe(401);
      expect(await list()).toEqual({ [REGISTRY]: username });
      await call('erase', `https://${REGISTRY}`);
      expect(await list()).toEqual({});
    },
  );

  test('replaces a password with an ACR token, and the other way round', async () => {
    const { Secret } = await world.get();
    world.forgetTokens();
    const pass = keychain();
    await login(REGISTRY, 'myregistry', LOGIN_SECRETS.admin);
    expect(await login(REGISTRY, NULL_GUID, Secret)).toEqual(DONE);
    expect(pass.contents()).toEqual({});
    expect(await get(REGISTRY)).toEqual({ username: NULL_GUID, secret: Secret });
    expect(await list()).toEqual({ [REGISTRY]: NULL_GUID });
    await login(REGISTRY, 'reader', LOGIN_SECRETS.token);
    expect(await get(REGISTRY)).toEqual({ username: 'reader', secret: LOGIN_SECRETS.token });
    await call('erase', REGISTRY);
    expect(await call('get', REGISTRY)).toMatchObject({ exitCode: 1, stdout: NOT_FOUND });
  });

  test('returns only a stored login for a registry configured as anonymous', async () => {
    keychain();
    world.configure({ [REGISTRY]: { anonymous: true } });
    expect(await get(REGISTRY)).toBeUndefined();
    await login(REGISTRY, 'reader', LOGIN_SECRETS.token);
    expect(await get(REGISTRY)).toEqual({ username: 'reader', secret: LOGIN_SECRETS.token });
  });

  test.each([
    ['edge.example:5000', ['https://edge.example:5000', 'https://EDGE.example:5000/']],
    ['10.0.0.5:443', ['10.0.0.5', 'https://10.0.0.5', 'https://10.0.0.5:443']],
    ['http://10.0.0.5:8080', ['HTTP://10.0.0.5:8080/']],
    ['[fd00::5]:5000', ['https://[FD00::5]:5000']],
    ['localhost:5000', ['https://localhost:5000/']],
    ['http://localhost', ['http://LOCALHOST:80']],
  ])('keeps, returns and erases the login of the connected registry %s without a request', async (server, forms) => {
    const pass = keychain();
    expect(await login(server, 'edge-client', LOGIN_SECRETS.edge)).toEqual(DONE);
    for (const form of [server, ...forms]) {
      expect(await get(form)).toEqual({ username: 'edge-client', secret: LOGIN_SECRETS.edge });
    }
    expect(await get('edge.example:5001')).toBeUndefined();
    expect(await list()).toEqual({ [server]: 'edge-client' });
    await call('erase', forms.at(-1) ?? server);
    expect(await get(server)).toBeUndefined();
    expect(pass.contents()).toEqual({});
    expect(world.emulator.connects).toEqual([]);
    expect(world.emulator.requests).toEqual([]);
  });
});

describe('a login for plain http', () => {
  test.each([
    [REGISTRY, `http://${REGISTRY}`],
    ['edge.example:5000', 'http://edge.example:5000'],
    ['edge.example', 'http://edge.example:443'],
  ])('is another one than that for https: %s and %s', async (secure, insecure) => {
    const pass = keychain();
    expect(await login(`https://${secure}`, 'edge-client', LOGIN_SECRETS.edge)).toEqual(DONE);
    expect(await call('get', insecure)).toMatchObject({ exitCode: 1, stdout: NOT_FOUND });
    expect(await login(insecure, 'plain-client', LOGIN_SECRETS.token)).toEqual(DONE);
    expect(await get(secure)).toEqual({ username: 'edge-client', secret: LOGIN_SECRETS.edge });
    expect(await get(insecure)).toEqual({ username: 'plain-client', secret: LOGIN_SECRETS.token });
    expect(Object.values(asJsonObject(await list()) ?? {})).toEqual(['edge-client', 'plain-client']);
    await call('erase', insecure);
    expect(await get(secure)).toEqual({ username: 'edge-client', secret: LOGIN_SECRETS.edge });
    expect(await login(insecure, 'plain-client', LOGIN_SECRETS.token)).toEqual(DONE);
    // A logout names the host.
    await call('erase', secure.replace(/:443$/, ''));
    if (insecure.endsWith(':443')) await call('erase', insecure);
    expect(await list()).toEqual({});
    expect(pass.contents()).toEqual({});
  });

  test("is not needed for a token: a registry of Azure's has one for both", async () => {
    const { Secret } = await world.get();
    expect((await world.get(`http://${REGISTRY}`)).Secret).toBe(Secret);
  });
});

describe('as the store for every registry', () => {
  const hub = 'https://index.docker.io/v1/';

  test('keeps Docker Hub and its tokens apart, and lists them as Docker named them', async () => {
    keychain();
    const forms: Readonly<Record<string, string>> = {
      [hub]: LOGIN_SECRETS.hub,
      [`${hub}access-token`]: LOGIN_SECRETS.token,
      [`${hub}refresh-token`]: LOGIN_SECRETS.token2,
      'docker.io': LOGIN_SECRETS.edge,
      'ghcr.io': LOGIN_SECRETS.admin,
    };
    for (const [server, secret] of Object.entries(forms)) expect(await login(server, 'me', secret)).toEqual(DONE);
    for (const [server, secret] of Object.entries(forms)) expect(await get(server)).toEqual({ username: 'me', secret });
    expect(await list()).toEqual(Object.fromEntries(Object.keys(forms).map((server) => [server, 'me'])));
    await call('erase', `${hub}access-token`);
    expect(await get(`${hub}access-token`)).toBeUndefined();
    expect(await get(hub)).toEqual({ username: 'me', secret: LOGIN_SECRETS.hub });
  });

  test('keeps the identity token of another registry unchanged', async () => {
    keychain();
    await login('ghcr.io', '<token>', LOGIN_SECRETS.hub);
    expect(await get('ghcr.io')).toEqual({ username: '<token>', secret: LOGIN_SECRETS.hub });
  });

  test('accepts server names that are invalid as a URL or a file name', async () => {
    keychain();
    for (const server of [
      'https://me@host.example/a b?c#d',
      '../../etc/passwd',
      'x'.repeat(300),
      '__proto__',
      '\uD800',
    ]) {
      await login(server, 'me', LOGIN_SECRETS.hub);
      expect(await get(server)).toEqual({ username: 'me', secret: LOGIN_SECRETS.hub });
      expect(await call('erase', server)).toEqual(DONE);
    }
    expect(readdirSync(world.dataFolder)).toEqual(['credentials.json']);
  });

  test('serves other registries despite a broken configuration', async () => {
    keychain();
    await login('ghcr.io', 'me', LOGIN_SECRETS.hub);
    world.writeConfig('{');
    expect(await get('ghcr.io')).toEqual({ username: 'me', secret: LOGIN_SECRETS.hub });
    expect(await get('quay.io')).toBeUndefined();
  });
});

describe('concurrent writers', () => {
  test('lose no credential of different servers, in a keychain and in the file', async () => {
    const pass = keychain();
    const servers = Array.from({ length: 8 }, (_, index) => `host${index}.example`);
    const first = servers.slice(0, 4).map((server) => login(server, server, LOGIN_SECRETS.hub));
    await Promise.all(first);
    pass.remove();
    await Promise.all(servers.slice(4).map((server) => login(server, server, LOGIN_SECRETS.hub)));
    expect(await list()).toEqual(Object.fromEntries(servers.map((server) => [server, server])));
    await Promise.all([
      ...servers.slice(0, 6).map((server) => call('erase', server)),
      login('new.example', 'n', 'secret'),
    ]);
    expect(await list()).toEqual({
      'host6.example': 'host6.example',
      'host7.example': 'host7.example',
      'new.example': 'n',
    });
    expect(readdirSync(world.dataFolder)).toEqual(['credentials.json']);
  });
});

describe('an unusable index', () => {
  test.each(['{', '', '[]', '{"version":2,"credentials":{}}', '{"version":1,"credentials":{"a":{"server":"a"}}}'])(
    'is empty for get, list and erase, and is reported and moved aside by store: %j',
    async (text) => {
      mkdirSync(world.dataFolder, { mode: 0o700 });
      writeFileSync(indexFile, text, { mode: 0o600 });
      expect(await get('docker.io')).toBeUndefined();
      expect(await list()).toEqual({});
      expect(await call('erase', 'docker.io')).toEqual(DONE);
      expect(readIndex()).toBe(text);
      const { exitCode, stdout } = await login('docker.io', 'me', LOGIN_SECRETS.hub);
      expect(exitCode).toBe(1);
      expect(stdout).toContain(
        `Cannot use ${indexFile}: it is damaged; it was renamed to ${indexFile}.broken; hint: log in to`,
      );
      expect(readFileSync(`${indexFile}.broken`, 'utf8')).toBe(text);
      expect((await login('docker.io', 'me', LOGIN_SECRETS.hub)).exitCode).toBe(0);
      writeFileSync(indexFile, text);
      expect((await login('docker.io', 'me', LOGIN_SECRETS.hub)).stdout).toContain(`${indexFile}.broken.2`);
    },
  );

  test('that may hold a secret is gone after a logout, wherever it was', async () => {
    const damage = () => writeFileSync(indexFile, readIndex().slice(0, -5));
    await login('docker.io', 'me', LOGIN_SECRETS.hub);
    damage();
    expect((await login('ghcr.io', 'me', LOGIN_SECRETS.hub)).exitCode).toBe(1);
    await login('docker.io', 'me', LOGIN_SECRETS.hub);
    damage();
    expect(readFileSync(`${indexFile}.broken`, 'utf8')).toContain(JSON.stringify(LOGIN_SECRETS.hub));
    expect(await call('erase', 'ghcr.io')).toEqual(DONE);
    expect(readdirSync(world.dataFolder)).toEqual([]);
  });

  test('has no copies after a logout that a killed process left behind, even the only one', async () => {
    mkdirSync(world.dataFolder, { mode: 0o700 });
    const copy = () => writeFileSync(join(world.dataFolder, '.1-abc.tmp'), LOGIN_SECRETS.hub, { mode: 0o600 });
    copy();
    expect(await call('erase', 'ghcr.io')).toEqual(DONE);
    expect(readdirSync(world.dataFolder)).toEqual([]);
    copy();
    await login('docker.io', 'me', LOGIN_SECRETS.hub);
    expect(readdirSync(world.dataFolder)).toEqual(['credentials.json']);
  });

  test('is neither trusted nor replaced when others can read it', async () => {
    await login('docker.io', 'me', LOGIN_SECRETS.hub);
    chmodSync(indexFile, 0o644);
    expect(await get('docker.io')).toBeUndefined();
    expect((await login('ghcr.io', 'me', LOGIN_SECRETS.hub)).stdout).toContain(`hint: chmod 600 ${indexFile}`);
    chmodSync(indexFile, 0o600);
    expect(await get('docker.io')).toEqual({ username: 'me', secret: LOGIN_SECRETS.hub });
  });

  test.each(['/proc/nothing/here', 'relative', '/etc/passwd'])(
    'fails store, but neither get nor erase, in the folder %s',
    async (folder) => {
      const options = { variables: { DOCKER_CREDENTIAL_ACR_DATA_DIR: folder } };
      keychain();
      const { exitCode, stdout } = await login('docker.io', 'me', LOGIN_SECRETS.hub, options);
      expect(exitCode).toBe(1);
      expect(stdout).toContain('Cannot store the credential for docker.io: ');
      expect(await call('erase', 'docker.io', options)).toEqual(DONE);
      expect(await get('docker.io', options)).toBeUndefined();
    },
  );
});

describe('"clientSecretKeychain"', () => {
  const entry = 'https://example.com/my service principal';
  const identity = { type: 'client-secret', clientId: CLIENT_ID, tenantId: TENANT_ID, clientSecretKeychain: entry };

  test('signs in with the secret that its owner put into the keychain', async () => {
    const [desktop, pass] = [keychain('secretservice'), keychain('pass')];
    desktop.feel('broken');
    pass.put(entry, 'anything', CLIENT_SECRET);
    world.configure({ [REGISTRY]: { identity } });
    expect((await get(REGISTRY))?.username).toBe(NULL_GUID);
    expect(pass.contents()).toEqual({ [entry]: 'anything' });
  });

  test('reports where it looked', async () => {
    const desktop = keychain('secretservice');
    desktop.feel('broken');
    world.configure({ [REGISTRY]: { identity } });
    const { exitCode, stdout } = await call('get', REGISTRY);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`the keychain has no client secret for ${entry}`);
    expect(stdout).toContain('Cannot autolaunch D-Bus');
    expect(stdout).toContain('docker-credential-pass is not on PATH');
  });
});

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    // A zombie has exited, although its parent has not waited for it yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${processId}/status`, 'utf8'));
  } catch {
    return false;
  }
}
