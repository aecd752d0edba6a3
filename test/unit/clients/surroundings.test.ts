/** What is around a configuration: which files matter, what comes before them, which program clients find. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseFilesToAddTo, chooseFilesToRemoveFrom } from '../../../src/clients/client-files.ts';
import { formatDiff } from '../../../src/clients/config-diff.ts';
import type { FileEdit } from '../../../src/clients/edit-files.ts';
import { checkProgram, describeSudo, findSnapDocker } from '../../../src/clients/program-check.ts';
import { findShadows, isAuthOf } from '../../../src/clients/shadows.ts';
import { readHostsToRemove, readTargetHosts } from '../../../src/clients/target-hosts.ts';
import { createQuote } from '../../../src/redact.ts';
import { UsageError } from '../../../src/terminal/failure.ts';
import { configOf } from '../config/config-of.ts';
import { needRoot } from '../other-user.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const HOST = 'myregistry.azurecr.io';
const quote = createQuote(makeRuntime());

function write(name: string, text = '{}', mode = 0o600): string {
  const file = folder.path(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const machine = (env: Readonly<Record<string, string>> = {}) =>
  makeRuntime({ HOME: folder.path('home'), XDG_RUNTIME_DIR: folder.path('run'), PATH: folder.path('bin'), ...env });
const [DOCKER, PODMAN, PODMAN_RUN, HELM] = [
  'home/.docker/config.json',
  'home/.config/containers/auth.json',
  'run/containers/auth.json',
  'home/.config/helm/registry/config.json',
];

describe('the files to add to', () => {
  test.each([
    ['docker only, where nothing else is there', [], [], [DOCKER]],
    ["podman's that exist", [PODMAN_RUN, PODMAN], [], [DOCKER, PODMAN_RUN, PODMAN]],
    ["helm's that exists", [HELM], [], [DOCKER, HELM]],
    ["helm's where it would ask a keychain", ['bin/helm', 'bin/docker-credential-pass'], [], [DOCKER, HELM]],
    ['docker only, where helm asks no keychain', ['bin/helm'], [], [DOCKER]],
    ['the lasting one of podman, if it is chosen and has none', [], ['podman'], [PODMAN]],
    ['those of podman that exist, if it is chosen', [PODMAN_RUN], ['podman'], [PODMAN_RUN]],
    ["helm's and docker's, if they are chosen", [PODMAN], ['docker', 'helm'], [DOCKER, HELM]],
  ] as const)('are %s', (_name, existing, clients, expected) => {
    for (const name of existing) write(name, '{}', 0o700);
    expect(chooseFilesToAddTo(machine(), clients).map(({ file }) => file)).toEqual(
      expected.map((name) => folder.path(name)),
    );
  });

  test('to remove from are all that exist', () => {
    for (const name of [DOCKER, PODMAN]) write(name);
    expect(chooseFilesToRemoveFrom(machine(), []).map(({ client }) => client)).toEqual(['docker', 'podman']);
    expect(chooseFilesToRemoveFrom(machine(), ['podman']).map(({ client }) => client)).toEqual(['podman']);
  });
});

test.each([
  [HOST, true],
  [`https://${HOST}`, true],
  [`http://${HOST}/`, true],
  [`https://${HOST}/v1/`, true],
  [`${HOST}:443`, true],
  ['MyRegistry.azurecr.io', true],
  [`${HOST}.`, true],
  [`${HOST}/team/app`, true],
  [`${HOST}:5000`, false],
  [`${HOST}.example.com`, false],
  [`x${HOST}`, false],
  [`https://example.com/${HOST}`, false],
  ['', false],
  ['https://', false],
])('a login of "%s" is about the registry: %s', (key, expected) => {
  expect(isAuthOf(key, HOST)).toBe(expected);
});

describe('a shadow is', () => {
  const shadowsOf = (env: Readonly<Record<string, string>> = {}) =>
    findShadows(machine(env), [HOST], 'acr', []).map(({ kind, file, key, effect, fix }) => {
      return [kind, file?.slice(folder.path().length + 1), key, effect, fix];
    });
  const auth = (...keys: readonly string[]) => `"auths":{${keys.map((key) => `"${key}":{"auth":"eA=="}`).join(',')}}`;
  const clear = `docker-credential-acr configure ${HOST} --clear-auths`;

  test('nothing where there is only a marker, or the login of another', () => {
    write(DOCKER, `{"auths":{"${HOST}":{}, "other.azurecr.io":{"auth":"eA=="}}}`);
    expect(shadowsOf()).toEqual([]);
  });

  test('a password in the file of docker, podman or helm', () => {
    write(DOCKER, `{${auth(`https://${HOST}`)},"credHelpers":{"${HOST}":"acr"}}`);
    write(PODMAN, `{${auth(HOST)}}`);
    write(HELM, `{${auth(`${HOST}:443`)}}`);
    expect(shadowsOf()).toEqual([
      ['auths', DOCKER, `https://${HOST}`, expect.stringContaining('where a sign-in fails'), clear],
      ['auths', PODMAN, HOST, 'podman, skopeo and buildah use this password and not the helper', clear],
      ['auths', HELM, `${HOST}:443`, 'helm uses this password and not the helper', clear],
    ]);
  });

  test('another helper', () => {
    write(PODMAN, `{"credHelpers":{"${HOST}":"acr-env"}}`);
    const fix = `docker-credential-acr configure ${HOST} --force`;
    expect(shadowsOf()).toEqual([
      ['credHelpers', PODMAN, HOST, 'podman, skopeo and buildah use the helper "acr-env"', fix],
    ]);
  });

  test('a password in DOCKER_AUTH_CONFIG', () => {
    const effect = 'docker uses the password in this variable and not the helper';
    const fix = 'unset DOCKER_AUTH_CONFIG';
    const found = shadowsOf({ DOCKER_AUTH_CONFIG: `{${auth(HOST, 'other')}}` });
    expect(found).toEqual([['DOCKER_AUTH_CONFIG', undefined, HOST, effect, fix]]);
    expect(shadowsOf({ DOCKER_AUTH_CONFIG: 'not JSON' })).toEqual([]);
  });

  test('the file of REGISTRY_AUTH_FILE that does not name the helper', () => {
    const file = write('mine.json', '{}');
    const fix = `docker-credential-acr configure ${HOST} --podman`;
    expect(shadowsOf({ REGISTRY_AUTH_FILE: file })).toMatchObject([
      ['REGISTRY_AUTH_FILE', 'mine.json', undefined, {}, fix],
    ]);
    write('mine.json', `{"credHelpers":{"${HOST}":"acr"}}`);
    expect(shadowsOf({ REGISTRY_AUTH_FILE: file })).toEqual([]);
    expect(shadowsOf({ REGISTRY_AUTH_FILE: 'relative.json' })[0]?.[4]).toBe('unset REGISTRY_AUTH_FILE');
  });
});

describe('the program that clients find', () => {
  const script = (name: string, ...lines: readonly string[]) => write(name, `#!/bin/sh\n${lines.join('\n')}\n`, 0o700);
  const check = (own?: string, env: Readonly<Record<string, string>> = {}) => checkProgram(machine(env), own);

  test('is missing', async () => {
    expect(await check('/opt/docker-credential-acr')).toMatchObject({
      state: 'missing',
      file: undefined,
      fix: 'sudo ln -s /opt/docker-credential-acr /usr/local/bin/docker-credential-acr',
    });
  });

  test('is this one, under a link', async () => {
    const own = script('opt/acr', 'exit 1');
    mkdirSync(folder.path('home/.local/bin'), { recursive: true });
    symlinkSync(own, folder.path('home/.local/bin/docker-credential-acr'));
    const found = await check(own, { PATH: folder.path('home/.local/bin') });
    expect(found).toMatchObject({ state: 'found', problem: undefined, fix: undefined });
  });

  test('is this one, in a folder that a desktop does not know', async () => {
    const own = script('bin/docker-credential-acr', 'exit 1');
    const fix = `sudo ln -s ${own} /usr/local/bin/docker-credential-acr`;
    expect(await check(own)).toMatchObject({ state: 'found', problem: expect.stringContaining('desktop'), fix });
  });

  test('is a copy of this one', async () => {
    script('bin/docker-credential-acr', 'echo "docker-credential-acr (docker-credential-acr) v0.0.9"');
    expect(await check('/opt/docker-credential-acr')).toMatchObject({ state: 'found' });
  });

  test.each([
    ['another', 'echo "docker-credential-acr (github.com/gaganhr94/docker-credential-acr) 1.0.2"', /gaganhr94/],
    ['one that writes control characters', 'printf "\\033[2Jx"', /version: \[2Jx\)$/],
    ['one that says nothing', 'exit 1', /version: nothing\)$/],
  ])('is %s', async (_name, line, problem) => {
    const file = script('bin/docker-credential-acr', line);
    const found = await check('/opt/docker-credential-acr');
    expect(found).toMatchObject({ state: 'other-program', file, problem: expect.stringMatching(problem) });
    expect(found.fix).toContain(file);
  });

  test('of docker is not one from a snap', () => {
    write('bin/docker', '', 0o700);
    expect(findSnapDocker(machine())).toBeUndefined();
  });

  test('runs under sudo for the files of root', (context) => {
    needRoot(context);
    expect(describeSudo(machine())).toBeUndefined();
    expect(describeSudo(machine({ SUDO_USER: 'ann' }))).toMatch(/^under sudo, HOME is .*home: for the files of ann, /);
  });
});

describe('a registry that a person names', () => {
  const config = configOf({
    registries: { 'connected.example:5000': {}, 'LOCALHOST:8080': { store: true } },
    clouds: { 'registry.contoso.com': { authorityHost: 'https://login.contoso.com' } },
  });
  const read = (word: string, isForced = false) =>
    readTargetHosts(config, [word], isForced, quote).map(({ host }) => host);

  test.each([
    [HOST, HOST],
    ['  MyRegistry.AzureCR.io ', HOST],
    [`https://${HOST}/`, HOST],
    [`http://${HOST}`, HOST],
    [`${HOST}:443`, HOST],
    [`${HOST}.`, HOST],
    [`${HOST}/team/app`, HOST],
    ['name1-a1b2c3.azurecr.io', 'name1-a1b2c3.azurecr.io'],
    ['myregistry.westeurope.geo.azurecr.io', 'myregistry.westeurope.geo.azurecr.io'],
    ['myregistry.azurecr.cn', 'myregistry.azurecr.cn'],
    ['registry.contoso.com', 'registry.contoso.com'],
    ['connected.example:5000', 'connected.example:5000'],
    ['http://localhost:8080', 'localhost:8080'],
  ])('"%s" is the key %s', (word, expected) => {
    expect(read(word)).toEqual([expected]);
  });

  test.each([
    ['ghcr.io', /add --force/],
    ['other.example:5000', /add --force/],
    ['myregistry', /did you mean myregistry\.azurecr\.io\?/],
    ['myregistry.weu.data.azurecr.io', /add --force/],
    ['mcr.microsoft.com', /add --force/],
    ['', /name a login server/],
    ['-x', /name a login server/],
    ['a b', /name a login server/],
    ['https://user@myregistry.azurecr.io', /name a login server/],
    ['"a":"b"', /name a login server/],
  ])('"%s" is refused', (word, hint) => {
    expect(() => read(word)).toThrow(UsageError);
    try {
      read(word);
    } catch (cause) {
      expect(cause instanceof UsageError ? cause.hint : '').toMatch(hint);
    }
  });

  test.each([
    ['Ghcr.io', 'ghcr.io'],
    ['https://other.example:5000/', 'other.example:5000'],
    ['[::1]:5000', '[::1]:5000'],
  ])('"%s" is taken by force', (word, expected) => {
    expect(read(word, true)).toEqual([expected]);
  });

  test.each(['a b', '', '"', 'a:b', 'a:123456', '../x', '-x'])('"%s" is not even taken by force', (word) => {
    expect(() => read(word, true)).toThrow(UsageError);
  });

  test('counts once, and may be anything to be removed', () => {
    const words = [HOST, `https://${HOST}`, 'ghcr.io'];
    expect(readHostsToRemove(config, words).map(({ host }) => host)).toEqual([HOST, 'ghcr.io']);
  });
});

describe('a difference', () => {
  const edit = (before: string | undefined, after: string | undefined): FileEdit => ({
    ...{ file: '/c.json', clients: ['docker'], before, after, added: [], replaced: [], refused: [] },
    ...{ removed: [], restored: [], clearedAuths: [], problem: undefined },
  });
  const plain = (_format: unknown, text: string) => text;

  test('is a unified one', () => {
    expect(
      formatDiff(edit('{\n "a": "secret"\n}\n', '{\n "a": "secret",\n "credHelpers": {}\n}\n'), plain, quote),
    ).toBe('--- /c.json\n+++ /c.json\n@@ -1,3 +1,4 @@\n {\n- "a": "***"\n+ "a": "***",\n+ "credHelpers": {}\n }\n');
  });

  test('of a new or a removed file names no file on the other side', () => {
    expect(formatDiff(edit(undefined, '{}'), plain, quote)).toContain('--- /dev/null\n+++ /c.json\n');
    expect(formatDiff(edit('{}', undefined), plain, quote)).toContain('--- /c.json\n+++ /dev/null\n');
    expect(formatDiff(edit('{}', '{}'), plain, quote)).toBe('');
  });

  test('has no control characters and no secrets in it', () => {
    const text = (more: string) => `{"\u009B2J\u202E":{"auth":"c2VjcmV0"},"n":12345${more}}`;
    const shown = formatDiff(edit(text(''), text(',"credHelpers":{"a":"b"}')), plain, quote);
    expect(shown).not.toMatch(/[\u009B\u202E]|c2VjcmV0|12345/);
    expect(shown).toContain('"credHelpers":{"a":"b"}');
  });
});
