/** What people type at a login: kept in a keychain or a file, given back, moved and forgotten. */

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
import { type Outcome, run } from '../../src/cli.ts';
import { CLIENT_ID, CLIENT_SECRET, TENANT_ID } from '../emulator/emulator.ts';
import { createProxiedClient } from '../emulator/proxied-client.ts';
import { registryOf } from '../emulator/state.ts';
import { basic } from '../emulator/test-client.ts';
import { type FakeKeychain, installKeychain } from './fake-keychain.ts';
import { NOT_FOUND, NULL_GUID, openWorld, parseAnswer, REGISTRY } from './world.ts';

const DONE = { exitCode: 0, stdout: '', stderr: '' };
const WARNING =
  /^docker-credential-acr: warning: credentials are kept unencrypted in \S+, which only you can open: .+\n$/;
/** Every secret that a test types: none may be seen anywhere but in an answer or in the file. */
const TYPED = {
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
  registry.adminUser = { username: 'myregistry', passwords: [TYPED.admin, TYPED.admin2] };
  registry.repositoryTokens.set('reader', {
    passwords: [TYPED.token, TYPED.token2],
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
  for (const secret of Object.values(TYPED)) {
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), btoa64(secret)]) {
      expect(text.includes(form), `a typed secret as ${form.slice(0, 4)}…`).toBe(false);
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
  const outcome = await run([verb], async () => input, {
    env: { ...world.variables, PATH: binFolder, SystemRoot: world.folder, ...variables },
    platform,
    programName: 'docker-credential-acr',
    now: Date.now,
    secrets: new Set(),
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

/** The program and what it reads and writes of the index only. */
function readFile(): string {
  return existsSync(indexFile) ? readFileSync(indexFile, 'utf8') : '';
}

const ENTRY = `docker-credential-acr.invalid/${REGISTRY}`;

describe('with a keychain that works', () => {
  test('a login is kept there, by a name of ours, and nothing of it in clear text', async () => {
    const pass = keychain();
    expect(await login(REGISTRY, 'myregistry', TYPED.admin)).toEqual(DONE);
    expect(pass.contents()).toEqual({ [ENTRY]: 'myregistry' });
    expect(readFile()).not.toContain(TYPED.admin);
    expect(statSync(indexFile).mode & 0o777).toBe(0o600);
    expect(statSync(world.dataFolder).mode & 0o777).toBe(0o700);
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin });
    expect(readdirSync(world.dataFolder)).toEqual(['credentials.json']);
  });

  test('its program starts only for a server that has something there', async () => {
    const pass = keychain();
    await login('docker.io', 'me', TYPED.hub);
    const before = pass.calls().length;
    expect(await get('other.example')).toBeUndefined();
    await call('get', REGISTRY);
    await call('erase', REGISTRY);
    await list();
    expect(pass.calls()).toHaveLength(before);
  });

  test('no secret is an argument', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', TYPED.admin);
    await get(REGISTRY);
    await call('erase', REGISTRY);
    expect(pass.calls()).toEqual(['store', 'get', 'get', 'erase']);
  });

  test('what its owner keeps there stays as it is', async () => {
    const pass = keychain();
    pass.put(REGISTRY, 'owner', 'of-the-owner');
    await login(REGISTRY, 'myregistry', TYPED.admin);
    await call('erase', REGISTRY);
    expect(pass.contents()).toEqual({ [REGISTRY]: 'owner' });
    expect(pass.secretOf(REGISTRY)).toBe('of-the-owner');
    expect(await get('owner.example')).toBeUndefined();
  });

  test('a new login replaces the one before, also where it keeps one beside another', async () => {
    const pass = keychain();
    pass.feel('crowded');
    for (const [username, secret] of [
      ['aaa', TYPED.token],
      ['zzz', TYPED.token2],
      ['bbb', TYPED.admin],
    ] as const) {
      await login(REGISTRY, username, secret);
      expect(await get(REGISTRY)).toEqual({ username, secret });
      expect(pass.usersOf(ENTRY)).toEqual([username]);
    }
  });

  test('the platform tells which one is asked', async () => {
    const names = ['osxkeychain', 'secretservice', 'pass'] as const;
    const [mac, desktop, pass] = [keychain(names[0]), keychain(names[1]), keychain(names[2])];
    await login('one.example', 'me', TYPED.hub, { platform: 'darwin' });
    await login('two.example', 'me', TYPED.hub);
    expect(Object.keys(mac.contents())).toEqual(['docker-credential-acr.invalid/one.example']);
    expect(Object.keys(desktop.contents())).toEqual(['docker-credential-acr.invalid/two.example']);
    expect(pass.calls()).toEqual([]);
  });

  test('a keychain program that is this program by another name is none', async () => {
    symlinkSync(process.execPath, join(binFolder, 'docker-credential-pass'));
    expect((await login(REGISTRY, 'myregistry', TYPED.admin)).stderr).toContain(
      'docker-credential-pass is not on PATH',
    );
  });

  test('an entry that was taken out of it by hand is no credential', async () => {
    const pass = keychain();
    await login('docker.io', 'me', TYPED.hub);
    expect((await call('erase', 'x')).exitCode).toBe(0);
    writeFileSync(join(binFolder, 'docker-credential-pass.files', 'entries'), '{}');
    expect(await get('docker.io')).toBeUndefined();
    expect(pass.contents()).toEqual({});
  });

  test('Windows keeps no more than 2,560 bytes: what is longer goes to the file', async () => {
    installKeychain(binFolder, 'docker-credential-wincred.exe');
    const options = { platform: 'win32' } as const;
    const tooLong = 'the secret is longer than the 2560 bytes that Windows keeps';
    const { stderr } = await login('a.example', 'me', 'é'.repeat(1281), options);
    expect(stderr).toMatch(WARNING);
    expect(stderr).toContain(tooLong);
    expect(await get('a.example', options)).toEqual({ username: 'me', secret: 'é'.repeat(1281) });
    world.writeConfig({ store: 'keychain' });
    // This machine cannot start it; what is short enough gets as far as that.
    expect((await login('b.example', 'me', 'é'.repeat(1280), options)).stdout).not.toContain(tooLong);
    expect((await login('b.example', 'me', 'é'.repeat(1281), options)).stdout).toContain(tooLong);
  });
});

describe('without a keychain that works', () => {
  test('a login is kept in a file that only its owner can open, which is said once', async () => {
    const { exitCode, stdout, stderr } = await login(REGISTRY, 'myregistry', TYPED.admin);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toMatch(WARNING);
    expect(stderr).toContain(`${indexFile}, which only you can open: docker-credential-secretservice or docker-cred`);
    expect(await login('docker.io', 'me', TYPED.hub)).toEqual(DONE);
    await call('erase', REGISTRY);
    expect(await login(REGISTRY, 'reader', TYPED.token)).toEqual(DONE);
    expect(await get(REGISTRY)).toEqual({ username: 'reader', secret: TYPED.token });
    expect(await get('docker.io')).toEqual({ username: 'me', secret: TYPED.hub });
    expect(statSync(indexFile).mode & 0o777).toBe(0o600);
  });

  test.each(['broken', 'locked', 'forgets'] as const)(
    'one that is %s is passed over, and the next one asked',
    async (mood) => {
      const [desktop, pass] = [keychain('secretservice'), keychain('pass')];
      desktop.feel(mood);
      expect(await login(REGISTRY, 'myregistry', TYPED.admin)).toEqual(DONE);
      expect(desktop.contents()).toEqual({});
      expect(pass.contents()).toEqual({ [ENTRY]: 'myregistry' });
      pass.feel(mood);
      expect((await login('docker.io', 'me', TYPED.hub)).stderr).toMatch(WARNING);
      expect(await get('docker.io')).toEqual({ username: 'me', secret: TYPED.hub });
    },
  );

  test('one that hangs is ended with all that it started, and the log says why', async () => {
    const pass = keychain();
    pass.feel('hangs');
    const { exitCode, stderr } = await login(REGISTRY, 'myregistry', TYPED.admin);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(WARNING);
    expect(stderr).toContain('docker-credential-pass: no answer within 5 seconds; it may be locked');
    expect(readFileSync(world.logFile, 'utf8')).toContain('docker-credential-pass store');
    expect(pass.hanging().length).toBe(2);
    await expect.poll(() => pass.hanging().filter(isRunning)).toEqual([]);
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin });
  });

  test('a keychain that cannot be asked any more is an error with the way out, and never another identity', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', TYPED.admin);
    pass.feel('broken');
    const failed = await call('get', REGISTRY, { variables: { AZURE_TENANT_ID: TENANT_ID } });
    expect(failed.exitCode).toBe(1);
    expect(failed.stdout).toMatch(
      /^Cannot read the stored credential of myregistry.azurecr.io: docker-credential-pass: Can/,
    );
    expect(failed.stdout).toContain(
      'hint: unlock the keychain, or forget the credential: docker logout myregistry.azurecr',
    );
    pass.remove();
    expect((await call('get', REGISTRY)).stdout).toContain('docker-credential-pass is not on PATH');
    expect(world.emulator.connects).toEqual([]);
    expect(await call('erase', REGISTRY)).toEqual(DONE);
    expect(await list()).toEqual({});
  });

  test('"onError": "anonymous" makes it not-found', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', TYPED.admin);
    pass.feel('broken');
    world.configure({ [REGISTRY]: { onError: 'anonymous' } });
    expect(await get(REGISTRY)).toBeUndefined();
  });

  test('a login moves into a keychain that works again', async () => {
    const pass = keychain();
    pass.feel('broken');
    await login(REGISTRY, 'myregistry', TYPED.admin);
    expect(readFile()).toContain(TYPED.admin);
    pass.feel('works');
    expect(await login(REGISTRY, 'myregistry', TYPED.admin2)).toEqual(DONE);
    expect(readFile()).not.toContain('Admin');
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin2 });
  });
});

