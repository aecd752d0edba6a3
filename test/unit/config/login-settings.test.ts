/** What the configuration says about storing logins, for Azure's registries and for others. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findBackend, loadLoginSettings } from '../../../src/config/login-settings.ts';
import { parseRegistry } from '../../../src/registry.ts';
import { parseServerName } from '../../../src/server-name.ts';
import { catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();

function machineWith(config: unknown) {
  const file = folder.path('config.json');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file });
}

async function load(serverUrl: string, config: unknown): Promise<string> {
  const registry = parseRegistry(serverUrl);
  const { backend, forbiddenBy } = await loadLoginSettings(
    machineWith(config),
    registry,
    parseServerName(serverUrl, registry),
  );
  return `${backend ?? 'either'}${forbiddenBy === undefined ? '' : ' forbidden'}`;
}

const registries = (key: string, store: boolean) => ({ registries: { [key]: { store } } });

describe('loadLoginSettings', () => {
  const rows: readonly (readonly [serverUrl: string, config: unknown, settings: string])[] = [
    ['myregistry.azurecr.io', {}, 'either'],
    ['myregistry.azurecr.io', { store: 'keychain' }, 'keychain'],
    ['docker.io', { store: 'file' }, 'file'],
    ['myregistry.azurecr.io', registries('myregistry.azurecr.io', false), 'either forbidden'],
    ['myregistry.azurecr.io', registries('*.azurecr.io', false), 'either forbidden'],
    ['myregistry.westeurope.geo.azurecr.io', registries('myregistry.azurecr.io', false), 'either forbidden'],
    ['myregistry.azurecr.io', registries('other1.azurecr.io', false), 'either'],
    ['myregistry.azurecr.io', { store: 'file', ...registries('*', true) }, 'file'],
    ['10.0.0.5:5000', registries('10.0.0.5:5000', false), 'either forbidden'],
    ['http://10.0.0.5:5000/', registries('https://10.0.0.5:5000', false), 'either forbidden'],
    ['10.0.0.5:5000', registries('10.0.0.5', false), 'either'],
    ['10.0.0.5:5000', registries('10.0.0.5:5000', true), 'either'],
    ['docker.io', registries('*', false), 'either'],
    ['docker.io', { registries: { 'myregistry.azurecr.io': { nonsense: 1 } } }, 'either'],
  ];
  for (const [serverUrl, config, settings] of rows) {
    test(`returns ${settings} for ${serverUrl} with ${JSON.stringify(config)}`, async () => {
      expect(await load(serverUrl, config)).toBe(settings);
    });
  }

  test('rejects a configuration file that is named but missing', async () => {
    const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('gone.json') });
    expect((await catchFailure(() => loadLoginSettings(runtime, undefined, 'docker.io'))).code).toBe('CONFIG_INVALID');
  });
});

describe('a mistake in the configuration', () => {
  const rows: readonly (readonly [config: unknown, message: RegExp])[] = [
    ['{', /it is not valid JSON/],
    [{ stor: 'file' }, /unknown key "stor"/],
    [{ store: 'keyring' }, /"store" must be one of "keychain", "file"/],
    [{ store: false }, /"store" must be one of/],
    [{ registries: { 'docker.io': 1 } }, /"registries"\."docker\.io" must be an object/],
    [{ registries: { 'docker.io': { store: 'file' } } }, /"registries"\."docker\.io"\."store" must be true or false/],
    [{ registries: { 'docker.io': { anonymous: true } } }, /unknown key "anonymous" in "registries"\."docker\.io"/],
  ];
  for (const [config, message] of rows) {
    test(`makes loadLoginSettings fail but not findBackend: ${JSON.stringify(config)}`, async () => {
      const runtime = machineWith(config);
      const failure = await catchFailure(() => loadLoginSettings(runtime, undefined, 'docker.io'));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toMatch(message);
      expect(await findBackend(runtime, undefined, 'docker.io')).toBeUndefined();
    });
  }
});
