/** The registries that Docker's configuration sends to this program. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { listRegistries } from '../../../src/logins/docker-config.ts';
import { makeNamedPipe } from '../named-pipe.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

function list(config: unknown, programName = 'docker-credential-acr'): string[] {
  writeFileSync(folder.path('config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return listRegistries(makeRuntime({ DOCKER_CONFIG: folder.path() }, { programName }));
}

describe('listRegistries', () => {
  const rows: readonly (readonly [config: unknown, hosts: readonly string[]])[] = [
    [{ credHelpers: { 'myregistry.azurecr.io': 'acr' } }, ['myregistry.azurecr.io']],
    [
      { credHelpers: { 'myregistry.azurecr.io': 'acr', 'other1.azurecr.cn': 'acr', 'third.azurecr.io': 'desktop' } },
      ['myregistry.azurecr.io', 'other1.azurecr.cn'],
    ],
    // Podman fails when one name of the list has a scheme.
    [{ credHelpers: { 'https://MyRegistry.azurecr.io': 'acr' } }, ['myregistry.azurecr.io']],
    [
      { credHelpers: { 'myregistry.azurecr.io': 'acr', 'https://myregistry.azurecr.io': 'acr' } },
      ['myregistry.azurecr.io'],
    ],
    [{ credHelpers: { 'docker.io': 'acr', 'myregistry.azurecr.io.evil.com': 'acr', '': 'acr' } }, []],
    [{ credHelpers: { 'myregistry.azurecr.io': 'docker-credential-acr' } }, []],
    [{ credHelpers: { 'myregistry.azurecr.io': '' } }, []],
    [{ credHelpers: { 'myregistry.azurecr.io': null, 'other1.azurecr.io': ['acr'] } }, []],
    [{ credsStore: 'acr', auths: { 'myregistry.azurecr.io': {} } }, []],
    [{ credHelpers: [] }, []],
    [{ credHelpers: null }, []],
    [{ credHelpers: 'acr' }, []],
    ['{"credHelpers":{"__proto__":"acr","constructor":"acr"}}', []],
    ['\uFEFF{"credHelpers":{"myregistry.azurecr.io":"acr"}}\r\n', ['myregistry.azurecr.io']],
    ['{}', []],
    ['', []],
    ['null', []],
    ['[]', []],
    ['{"credHelpers":{"myregistry.azurecr.io":"acr"', []],
  ];
  for (const [config, hosts] of rows) {
    test(`returns ${JSON.stringify(hosts)} for ${JSON.stringify(config)}`, () => {
      expect(list(config)).toEqual(hosts);
    });
  }
});

test('listRegistries returns the registries of both names when the program has another name', () => {
  const config = { credHelpers: { 'one12.azurecr.io': 'acr', 'two12.azurecr.io': 'azure', 'three.azurecr.io': 'x' } };
  expect(list(config, 'docker-credential-azure')).toEqual(['one12.azurecr.io', 'two12.azurecr.io']);
});

describe('listRegistries returns nothing', () => {
  test('when there is no folder', () => {
    expect(listRegistries(makeRuntime({ DOCKER_CONFIG: folder.path('none') }))).toEqual([]);
    expect(listRegistries(makeRuntime({ HOME: folder.path('none') }))).toEqual([]);
  });

  test('for a folder, a named pipe or a link to itself in place of the file', () => {
    for (const name of ['folder', 'pipe', 'circle']) mkdirSync(folder.path(name));
    mkdirSync(folder.path('folder', 'config.json'));
    makeNamedPipe(folder.path('pipe', 'config.json'));
    symlinkSync(folder.path('circle', 'config.json'), folder.path('circle', 'config.json'));
    for (const name of ['folder', 'pipe', 'circle']) {
      expect(listRegistries(makeRuntime({ DOCKER_CONFIG: folder.path(name) }))).toEqual([]);
    }
  });

  test('for a file of more than 8 MiB', () => {
    expect(list(`{"credHelpers":{"myregistry.azurecr.io":"acr"}}${' '.repeat(8 * 1024 * 1024)}`)).toEqual([]);
  });
});

test('listRegistries reads the configuration in the home folder', () => {
  mkdirSync(folder.path('.docker'));
  writeFileSync(folder.path('.docker', 'config.json'), '{"credHelpers":{"myregistry.azurecr.io":"acr"}}');
  expect(listRegistries(makeRuntime({ HOME: folder.path() }))).toEqual(['myregistry.azurecr.io']);
  expect(listRegistries(makeRuntime({ USERPROFILE: folder.path() }, { platform: 'win32' }))).toEqual([
    'myregistry.azurecr.io',
  ]);
});

test('listRegistries returns nothing when the home folder is relative', () => {
  expect(listRegistries(makeRuntime({ HOME: 'relative' }))).toEqual([]);
});
