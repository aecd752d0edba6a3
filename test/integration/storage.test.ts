/** What is kept: `store`, `erase`, `list`, and a cache on machines where little works. */

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
import { describe, expect, test } from 'vitest';
import { NULL_GUID, openWorld, REGISTRY } from './world.ts';

const world = await openWorld();

/** An ACR refresh token, as a client gets one by itself. */
async function takeToken(registry = REGISTRY): Promise<string> {
  const { Secret } = await world.get(registry);
  world.forgetTokens();
  world.forgetRequests();
  return Secret;
}

function payload(username: string, secret: string, serverUrl = REGISTRY): string {
  return JSON.stringify({ ServerURL: serverUrl, Username: username, Secret: secret }).replaceAll('<', '\\u003c');
}

function listFiles(): string[] {
  return readdirSync(world.cacheFolder, { recursive: true, encoding: 'utf8' }).sort();
}

describe('store', () => {
  test.each([NULL_GUID, '<token>'])(
    'keeps the token of %s, which wins over signing in until its end',
    async (username) => {
      const token = await takeToken();
      expect(await world.run('store', payload(username, token))).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      expect((await world.get()).Secret).toBe(token);
      expect((await world.get('myregistry.westeurope.geo.azurecr.io')).Secret).toBe(token);
      expect(world.emulator.connects).toEqual([]);
      world.aheadSeconds = 10_799;
      expect((await world.get()).Secret).toBe(token);
      world.aheadSeconds = 10_801;
      expect((await world.get()).Secret).not.toBe(token);
    },
  );

  test('needs no identity', async () => {
    const token = await takeToken();
    await world.run('store', payload(NULL_GUID, token));
    const { exitCode, stdout } = await world.run('get', REGISTRY);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(token);
  });

  test('of a token that has ended since is named where nobody is signed in', async () => {
    await world.run('store', payload(NULL_GUID, await takeToken()));
    world.aheadSeconds = 10_801;
    const { stderr } = await world.run('get', REGISTRY);
    expect(stderr).toContain(`the token of the last login has ended: docker logout ${REGISTRY}\n`);
    await world.run('erase', REGISTRY);
    expect((await world.run('get', REGISTRY)).stderr).not.toContain('docker logout');
  });

  test('replaces the token of the login before', async () => {
    const [first, second] = [await takeToken(), await takeToken()];
    await world.run('store', payload(NULL_GUID, first));
    await world.run('store', payload('<token>', second));
    expect((await world.get()).Secret).toBe(second);
  });

  test.each([['a secret that is no token', payload(NULL_GUID, 'just-a-password'), 'the secret is not an ACR token']])(
    'refuses %s with one line',
    async (_name, input, text) => {
      const { exitCode, stdout } = await world.run('store', input);
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/^[^\n`]+\n$/);
      expect(stdout).toContain(text);
      expect(stdout).not.toContain('password-of');
      expect(stdout).not.toContain('just-a');
    },
  );

  test('refuses a token that has ended', async () => {
    const token = await takeToken();
    world.aheadSeconds = 10_801;
    expect((await world.run('store', payload(NULL_GUID, token))).stdout).toContain('the token has expired');
  });

  test.each([
    ['', 'Cannot read the credential: it is not a JSON object\n'],
    ['[]', 'Cannot read the credential: it is not a JSON object\n'],
    ['{"Username":"u","Secret":"s"}', 'no credentials server URL\n'],
    ['{"ServerURL":"myregistry.azurecr.io","Secret":"s"}', 'no credentials username\n'],
  ])('answers %j with %j', async (input, text) => {
    expect(await world.run('store', input)).toEqual({ exitCode: 1, stdout: text, stderr: '' });
  });

  test('says so when nothing can be kept', async () => {
    const token = await takeToken();
    const { exitCode, stdout } = await world.run('store', payload(NULL_GUID, token), {
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/proc/nothing/here',
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Cannot keep the credential');
  });
});

describe('erase', () => {
  test.each([
    REGISTRY,
    `https://${REGISTRY}`,
    `http://${REGISTRY}`,
    `${REGISTRY}:443`,
    'myregistry.eastus.geo.azurecr.io',
    'MYREGISTRY.azurecr.io.',
  ])('of %s forgets what is stored and cached of the registry', async (form) => {
    const token = await takeToken();
    await world.get();
    await world.run('store', payload(NULL_GUID, token));
    expect(await world.run('erase', form)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    // Entra's token stays: it is the identity's, and what it may do the registry decides at the next exchange.
    expect(listTokens().filter((name) => !name.startsWith('@entra'))).toEqual([]);
    expect((await world.get()).Secret).not.toBe(token);
  });

  test('leaves other registries alone', async () => {
    const other = await world.get('myregistry2.azurecr.io');
    await world.get();
    await world.run('erase', REGISTRY);
    world.forgetRequests();
    expect((await world.get('myregistry2.azurecr.io')).Secret).toBe(other.Secret);
    expect(world.seen()).toEqual([]);
  });

  test.each([REGISTRY, 'docker.io', 'nonsense\u0000', 'https://index.docker.io/v1/'])(
    'of %j succeeds twice, with nothing to forget',
    async (input) => {
      for (const _time of [1, 2])
        expect(await world.run('erase', input)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    },
  );

  test('without a server URL says so', async () => {
    expect(await world.run('erase', ' \n')).toEqual({ exitCode: 1, stdout: 'no credentials server URL\n', stderr: '' });
  });

  test('succeeds where there is no folder, and with a broken configuration', async () => {
    world.writeConfig('{');
    for (const folder of ['/proc/nothing', 'relative', '']) {
      const outcome = await world.run('erase', REGISTRY, { DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder, HOME: undefined });
      expect(outcome.exitCode).toBe(0);
    }
  });
});

describe('list', () => {
  test('names the registries that Docker sends here, as bare hosts', async () => {
    const folder = join(world.folder, 'docker');
    mkdirSync(folder, { recursive: true });
    const credHelpers = {
      [REGISTRY]: 'acr',
      'https://other12.azurecr.io': 'acr',
      'x.dkr.ecr.aws': 'ecr-login',
      'third3.azurecr.cn': 'acr',
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ credHelpers, credsStore: 'acr' }));
    const { stdout } = await world.run('list', 'unused', { DOCKER_CONFIG: folder });
    expect(JSON.parse(stdout)).toEqual({
      [REGISTRY]: NULL_GUID,
      'other12.azurecr.io': NULL_GUID,
      'third3.azurecr.cn': NULL_GUID,
    });
    expect(world.emulator.connects).toEqual([]);
  });

  test.each(['', '{', '[]', '{"credHelpers":[]}', '{"credHelpers":{"a":1}}'])(
    'is {} when the configuration is %j',
    async (text) => {
      const folder = join(world.folder, 'docker-broken');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'config.json'), text);
      expect((await world.run('list', '', { DOCKER_CONFIG: folder })).stdout).toBe('{}\n');
    },
  );
});

