/** What the configuration may say of one registry. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS, REGISTRY_KEYS } from '../../../src/config/registry-settings.ts';
import { SOURCES } from '../../../src/identity/sources.ts';
import { catchFailure } from '../failure.ts';
import { CONFIG_FILE, configOf, REGISTRY } from './config-of.ts';

const IDENTITY_CHOICES = SOURCES.map(({ name }) => `"${name}"`).join(', ');

/** The settings of a registry with this entry. */
function settingsOf(entry: unknown) {
  return configOf({ registries: { 'myregistry.azurecr.io': entry } }).settingsOf(REGISTRY);
}

/** A source that only its name was said of. */
function bare(source: string) {
  return expect.objectContaining({ source, name: source, tenantId: undefined, audience: undefined });
}

describe('the settings of a registry', () => {
  const rows: readonly (readonly [entry: object, settings: object])[] = [
    [{}, {}],
    [{ secret: 'refresh-token' }, {}],
    [{ secret: 'identity-token' }, { secret: 'identity-token' }],
    [
      { secret: 'access-token', scope: 'repository:team/app:pull' },
      { secret: 'access-token', scope: ['repository:team/app:pull'] },
    ],
    [
      { secret: 'access-token', scope: 'repository:a:pull,push registry:catalog:*' },
      { secret: 'access-token', scope: ['repository:a:pull,push', 'registry:catalog:*'] },
    ],
    [
      { secret: 'access-token', scope: ['repository:a:pull', 'repository:b:metadata_read', 'repository:a:pull'] },
      { secret: 'access-token', scope: ['repository:a:pull', 'repository:b:metadata_read'] },
    ],
    [
      { secret: 'access-token', scope: 'repository:*:pull' },
      { secret: 'access-token', scope: ['repository:*:pull'] },
    ],
    [{ tenantId: 'contoso.onmicrosoft.com' }, { tenantId: 'contoso.onmicrosoft.com' }],
    [{ tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47' }, { tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47' }],
    [{ identity: 'client-secret' }, { identity: bare('client-secret') }],
    [{ identity: 'azure-cli' }, { identity: bare('azure-cli') }],
    [{ anonymous: true }, { anonymous: true }],
    [{ anonymous: false }, {}],
    [{ onError: 'anonymous' }, { onError: 'anonymous' }],
    [{ onError: 'fail' }, {}],
    [{ store: false }, { store: false }],
    [{ store: true }, {}],
    [{ minimumLifeMinutes: 5 }, { minimumLifeSeconds: 300 }],
    [{ minimumLifeMinutes: 150 }, { minimumLifeSeconds: 9000 }],
  ];
  for (const [entry, settings] of rows) {
    test(`are the defaults and ${JSON.stringify(settings)} for the entry ${JSON.stringify(entry)}`, () => {
      expect(settingsOf(entry)).toEqual({ ...DEFAULT_SETTINGS, isNamed: true, ...settings });
    });
  }
});

describe('the settings of all registries', () => {
  const entry = { registries: { 'my*.azurecr.io': {} } };
  const rows: readonly (readonly [config: object, settings: object])[] = [
    [{}, {}],
    [{ cacheTokens: true, cacheEntraTokens: true, strict: false }, {}],
    [{ cacheEntraTokens: false }, { cacheEntraTokens: false }],
    [{ cacheTokens: false }, { cacheTokens: false, cacheEntraTokens: false }],
    [
      { cacheTokens: false, cacheEntraTokens: true },
      { cacheTokens: false, cacheEntraTokens: false },
    ],
    [{ strict: true }, { isStrict: true, cacheTokens: false, cacheEntraTokens: false }],
    [
      { strict: true, cacheTokens: true },
      { isStrict: true, cacheEntraTokens: false },
    ],
    [{ strict: true, cacheTokens: true, cacheEntraTokens: true }, { isStrict: true }],
    [
      { strict: true, cacheEntraTokens: true },
      { isStrict: true, cacheTokens: false, cacheEntraTokens: false },
    ],
  ];
  for (const [config, settings] of rows) {
    test(`are the defaults and ${JSON.stringify(settings)} for ${JSON.stringify(config)}`, () => {
      expect(configOf(config).settingsOf(REGISTRY)).toEqual({ ...DEFAULT_SETTINGS, ...settings });
      const named = configOf({ ...config, ...entry }).settingsOf(REGISTRY);
      expect(named).toEqual({ ...DEFAULT_SETTINGS, isNamed: true, ...settings });
    });
  }
});

describe('"cacheEntraTokens"', () => {
  const entry = { 'myregistry.azurecr.io': { onError: 'anonymous' } };

  const rows: readonly (readonly [config: object, isKept: boolean])[] = [
    [{}, true],
    [{ cacheEntraTokens: true }, true],
    [{ cacheEntraTokens: false }, false],
    [{ cacheEntraTokens: false, registries: entry }, false],
    [{ registries: entry }, true],
  ];
  for (const [config, isKept] of rows) {
    test(`is ${isKept} for ${JSON.stringify(config)}`, () => {
      expect(configOf(config).settingsOf(REGISTRY).cacheEntraTokens).toBe(isKept);
    });
  }

  test('is rejected when it is neither true nor false', async () => {
    const failure = await catchFailure(() => configOf({ cacheEntraTokens: 'no' }).settingsOf(REGISTRY));
    expect(failure.message).toBe(`Cannot use ${CONFIG_FILE}: "cacheEntraTokens" must be true or false`);
  });
});

