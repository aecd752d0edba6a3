/** `store`, `erase` and `list` of ACR tokens, and the cache on machines where its folder cannot be used. */

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

/** Gets an ACR refresh token that no cache holds. */
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
    'keeps the token of the user %s and returns it instead of signing in until it expires',
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

  test('works without an identity', async () => {
    const token = await takeToken();
    await world.run('store', payload(NULL_GUID, token));
    const { exitCode, stdout } = await world.run('get', REGISTRY);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(token);
  });

  test('leads to a hint at docker logout once its token has expired and nobody is signed in', async () => {
    await world.run('store', payload(NULL_GUID, await takeToken()));
    world.aheadSeconds = 10_801;
    const { stderr } = await world.run('get', REGISTRY);
    expect(stderr).toContain(`the token of the last login has expired: docker logout ${REGISTRY}\n`);
    await world.run('erase', REGISTRY);
    expect((await world.run('get', REGISTRY)).stderr).not.toContain('docker logout');
  });

  test('replaces the token of the previous login', async () => {
    const [first, second] = [await takeToken(), await takeToken()];
    await world.run('store', payload(NULL_GUID, first));
    await world.run('store', payload('<token>', second));
    expect((await world.get()).Secret).toBe(second);
  });

  test.each([
    ['a secret that is not a token', payload(NULL_GUID, 'just-a-password'), 'the secret is not an ACR token'],
  ])('rejects %s with one line', async (_name, input, text) => {
    const { exitCode, stdout } = await world.run('store', input);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^[^\n`]+\n$/);
    expect(stdout).toContain(text);
    expect(stdout).not.toContain('password-of');
    expect(stdout).not.toContain('just-a');
  });

  test('rejects an expired token', async () => {
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

  test('fails when it cannot keep the credential', async () => {
    const token = await takeToken();
    const { exitCode, stdout } = await world.run('store', payload(NULL_GUID, token), {
      DOCKER_CREDENTIAL_ACR_CACHE_DIR: '/proc/nothing/here',
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Cannot store the credential');
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
  ])('removes the stored and the cached token when given %s', async (form) => {
    const token = await takeToken();
    await world.get();
    await world.run('store', payload(NULL_GUID, token));
    expect(await world.run('erase', form)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    // Entra's token stays: it belongs to the identity, and the registry checks its rights at the next exchange.
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
    'succeeds twice for %j when there is nothing to remove',
    async (input) => {
      for (const _time of [1, 2])
        expect(await world.run('erase', input)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    },
  );

  test('reports a missing server URL', async () => {
    expect(await world.run('erase', ' \n')).toEqual({ exitCode: 1, stdout: 'no credentials server URL\n', stderr: '' });
  });

  test('succeeds without a usable folder and with a broken configuration', async () => {
    world.writeConfig('{');
    for (const folder of ['/proc/nothing', 'relative', '']) {
      const outcome = await world.run('erase', REGISTRY, { DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder, HOME: undefined });
      expect(outcome.exitCode).toBe(0);
    }
  });
});

describe('list', () => {
  test('names the registries that Docker assigns to this helper, as bare hosts', async () => {
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
    'prints {} when the Docker configuration is %j',
    async (text) => {
      const folder = join(world.folder, 'docker-broken');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'config.json'), text);
      expect((await world.run('list', '', { DOCKER_CONFIG: folder })).stdout).toBe('{}\n');
    },
  );
});

describe('when the cache cannot be used or trusted', () => {
  /** Expects two answers with a sign-in each, since nothing was cached. */
  async function expectAnswers(variables: Record<string, string | undefined>): Promise<void> {
    world.forgetRequests();
    await world.get(REGISTRY, variables);
    await world.get(REGISTRY, variables);
    expect(world.emulator.requests).toHaveLength(4);
  }

  test.each([
    ['a folder that cannot be created', '/proc/nothing/here'],
    ['a relative folder', 'relative/folder'],
    ['a file in its place', '/etc/passwd'],
    ['a device in its place', '/dev/null'],
  ])('answers without a cache, given %s', async (_name, folder) => {
    await expectAnswers({ DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder });
    expect(existsSync('relative')).toBe(false);
  });

  test('does not follow a planted link in place of its folders', async () => {
    const elsewhere = join(world.folder, 'elsewhere');
    mkdirSync(elsewhere, { recursive: true });
    mkdirSync(world.cacheFolder, { recursive: true });
    symlinkSync(elsewhere, join(world.cacheFolder, 'tokens'));
    symlinkSync(elsewhere, join(world.cacheFolder, 'locks'));
    await expectAnswers({});
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('does not use a folder that others can write to', async () => {
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
  ])('ignores and replaces a file that is %s', async (_name, damage) => {
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

  test('does not trust a file that others can read', async () => {
    const first = await world.get();
    for (const name of listTokens()) chmodSync(join(world.cacheFolder, 'tokens', name), 0o644);
    expect((await world.get()).Secret).not.toBe(first.Secret);
  });
});

describe('the files and folders of the program', () => {
  test.each([0o000, 0o022, 0o077, 0o777])('are private to the owner under the umask %o', async (umask) => {
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

  test('include no lock and no temporary file after a get', async () => {
    await world.get();
    expect(listFiles().filter((name) => !name.endsWith('.json'))).toEqual(['locks', 'tokens']);
  });
});

describe('the log', () => {
  test('records each step with status and correlation id and no secret', async () => {
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
    'does not affect the answer when %s cannot be written',
    async (file) => {
      await world.get(REGISTRY, { DOCKER_CREDENTIAL_ACR_LOG: file });
    },
  );

  test('rotates at one mebibyte', async () => {
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