describe('a cache that cannot be had', () => {
  /** Signs in twice: nothing was kept, and both are answered. */
  async function expectAnswers(variables: Record<string, string | undefined>): Promise<void> {
    world.forgetRequests();
    await world.get(REGISTRY, variables);
    await world.get(REGISTRY, variables);
    expect(world.emulator.requests).toHaveLength(4);
  }

  test.each([
    ['a folder that cannot be made', '/proc/nothing/here'],
    ['a relative folder', 'relative/folder'],
    ['a file in its place', '/etc/passwd'],
    ['a device in its place', '/dev/null'],
  ])('%s costs speed, not the answer', async (_name, folder) => {
    await expectAnswers({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder });
    expect(existsSync('relative')).toBe(false);
  });

  test('a planted link in its place is not followed', async () => {
    const elsewhere = join(world.folder, 'elsewhere');
    mkdirSync(elsewhere, { recursive: true });
    mkdirSync(world.cacheFolder, { recursive: true });
    symlinkSync(elsewhere, join(world.cacheFolder, 'tokens'));
    symlinkSync(elsewhere, join(world.cacheFolder, 'locks'));
    await expectAnswers({});
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('a folder that others can write in is not used', async () => {
    await world.get();
    chmodSync(join(world.cacheFolder, 'tokens'), 0o777);
    for (const name of listTokens()) rmSync(join(world.cacheFolder, 'tokens', name));
    await expectAnswers({});
  });

  test.each([
    ['broken', () => '{'],
    ['empty', () => ''],
    ['of another shape', () => '{"token":1}'],
    ['huge', () => `{"token":"${'x'.repeat(100_000)}"}`],
    ['for another registry', (text: string) => text.replace('"service":"', '"service":"other')],
  ])('a file that is %s is an empty cache, and replaced', async (_name, damage) => {
    await world.get();
    for (const name of listTokens()) {
      const file = join(world.cacheFolder, 'tokens', name);
      writeFileSync(file, damage(readFileSync(file, 'utf8')));
    }
    world.forgetRequests();
    const answer = await world.get();
    expect(world.emulator.requests).toHaveLength(2);
    expect((await world.get()).Secret).toBe(answer.Secret);
    expect(world.emulator.requests).toHaveLength(2);
  });

  test('a file that others can read is not believed', async () => {
    const first = await world.get();
    for (const name of listTokens()) chmodSync(join(world.cacheFolder, 'tokens', name), 0o644);
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });
});

describe('files and folders', () => {
  test.each([0o000, 0o022, 0o077, 0o777])('are owner-only under the umask %o', async (umask) => {
    const before = process.umask(umask);
    try {
      await world.get();
    } finally {
      process.umask(before);
    }
    expect(statSync(world.cacheFolder).mode & 0o777).toBe(0o700);
    for (const name of listFiles()) {
      const stats = statSync(join(world.cacheFolder, name));
      expect(stats.mode & 0o777, name).toBe(stats.isDirectory() ? 0o700 : 0o600);
    }
    expect(statSync(world.logFile).mode & 0o777).toBe(0o600);
  });

  test('leave no lock and no temporary file behind', async () => {
    await world.get();
    expect(listFiles().filter((name) => !name.endsWith('.json'))).toEqual(['locks', 'tokens']);
  });
});

describe('the log', () => {
  test('tells each step, with status and correlation id, and no secret', async () => {
    rmSync(world.logFile, { force: true });
    await world.get();
    const steps = readFileSync(world.logFile, 'utf8')
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(steps).toContainEqual(expect.objectContaining({ step: 'cache', outcome: 'miss', host: REGISTRY }));
    const requests = steps.filter((step) => JSON.stringify(step).includes('"request"'));
    expect(requests).toHaveLength(2);
    for (const step of requests)
      expect(step).toMatchObject({ status: 200, correlationId: expect.any(String), durationMs: expect.any(Number) });
    await world.get();
    expect(readFileSync(world.logFile, 'utf8')).toContain('"outcome":"hit"');
    await world.run('get', 'otherregistry.azurecr.io');
    expect(readFileSync(world.logFile, 'utf8')).toContain(
      '"step":"identity","outcome":"not-set-up","source":"azure-cli"',
    );
  });

  test('is not written without the variable', async () => {
    rmSync(world.logFile, { force: true });
    await world.get(REGISTRY, { DOCKER_CREDENTIAL_ACR_LOG: undefined });
    expect(existsSync(world.logFile)).toBe(false);
  });

  test.each(['/proc/nothing/log', '/dev/full', '/etc'])(
    'that cannot be written (%s) costs nothing but itself',
    async (file) => {
      await world.get(REGISTRY, { DOCKER_CREDENTIAL_ACR_LOG: file });
    },
  );

  test('stays small', async () => {
    writeFileSync(world.logFile, 'x'.repeat(1024 * 1024), { mode: 0o600 });
    await world.get();
    expect(statSync(world.logFile).size).toBeLessThan(10_000);
    expect(statSync(`${world.logFile}.1`).size).toBe(1024 * 1024);
  });

  test('does not follow a planted link', async () => {
    const target = join(world.folder, 'target');
    writeFileSync(target, 'before');
    const link = join(world.folder, 'link');
    symlinkSync(target, link);
    await world.get(REGISTRY, { DOCKER_CREDENTIAL_ACR_LOG: link });
    expect(readFileSync(target, 'utf8')).toBe('before');
  });
});

function listTokens(): string[] {
  return readdirSync(join(world.cacheFolder, 'tokens'));
}