describe('an entry is rejected, with a hint, when it is', () => {
  const where = '"registries"."myregistry.azurecr.io"';
  const rows: readonly (readonly [entry: unknown, message: string, hint?: string])[] = [
    [null, `${where} must be an object`],
    [[], `${where} must be an object`],
    ['refresh-token', `${where} must be an object`],
    [true, `${where} must be an object`],
    [{ secrets: 'x' }, `unknown key "secrets" in ${where}`, 'did you mean "secret"?'],
    [{ tenant: 'x' }, `unknown key "tenant" in ${where}`, 'did you mean "tenantId"?'],
    [{ Anonymous: true }, `unknown key "Anonymous" in ${where}`, 'did you mean "anonymous"?'],
    [{ password: 'x' }, `unknown key "password" in ${where}`, `the keys are ${REGISTRY_KEYS.join(', ')}`],
    [{ ['__proto__']: {} }, `unknown key "__proto__" in ${where}`, `the keys are ${REGISTRY_KEYS.join(', ')}`],
    [{ constructor: 1 }, `unknown key "constructor" in ${where}`, `the keys are ${REGISTRY_KEYS.join(', ')}`],
    [{ '': 1 }, `unknown key "" in ${where}`, `the keys are ${REGISTRY_KEYS.join(', ')}`],
    [
      { secret: 'acces-token' },
      `${where}."secret" must be one of "refresh-token", "access-token", "identity-token"`,
      'write "secret": "access-token"',
    ],
    [
      { secret: 'Refresh-Token' },
      `${where}."secret" must be one of "refresh-token", "access-token", "identity-token"`,
      'write "secret": "refresh-token"',
    ],
    [{ secret: null }, `${where}."secret" must be one of "refresh-token", "access-token", "identity-token"`],
    [
      { secret: ['access-token'] },
      `${where}."secret" must be one of "refresh-token", "access-token", "identity-token"`,
    ],
    [{ secret: 'access-token' }, `${where} has no "scope"`, 'add "scope": "repository:NAME:pull"'],
    [
      { scope: 'repository:a:pull' },
      `${where} has a "scope" without "secret": "access-token"`,
      'add "secret": "access-token"',
    ],
    [
      { identity: 'azure-cl' },
      `${where}."identity" must be one of ${IDENTITY_CHOICES}`,
      'write "identity": "azure-cli"',
    ],
    [{ identity: 'az' }, `${where}."identity" must be one of ${IDENTITY_CHOICES}`],
    [{ identity: {} }, `${where}."identity"."type" must be one of ${IDENTITY_CHOICES}`],
    [{ identity: 7 }, `${where}."identity" must be one of ${IDENTITY_CHOICES}`],
    [{ anonymous: 'true' }, `${where}."anonymous" must be true or false`],
    [{ anonymous: 1 }, `${where}."anonymous" must be true or false`],
    [{ anonymous: null }, `${where}."anonymous" must be true or false`],
    [{ store: 'file' }, `${where}."store" must be true or false`],
    [{ onError: 'anonymus' }, `${where}."onError" must be one of "fail", "anonymous"`, 'write "onError": "anonymous"'],
    [{ onError: false }, `${where}."onError" must be one of "fail", "anonymous"`],
    ...[4, 151, 70.5, -70, '70', null, true, [70]].map(
      (minutes) =>
        [
          { minimumLifeMinutes: minutes },
          `${where}."minimumLifeMinutes" must be a whole number from 5 to 150`,
        ] as const,
    ),
    ...['', 7, 'a/b', 'a b', 'a\n', 'tenant?x=1', '-x', '..', '.contoso.com', 'é', null, ['a']].map(
      (tenantId) => [{ tenantId }, `${where}."tenantId" must be the id or domain of a tenant`] as const,
    ),
  ];
  for (const [entry, message, hint] of rows) {
    test(JSON.stringify(entry), async () => {
      const failure = await catchFailure(() => settingsOf(entry));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toBe(`Cannot use ${CONFIG_FILE}: ${message}`);
      expect(failure.hint).toBe(hint ?? 'correct the file, or move it away');
    });
  }
});

describe('an entry is rejected for the scope', () => {
  const rows: readonly unknown[] = [
    '',
    ' ',
    [],
    [[]],
    ['repository:a:pull', 7],
    ['repository:a:pull', ''],
    null,
    {},
    7,
    'repository:a',
    'pull',
    'repository:a:pull push',
    'repository::pull',
    'repository:a:',
    'repository:a:pull,',
    'repository:a:pull&scope=registry:catalog:*',
    'repository:a:PULL',
    'repository:a%2Fb:pull',
    'repository:a:pull\nregistry:catalog:*',
    'REPOSITORY:a:pull',
    `repository:${'a'.repeat(100_000)}:!`,
    `repository:a:${'pull,'.repeat(20_000)}`,
  ];
  for (const scope of rows) {
    test(JSON.stringify(scope).slice(0, 80), async () => {
      const failure = await catchFailure(() => settingsOf({ secret: 'access-token', scope }));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toContain('"scope" must be a scope such as "repository:team/app:pull"');
    });
  }
});