describe('the configuration', () => {
  test('"store": "file" keeps away from the keychain, and takes what is there out of it at the next get', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', TYPED.admin);
    world.writeConfig({ store: 'file' });
    expect((await login('docker.io', 'me', TYPED.hub)).stderr).toContain('"store": "file" is configured');
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin });
    expect(pass.contents()).toEqual({});
    pass.remove();
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin });
  });

  test('"store": "keychain" moves what is in the file at the next get', async () => {
    await login(REGISTRY, 'myregistry', TYPED.admin);
    await login('docker.io', 'me', TYPED.hub);
    const pass = keychain();
    world.writeConfig({ store: 'keychain' });
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin });
    expect(await get('docker.io')).toEqual({ username: 'me', secret: TYPED.hub });
    expect(Object.values(pass.contents())).toEqual(['myregistry', 'me']);
    expect(readFile()).not.toContain('"secret"');
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin });
  });

  test('"store": "keychain" with a broken one is an error, and nothing is written in the clear', async () => {
    const pass = keychain();
    await login(REGISTRY, 'myregistry', TYPED.admin);
    pass.feel('broken');
    const file = world.writeConfig({ store: 'keychain' });
    const { exitCode, stdout, stderr } = await login('docker.io', 'me', TYPED.hub);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      'Cannot keep the credential of docker.io: docker-credential-pass: Cannot autolaunch D-Bus',
    );
    expect(stderr).toContain(`hint: make the keychain work, or write "store": "file" in ${file}`);
    expect(Object.keys(JSON.parse(readFile())['credentials'])).toEqual([REGISTRY]);
  });

  test('"store": "keychain" still answers with what is in the file where it cannot be moved', async () => {
    await login(REGISTRY, 'myregistry', TYPED.admin);
    world.writeConfig({ store: 'keychain' });
    expect(await get(REGISTRY)).toEqual({ username: 'myregistry', secret: TYPED.admin });
  });

  test.each([
    [REGISTRY, '*.azurecr.io'],
    ['10.0.0.5:5000', 'http://10.0.0.5:5000'],
    ['https://index.docker.io/v1/', 'https://index.docker.io/v1/'],
  ])('"store": false of %s forbids it in one line', async (server, key) => {
    const file = world.writeConfig({ registries: { [key]: { store: false } } });
    const { exitCode, stdout } = await login(server, 'me', TYPED.edge);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^[^\n`]+\n$/);
    expect(stdout).toContain(`${file} forbids it`);
    expect(existsSync(indexFile)).toBe(false);
    expect((await login('free.example', 'me', TYPED.edge)).exitCode).toBe(0);
  });

  test('"store": false holds for the token of az acr login too', async () => {
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
  ])('%j is told', async (config, text) => {
    world.writeConfig(config);
    const { exitCode, stdout } = await login('10.0.0.5:5000', 'me', TYPED.edge);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(text);
  });
});

describe('each kind of user', () => {
  const scope = 'repository:team/app:pull';
  async function signInWith(username: string, secret: string): Promise<number> {
    const url = `https://${REGISTRY}/oauth2/token?service=${REGISTRY}&scope=${scope}`;
    return (await client.ask(url, { headers: { authorization: basic(username, secret) } })).status;
  }

  test.each([
    ['admin user', 'myregistry', TYPED.admin],
    ['admin user, second password', 'myregistry', TYPED.admin2],
    ['repository token', 'reader', TYPED.token],
    ['repository token, second password', 'reader', TYPED.token2],
    ['service principal', CLIENT_ID, CLIENT_SECRET],
  ])('%s: what get answers is good at the registry, and wins over the chain', async (_name, username, secret) => {
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
    await call('erase', `http://${REGISTRY}`);
    expect(await list()).toEqual({});
  });

  test('an ACR token replaces a typed login, and the other way round', async () => {
    const { Secret } = await world.get();
    world.forgetTokens();
    const pass = keychain();
    await login(REGISTRY, 'myregistry', TYPED.admin);
    expect(await login(REGISTRY, NULL_GUID, Secret)).toEqual(DONE);
    expect(pass.contents()).toEqual({});
    expect(await get(REGISTRY)).toEqual({ username: NULL_GUID, secret: Secret });
    expect(await list()).toEqual({ [REGISTRY]: NULL_GUID });
    await login(REGISTRY, 'reader', TYPED.token);
    expect(await get(REGISTRY)).toEqual({ username: 'reader', secret: TYPED.token });
    await call('erase', REGISTRY);
    expect(await call('get', REGISTRY)).toMatchObject({ exitCode: 1, stdout: NOT_FOUND });
  });

  test('a registry that is anonymous answers with what is stored, else with nothing', async () => {
    keychain();
    world.configure({ [REGISTRY]: { anonymous: true } });
    expect(await get(REGISTRY)).toBeUndefined();
    await login(REGISTRY, 'reader', TYPED.token);
    expect(await get(REGISTRY)).toEqual({ username: 'reader', secret: TYPED.token });
  });

  test.each([
    ['edge.example:5000', ['https://edge.example:5000', 'http://EDGE.example:5000/']],
    ['10.0.0.5:443', ['10.0.0.5', 'https://10.0.0.5', 'https://10.0.0.5:443']],
    ['http://10.0.0.5:8080', ['10.0.0.5:8080', 'https://10.0.0.5:8080']],
    ['[fd00::5]:5000', ['http://[FD00::5]:5000']],
    ['localhost:5000', ['http://localhost:5000/']],
  ])('a connected registry %s: kept, given back in every form, forgotten, with no request', async (server, forms) => {
    const pass = keychain();
    expect(await login(server, 'edge-client', TYPED.edge)).toEqual(DONE);
    for (const form of [server, ...forms]) {
      expect(await get(form)).toEqual({ username: 'edge-client', secret: TYPED.edge });
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

describe('as the store of every registry', () => {
  const hub = 'https://index.docker.io/v1/';

  test('Docker Hub and its tokens are kept apart, and listed as Docker named them', async () => {
    keychain();
    const forms: Readonly<Record<string, string>> = {
      [hub]: TYPED.hub,
      [`${hub}access-token`]: TYPED.token,
      [`${hub}refresh-token`]: TYPED.token2,
      'docker.io': TYPED.edge,
      'ghcr.io': TYPED.admin,
    };
    for (const [server, secret] of Object.entries(forms)) expect(await login(server, 'me', secret)).toEqual(DONE);
    for (const [server, secret] of Object.entries(forms)) expect(await get(server)).toEqual({ username: 'me', secret });
    expect(await list()).toEqual(Object.fromEntries(Object.keys(forms).map((server) => [server, 'me'])));
    await call('erase', `${hub}access-token`);
    expect(await get(`${hub}access-token`)).toBeUndefined();
    expect(await get(hub)).toEqual({ username: 'me', secret: TYPED.hub });
  });

  test('an identity token of another registry is kept as it is', async () => {
    keychain();
    await login('ghcr.io', '<token>', TYPED.hub);
    expect(await get('ghcr.io')).toEqual({ username: '<token>', secret: TYPED.hub });
  });

  test('what cannot be in a URL or a file name is a server like any other', async () => {
    keychain();
    for (const server of [
      'https://me@host.example/a b?c#d',
      '../../etc/passwd',
      'x'.repeat(300),
      '__proto__',
      '\uD800',
    ]) {
      await login(server, 'me', TYPED.hub);
      expect(await get(server)).toEqual({ username: 'me', secret: TYPED.hub });
      expect(await call('erase', server)).toEqual(DONE);
    }
    expect(readdirSync(world.dataFolder)).toEqual(['credentials.json']);
  });

  test('a broken configuration breaks nothing of others', async () => {
    keychain();
    await login('ghcr.io', 'me', TYPED.hub);
    world.writeConfig('{');
    expect(await get('ghcr.io')).toEqual({ username: 'me', secret: TYPED.hub });
    expect(await get('quay.io')).toBeUndefined();
  });
});

describe('many at once', () => {
  test('writers of different servers lose nothing, with a keychain and with the file', async () => {
    const pass = keychain();
    const servers = Array.from({ length: 8 }, (_, index) => `host${index}.example`);
    const first = servers.slice(0, 4).map((server) => login(server, server, TYPED.hub));
    await Promise.all(first);
    pass.remove();
    await Promise.all(servers.slice(4).map((server) => login(server, server, TYPED.hub)));
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

describe('an index that cannot be read', () => {
  test.each(['{', '', '[]', '{"version":2,"credentials":{}}', '{"version":1,"credentials":{"a":{"server":"a"}}}'])(
    '%j: empty for get and list, erase succeeds, store tells and keeps it aside',
    async (text) => {
      mkdirSync(world.dataFolder, { mode: 0o700 });
      writeFileSync(indexFile, text, { mode: 0o600 });
      expect(await get('docker.io')).toBeUndefined();
      expect(await list()).toEqual({});
      expect(await call('erase', 'docker.io')).toEqual(DONE);
      expect(readFile()).toBe(text);
      const { exitCode, stdout } = await login('docker.io', 'me', TYPED.hub);
      expect(exitCode).toBe(1);
      expect(stdout).toContain(
        `Cannot use ${indexFile}: it is damaged, and is now ${indexFile}.broken; hint: log in ag`,
      );
      expect(readFileSync(`${indexFile}.broken`, 'utf8')).toBe(text);
      expect((await login('docker.io', 'me', TYPED.hub)).exitCode).toBe(0);
      writeFileSync(indexFile, text);
      expect((await login('docker.io', 'me', TYPED.hub)).stdout).toContain(`${indexFile}.broken.2`);
    },
  );

  test('one that others can read is not believed, and not replaced', async () => {
    await login('docker.io', 'me', TYPED.hub);
    chmodSync(indexFile, 0o644);
    expect(await get('docker.io')).toBeUndefined();
    expect((await login('ghcr.io', 'me', TYPED.hub)).stdout).toContain(`hint: chmod 600 ${indexFile}`);
    chmodSync(indexFile, 0o600);
    expect(await get('docker.io')).toEqual({ username: 'me', secret: TYPED.hub });
  });

  test.each(['/proc/nothing/here', 'relative', '/etc/passwd'])('a folder that cannot be had: %s', async (folder) => {
    const options = { variables: { DOCKER_CREDENTIAL_ACR_DATA_DIR: folder } };
    keychain();
    const { exitCode, stdout } = await login('docker.io', 'me', TYPED.hub, options);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Cannot keep the credential of docker.io: ');
    expect(await call('erase', 'docker.io', options)).toEqual(DONE);
    expect(await get('docker.io', options)).toBeUndefined();
  });
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

  test('tells where it looked', async () => {
    const desktop = keychain('secretservice');
    desktop.feel('broken');
    world.configure({ [REGISTRY]: { identity } });
    const { exitCode, stdout } = await call('get', REGISTRY);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`the client secret is not in the keychain as ${entry}`);
    expect(stdout).toContain('Cannot autolaunch D-Bus');
    expect(stdout).toContain('docker-credential-pass is not on PATH');
  });
});

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    // A process that has ended and that nobody has waited for yet is there still.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${processId}/status`, 'utf8'));
  } catch {
    return false;
  }
}
