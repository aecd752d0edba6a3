/** The verbs: what they write for which arguments and input. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { STORED_IDENTITY, writeCache } from '../../src/cache/cache.ts';
import { run } from '../../src/cli.ts';
import { parseJsonObject } from '../../src/json.ts';
import type { Outcome } from '../../src/outcome.ts';
import { VERSION } from '../../src/version.ts';
import { cacheIn } from './cache-in.ts';
import { makeRuntime, NOW_SECONDS } from './runtime.ts';
import { makeStreams } from './streams.ts';
import { useTemporaryFolder } from './temporary-folder.ts';
import { makeToken } from './token.ts';

const folder = useTemporaryFolder();
const SOURCES = `${import.meta.dirname}/../../src`;
const NOT_FOUND = 'credentials not found in native keychain\n';

/** A runtime on which nothing is set up, whose files are all in the test's folder. */
const theMachine = (env: Record<string, string> = {}) =>
  makeRuntime({
    HOME: folder.path(),
    DOCKER_CONFIG: folder.path(),
    AZURE_CONFIG_DIR: folder.path('azure'),
    DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder.path('cache'),
    DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data'),
    ...env,
  });
const call = (args: readonly string[], input = '', env = {}): Promise<Outcome> =>
  run(args, makeStreams(input), theMachine(env));

describe('run fails and prints the usage or the unknown action for', () => {
  const usage = 'Usage: docker-credential-acr <store|get|erase|list|version>\n';
  const rows: readonly (readonly [args: readonly string[], stdout: string])[] = [
    [[], usage],
    [['get', 'myregistry.azurecr.io'], usage],
    [['get', ''], usage],
    [[''], 'docker-credential-acr: unknown action: \n'],
    [['pull'], 'docker-credential-acr: unknown action: pull\n'],
    [['GET'], 'docker-credential-acr: unknown action: GET\n'],
    [[' get'], 'docker-credential-acr: unknown action:  get\n'],
    [['-x'], 'docker-credential-acr: unknown action: -x\n'],
    [['__proto__'], 'docker-credential-acr: unknown action: __proto__\n'],
    [['constructor'], 'docker-credential-acr: unknown action: constructor\n'],
    [['a\nb\r\0'], 'docker-credential-acr: unknown action: a?b??\n'],
    [['\u001B[2J`id`'], 'docker-credential-acr: unknown action: ?[2J?id?\n'],
    [['\u202Egné'], 'docker-credential-acr: unknown action: ?gn?\n'],
    [['x'.repeat(10_000)], `docker-credential-acr: unknown action: ${'x'.repeat(60)}\n`],
  ];
  for (const [args, stdout] of rows) {
    test(JSON.stringify(args).slice(0, 60), async () => {
      expect(await call(args)).toEqual({ exitCode: 1, stdout, stderr: '' });
    });
  }
});

describe('version', () => {
  for (const verb of ['version', '--version', '-v']) {
    test(`${verb} prints the name, the package and the version in one line`, async () => {
      const stdout = `docker-credential-acr (docker-credential-acr) v${VERSION}, Node ${process.versions.node}\n`;
      expect(await call([verb])).toEqual({ exitCode: 0, stdout, stderr: '' });
    });
  }

  test('is the version in package.json', () => {
    const manifest = parseJsonObject(readFileSync(`${SOURCES}/../package.json`, 'utf8'));
    expect(VERSION).toBe(manifest?.['version']);
  });
});

