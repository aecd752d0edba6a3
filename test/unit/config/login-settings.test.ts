/** What the configuration says about storing logins, for Azure's registries and for others. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import { readServerEntry } from '../../../src/config/login-settings.ts';
import { parseRegistry } from '../../../src/registry.ts';
import { parseServerName } from '../../../src/server-name.ts';
import { catchFailure } from '../failure.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { CONFIG_FILE, configOf, readerOf } from './config-of.ts';

const folder = useTemporaryFolder();

/** What a file with this text, or this object as its JSON, says. */
async function loadText(config: unknown): Promise<Config> {
  const file = folder.path('config.json');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return await loadConfig(makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file }));
}

function ask(serverUrl: string, config: object): string {
  const registry = parseRegistry(serverUrl);
  const name = parseServerName(serverUrl, registry);
  const { backend, forbiddenBy, file } = configOf(config).loginSettingsOf(registry, name);
  expect(file).toBe(CONFIG_FILE);
  expect([undefined, CONFIG_FILE]).toContain(forbiddenBy);
  expect(configOf(config).loginUseOf(registry, name).backend).toBe(backend);
  return `${backend ?? 'either'}${forbiddenBy === undefined ? '' : ' forbidden'}`;
}

describe('accountSettings', () => {
  test.each([
    [{}, 'either'],
    [{ store: 'keychain' }, 'keychain'],
    [{ store: 'file' }, 'file'],
    [{ strict: true }, 'either forbidden'],
    [{ strict: true, store: 'keychain' }, 'keychain'],
    [{ strict: false, registries: { '*': { store: false } } }, 'either'],
  ])('of %j are %s', (config, settings) => {
    const { backend, forbiddenBy, file } = configOf(config).accountSettings();
    expect(file).toBe(CONFIG_FILE);
    expect(`${backend ?? 'either'}${forbiddenBy === undefined ? '' : ' forbidden'}`).toBe(settings);
  });

  test.each([{ store: 'nowhere' }, { strict: 1 }, { stroe: 'file' }, '{'])('rejects %j', async (config) => {
    const loaded = await loadText(config);
    expect((await catchFailure(() => loaded.accountSettings())).code).toBe('CONFIG_INVALID');
  });
});

const registries = (key: string, store: boolean) => ({ registries: { [key]: { store } } });

describe('loginSettingsOf', () => {
  const rows: readonly (readonly [serverUrl: string, config: object, settings: string])[] = [
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
    ['http://10.0.0.5:5000/', registries('http://10.0.0.5:5000', false), 'either forbidden'],
    ['10.0.0.5:5000', registries('http://10.0.0.5:5000', false), 'either'],
    [
      'http://10.0.0.5:5000',
      { registries: { '10.0.0.5:5000': { store: false }, 'http://10.0.0.5:5000/': { store: true } } },
      'either',
    ],
    ['http://myregistry.azurecr.io', registries('myregistry.azurecr.io', false), 'either forbidden'],
    ['10.0.0.5:5000', registries('10.0.0.5', false), 'either'],
    ['10.0.0.5:5000', registries('10.0.0.5:5000', true), 'either'],
    ['docker.io', registries('*', false), 'either'],
    ['docker.io', { registries: { 'myregistry.azurecr.io': { nonsense: 1 } } }, 'either'],
  ];
  for (const [serverUrl, config, settings] of rows) {
    test(`returns ${settings} for ${serverUrl} with ${JSON.stringify(config)}`, () => {
      expect(ask(serverUrl, config)).toBe(settings);
    });
  }

  test('rejects a configuration file that is named but missing', async () => {
    const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('gone.json') });
    const config = await loadConfig(runtime);
    const failure = await catchFailure(() => config.loginSettingsOf(undefined, 'docker.io'));
    expect(failure.code).toBe('CONFIG_INVALID');
  });

  test('returns no backend without a configuration file, and where it would be', async () => {
    const config = await loadConfig(makeRuntime({ HOME: folder.path() }));
    expect(config.loginSettingsOf(undefined, 'docker.io')).toEqual({
      backend: undefined,
      isUsed: true,
      forbiddenBy: undefined,
      file: folder.path('.config', 'docker-credential-acr', 'config.json'),
    });
  });
});

