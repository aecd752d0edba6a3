/** Which settings apply to a server, and that nothing which may be a secret is shown. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  findServerSettings,
  listCommonSettings,
  listEntries,
  openConfig,
} from '../../../../src/commands/config/effective-settings.ts';
import { catchFailure } from '../../failure.ts';
import { makeRuntime } from '../../runtime.ts';
import { useTemporaryFolder } from '../../temporary-folder.ts';

const folder = useTemporaryFolder();
const runtime = makeRuntime({ lowercase_name: 'x' });
const HOST = 'myregistry.azurecr.io';

function open(config: object) {
  writeFileSync(folder.path('config.json'), JSON.stringify(config), { mode: 0o600 });
  return openConfig(folder.path('config.json'), true);
}

/** The value and the mark of each setting of a server. */
function settingsOf(config: object, server = HOST) {
  const { settings, ...rest } = findServerSettings(runtime, open(config), server);
  return { ...rest, settings: new Map(settings.map(({ key, value, isDefault }) => [key, { value, isDefault }])) };
}

describe('the entry that applies', () => {
  const rows: readonly (readonly [registries: object, server: string, entry: string | undefined, reason: RegExp])[] = [
    [{}, HOST, undefined, /^no entry applies: these are the defaults$/],
    [{ [HOST]: {}, '*': {} }, HOST, HOST, /^it has this name$/],
    [{ 'https://MyRegistry.azurecr.io': {} }, HOST, 'https://MyRegistry.azurecr.io', /^it has this name$/],
    [{ [HOST]: {} }, 'myregistry.eastus.geo.azurecr.io', HOST, /the whole registry/],
    [{ '*.io': {}, 'my*.azurecr.io': {} }, HOST, 'my*.azurecr.io', /the matching pattern with the most characters/],
    [{ 'docker.io': { store: false } }, 'docker.io', 'docker.io', /not a registry of Azure/],
    [{ '*': {} }, 'docker.io', undefined, /not a registry of Azure/],
  ];
  for (const [registries, server, entry, reason] of rows) {
    test(`to ${server} of ${JSON.stringify(registries)}`, () => {
      const found = settingsOf({ registries }, server);
      expect(found.entry).toBe(entry);
      expect(found.reason).toMatch(reason);
    });
  }

  test('to none with "strict" is told', () => {
    expect(settingsOf({ strict: true }).reason).toBe('no entry applies, and "strict" is set: it gets no token');
  });
});

test('what the file says is told from the defaults', () => {
  const { settings, identity } = settingsOf({
    cacheTokens: false,
    registries: { '*': { identity: 'ci', onError: 'anonymous', minimumLifeMinutes: 30 } },
    identities: { ci: { type: 'client-secret', clientSecretFile: '/run/x', tenantId: 'contoso.com' } },
  });
  expect(Object.fromEntries(settings)).toEqual({
    identity: { value: 'ci', isDefault: false },
    tenantId: { value: undefined, isDefault: true },
    secret: { value: 'refresh-token', isDefault: true },
    anonymous: { value: false, isDefault: true },
    onError: { value: 'anonymous', isDefault: false },
    minimumLifeMinutes: { value: 30, isDefault: false },
    store: { value: true, isDefault: true },
    cacheTokens: { value: false, isDefault: false },
    cacheEntraTokens: { value: false, isDefault: true },
  });
  expect(identity).toEqual({
    key: 'ci',
    settings: [
      { key: 'type', value: 'client-secret', isDefault: false },
      { key: 'clientSecretFile', value: '/run/x', isDefault: false },
      { key: 'tenantId', value: 'contoso.com', isDefault: false },
    ],
  });
});

test('a mistake that breaks the registry is thrown, and one elsewhere is not', async () => {
  const config = { registries: { [HOST]: { anonymus: 1 }, 'other1.azurecr.io': {} } };
  expect((await catchFailure(() => findServerSettings(runtime, open(config), HOST))).code).toBe('CONFIG_INVALID');
  expect(settingsOf(config, 'other1.azurecr.io').entry).toBe('other1.azurecr.io');
});

test('with "strict", the defaults of the whole file change', () => {
  const values = (config: object) => listCommonSettings(open(config)).map(({ key, value }) => [key, value]);
  expect(Object.fromEntries(values({ strict: true }))).toMatchObject({ cacheTokens: false, cacheEntraTokens: false });
  expect(Object.fromEntries(values({}))).toMatchObject({ cacheTokens: true, cacheEntraTokens: true, strict: false });
});

describe('a value is hidden', () => {
  const SECRET = 'hiddenQ8secret';
  const rows: readonly (readonly [what: string, identity: unknown])[] = [
    ['of a key that no identity has', { type: 'client-secret', clientSecret: SECRET }],
    ['that its field does not accept', { type: 'client-secret', clientId: SECRET, clientSecretFile: SECRET }],
    ['in place of the name of a variable', { type: 'client-secret', clientSecretEnv: SECRET }],
    ['in place of the name of a keychain entry', { type: 'client-secret', clientSecretKeychain: SECRET }],
    ['among the arguments of a command', { type: 'command', command: ['/bin/x', '--password', SECRET] }],
    ['in place of a type', { type: SECRET }],
    ['in place of the name of an identity', SECRET],
    ['of another kind', { type: 'azure-cli', subscription: { a: SECRET }, configDir: [SECRET] }],
  ];
  for (const [what, identity] of rows) {
    test(what, () => {
      const opened = open({ identities: { ci: identity }, registries: { '*': { identity, more: SECRET } } });
      const shown = JSON.stringify([
        listEntries(runtime, opened, 'identities'),
        listEntries(runtime, opened, 'registries'),
      ]);
      expect(shown).not.toContain('hidden'.concat('Q8'));
    });
  }

  test('and what cannot be a secret is shown', () => {
    const identity = {
      type: 'client-secret',
      clientSecretEnv: 'ACR_SECRET',
      certificatePasswordEnv: 'lowercase_name',
      clientSecretKeychain: 'https://secrets.example.com/acr',
    };
    const [entry] = listEntries(
      runtime,
      open({ identities: { ci: identity, x: { command: ['/bin/x', '1'] } } }),
      'identities',
    );
    expect(Object.fromEntries(entry?.settings.map(({ key, value }) => [key, value]) ?? [])).toEqual(identity);
  });
});