describe('get', () => {
  const rows: readonly (readonly [input: string, stdout: string])[] = [
    ['', 'no credentials server URL\n'],
    [' \r\n', 'no credentials server URL\n'],
    ['\uFEFF', 'no credentials server URL\n'],
    ['https://index.docker.io/v1/', NOT_FOUND],
    ['https://not.a.real.registry/url', NOT_FOUND],
    ['mcr.microsoft.com\n', NOT_FOUND],
    ['myregistry.azurecr.io.evil.com', NOT_FOUND],
    ['{"ServerURL":"myregistry.azurecr.io"}', NOT_FOUND],
    ['myregistry.azurecr.io\nother1.azurecr.io\n', NOT_FOUND],
    ['\0', NOT_FOUND],
  ];
  for (const [input, stdout] of rows) {
    test(`fails for ${JSON.stringify(input)} and writes nothing to stderr`, async () => {
      expect(await call(['get'], input)).toEqual({ exitCode: 1, stdout, stderr: '' });
    });
  }

  test('does not find another registry, even with a broken configuration and an unusable log', async () => {
    writeFileSync(folder.path('broken.json'), '{');
    const env = {
      DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('broken.json'),
      DOCKER_CREDENTIAL_ACR_LOG: folder.path('none', 'log'),
    };
    expect(await call(['get'], 'docker.io', env)).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
  });

  test('finds no credential when no identity is set up, and hints at az login', async () => {
    const { exitCode, stdout, stderr } = await call(['get'], 'myregistry.azurecr.io\n');
    expect(exitCode).toBe(1);
    expect(stdout).toBe(NOT_FOUND);
    expect(stderr).toMatch(
      /^docker-credential-acr: hint: no Azure identity is set up for myregistry\.azurecr\.io; run: docker-credential-acr login myregistry\.azurecr\.io, or az login\n( {2}[\w-]+: .+\n)+$/,
    );
  });

  test('finds no credential for an anonymous registry, and writes nothing to stderr', async () => {
    writeFileSync(folder.path('config-of-ours.json'), '{"registries":{"*.azurecr.io":{"anonymous":true}}}');
    const env = { DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('config-of-ours.json') };
    expect(await call(['get'], 'myregistry.azurecr.io', env)).toEqual({ exitCode: 1, stdout: NOT_FOUND, stderr: '' });
  });

  test('reports an invalid configuration on both streams', async () => {
    const env = { DOCKER_CREDENTIAL_ACR_CONFIG: 'relative.json' };
    const { exitCode, stdout, stderr } = await call(['get'], 'myregistry.azurecr.io', env);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^Cannot use relative\.json: .*; hint: .*\n$/);
    expect(stderr).toMatch(/^docker-credential-acr: error: Cannot use relative\.json: .*\nhint: .*\n$/);
  });

  test('returns the stored token with the server URL as given, until it is erased', async () => {
    const secret = makeToken({ exp: NOW_SECONDS + 10_800 });
    const payload = JSON.stringify({ ServerURL: 'myregistry.azurecr.io', Username: '<token>', Secret: secret });
    expect(await call(['store'], payload)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    for (const serverUrl of [
      'myregistry.azurecr.io',
      'https://MyRegistry.azurecr.io:443/',
      'myregistry.eastus.geo.azurecr.io',
    ]) {
      const { exitCode, stdout, stderr } = await call(['get'], `\uFEFF${serverUrl} \r\n`);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({
        ServerURL: serverUrl,
        Username: '00000000-0000-0000-0000-000000000000',
        Secret: secret,
      });
    }
    expect(await call(['erase'], 'myregistry.azurecr.io')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect((await call(['get'], 'myregistry.azurecr.io')).stdout).toBe(NOT_FOUND);
  });

  test('returns the user name of an identity token when the configuration says so', async () => {
    writeFileSync(folder.path('config-of-ours.json'), '{"registries":{"*":{"secret":"identity-token"}}}');
    const entry = { token: 'a.b.c', expiresAtSeconds: NOW_SECONDS + 9, savedAtSeconds: NOW_SECONDS };
    const key = { service: 'myregistry.azurecr.io', identity: STORED_IDENTITY, kind: 'refresh-token' };
    writeCache(cacheIn(folder.path('cache')), key, entry);
    const env = { DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('config-of-ours.json') };
    const { stdout } = await call(['get'], 'myregistry.azurecr.io', env);
    expect(stdout).toBe('{"ServerURL":"myregistry.azurecr.io","Username":"<token>","Secret":"a.b.c"}\n');
  });

  test('does not return a stored token that has expired', async () => {
    const entry = { token: 'a.b.c', expiresAtSeconds: NOW_SECONDS, savedAtSeconds: NOW_SECONDS };
    const key = { service: 'myregistry.azurecr.io', identity: STORED_IDENTITY, kind: 'refresh-token' };
    writeCache(cacheIn(folder.path('cache')), key, entry);
    expect((await call(['get'], 'myregistry.azurecr.io')).stdout).toBe(NOT_FOUND);
  });
});

describe('store and erase', () => {
  const rows: readonly (readonly [verb: string, input: string, stdout: string])[] = [
    ['store', '', 'Cannot read the credential: it is not a JSON object\n'],
    ['store', '[]', 'Cannot read the credential: it is not a JSON object\n'],
    ['store', '{}', 'no credentials server URL\n'],
    ['store', '{"ServerURL":"myregistry.azurecr.io"}', 'no credentials username\n'],
    ['erase', '', 'no credentials server URL\n'],
    ['erase', '\r\n', 'no credentials server URL\n'],
  ];
  for (const [verb, input, stdout] of rows) {
    test(`${verb} rejects ${JSON.stringify(input)}`, async () => {
      expect(await call([verb], input)).toEqual({ exitCode: 1, stdout, stderr: '' });
    });
  }

  test('store rejects a secret that is not a token with a hint on both streams, without quoting it', async () => {
    const payload = '{"ServerURL":"myregistry.azurecr.io","Username":"<token>","Secret":"`hidden`"}';
    const { exitCode, stdout, stderr } = await call(['store'], payload);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^Cannot store the credential for .*; hint: .*\n$/);
    expect(stderr).toContain('hint: ');
    expect(`${stdout}${stderr}`).not.toMatch(/hidden|`/);
  });

  for (const input of ['myregistry.azurecr.io', 'docker.io', 'https://index.docker.io/v1/', '\0']) {
    test(`erase succeeds for ${JSON.stringify(input)}, twice in a row`, async () => {
      for (let time = 0; time < 2; time += 1) {
        expect(await call(['erase'], input)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      }
    });
  }
});

describe('list', () => {
  test('prints an empty object without a configuration', async () => {
    expect(await call(['list'], 'unused')).toEqual({ exitCode: 0, stdout: '{}\n', stderr: '' });
  });

  test('prints the registries of the configuration with the user name of a token', async () => {
    writeFileSync(folder.path('config.json'), '{"credHelpers":{"myregistry.azurecr.io":"acr","docker.io":"desktop"}}');
    const stdout = '{"myregistry.azurecr.io":"00000000-0000-0000-0000-000000000000"}\n';
    expect(await call(['list'])).toEqual({ exitCode: 0, stdout, stderr: '' });
  });

  test('does not read the input, and neither do version and help', async () => {
    const input = { ...makeStreams(), readInput: () => Promise.reject(new Error('it was read')) };
    for (const verb of ['list', 'version', 'help']) expect((await run([verb], input, theMachine())).exitCode).toBe(0);
  });
});

test('run reports an internal error in one line on each stream, and exits with 1', async () => {
  const broken = { ...makeStreams(), readInput: () => Promise.reject(new TypeError('x is not\na `function`')) };
  expect(await run(['get'], broken, theMachine())).toEqual({
    exitCode: 1,
    stdout: "Cannot answer: internal error: x is not a 'function'\n",
    stderr: "docker-credential-acr: error: Cannot answer: internal error: x is not a 'function'\n",
  });
});

test('run writes the steps to the log, without a secret', async () => {
  const secret = makeToken({ exp: NOW_SECONDS + 10_800 });
  await call(['store'], JSON.stringify({ ServerURL: 'myregistry.azurecr.io', Username: '<token>', Secret: secret }));
  const env = { DOCKER_CREDENTIAL_ACR_LOG: folder.path('log') };
  await call(['get'], 'myregistry.azurecr.io', env);
  await call(['get'], 'docker.io', env);
  const log = readFileSync(folder.path('log'), 'utf8');
  const steps = log.trim().split('\n').map(parseJsonObject);
  expect(steps).toMatchObject([
    { step: 'start', outcome: 'ours', host: 'myregistry.azurecr.io' },
    { step: 'cache', outcome: 'stored' },
    { step: 'start', outcome: 'not-ours' },
  ]);
  expect(log).not.toContain('eyJ');
});