describe('"strict"', () => {
  const entries = { 'myregistry.azurecr.io': {}, 'ghcr.io': {} };
  const rows: readonly (readonly [serverUrl: string, config: object, isUsed: boolean])[] = [
    ['myregistry.azurecr.io', { registries: entries }, false],
    ['ghcr.io', { registries: entries }, false],
    ['myregistry.azurecr.io', { registries: entries, store: 'keychain' }, true],
    ['ghcr.io', { registries: entries, store: 'file' }, true],
    ['other1.azurecr.io', { registries: entries, store: 'file' }, false],
    ['docker.io', { registries: entries, store: 'file' }, false],
  ];
  for (const [serverUrl, config, isUsed] of rows) {
    test(`${isUsed ? 'allows' : 'forbids'} the login of ${serverUrl} with ${JSON.stringify(config)}`, () => {
      const registry = parseRegistry(serverUrl);
      const name = parseServerName(serverUrl, registry);
      const strict = configOf({ ...config, strict: true });
      expect(strict.loginUseOf(registry, name).isUsed).toBe(isUsed);
      expect(strict.loginSettingsOf(registry, name).forbiddenBy).toBe(isUsed ? undefined : CONFIG_FILE);
      expect(configOf(config).loginUseOf(registry, name).isUsed).toBe(true);
    });
  }
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
    test(`makes loginSettingsOf fail but not loginUseOf: ${JSON.stringify(config)}`, async () => {
      const loaded = await loadText(config);
      const failure = await catchFailure(() => loaded.loginSettingsOf(undefined, 'docker.io'));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toMatch(message);
      expect(loaded.loginUseOf(undefined, 'docker.io').backend).toBeUndefined();
    });
  }

  test('makes loginUseOf fail too for a registry of Azure', async () => {
    const config = configOf({ store: 'keyring' });
    const name = 'myregistry.azurecr.io';
    const failure = await catchFailure(() => config.loginUseOf(parseRegistry(name), name).backend);
    expect(failure.message).toBe(`Cannot use ${CONFIG_FILE}: "store" must be one of "keychain", "file"`);
  });
});

describe('readServerEntry', () => {
  const rows: readonly (readonly [key: string, name: string, isAllowed: boolean])[] = [
    ['docker.io', 'docker.io', false],
    [' Docker.io/ ', 'docker.io', false],
    ['https://docker.io', 'docker.io', false],
    ['docker.io:443', 'docker.io', false],
    ['10.0.0.5:5000', '10.0.0.5:5000', false],
    ['[::1]:5000', '[::1]:5000', false],
    ['https://index.docker.io/v1/', 'https://index.docker.io/v1/', false],
    ['docker.io', 'docker.io:5000', true],
    ['docker.io:5000', 'docker.io', true],
    ['docker.io', 'docker.io.evil.com', true],
    ['*.io', 'docker.io', true],
    ['*', 'docker.io', true],
    ['', 'docker.io', true],
    ['__proto__', 'docker.io', true],
  ];
  for (const [key, name, isAllowed] of rows) {
    test(`returns ${isAllowed} for ${name} when ${JSON.stringify(key)} is not to be stored`, () => {
      const config = readerOf({ registries: Object.fromEntries([[key, { store: false }]]) });
      expect(readServerEntry(config, name).store).toBe(isAllowed);
    });
  }

  for (const entry of [{}, { store: true }]) {
    test(`returns true for the entry ${JSON.stringify(entry)}`, () => {
      expect(readServerEntry(readerOf({ registries: { 'docker.io': entry } }), 'docker.io').store).toBe(true);
    });
  }
});
