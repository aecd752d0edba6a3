/** The configuration file, and which of its entries applies to a registry. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  CLOUD_KEYS,
  CONFIG_KEYS,
  DEFAULT_SETTINGS,
  findRegistry,
  loadSettings,
  ON_ERROR_CHOICES,
  REGISTRY_KEYS,
  readSettings,
  SECRET_KINDS,
} from '../../../src/config/config.ts';
import { IDENTITY_KEYS } from '../../../src/config/identity-settings.ts';
import { IDENTITY_NAMES } from '../../../src/identity/identity.ts';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../../src/json.ts';
import { catchFailure } from '../failure.ts';
import { registryNamed } from '../registry-named.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

const folder = useTemporaryFolder();
const REGISTRY = registryNamed('myregistry.azurecr.io');
const REGIONAL = registryNamed('myregistry.westeurope.geo.azurecr.io');

const IDENTITY_CHOICES = IDENTITY_NAMES.map((name) => `"${name}"`).join(', ');

/** The settings of a registry with this entry. */
function settingsOf(entry: unknown) {
  return readSettings(JSON.stringify({ registries: { 'myregistry.azurecr.io': entry } }), '/config.json', REGISTRY);
}

describe('readSettings accepts the entry', () => {
  const rows: readonly (readonly [entry: JsonObject, settings: object])[] = [
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
    [{ identity: 'client-secret' }, { identity: { type: 'client-secret', name: 'client-secret' } }],
    [{ identity: 'azure-cli' }, { identity: { type: 'azure-cli', name: 'azure-cli' } }],
    [{ anonymous: true }, { anonymous: true }],
    [{ anonymous: false }, {}],
    [{ onError: 'anonymous' }, { onError: 'anonymous' }],
    [{ onError: 'fail' }, {}],
    [{ minimumLifeMinutes: 5 }, { minimumLifeSeconds: 300 }],
    [{ minimumLifeMinutes: 150 }, { minimumLifeSeconds: 9000 }],
  ];
  for (const [entry, settings] of rows) {
    test(JSON.stringify(entry), () => {
      expect(settingsOf(entry)).toEqual({ ...DEFAULT_SETTINGS, ...settings });
    });
  }
});

describe('"cacheEntraTokens"', () => {
  const read = (config: unknown) => readSettings(JSON.stringify(config), '/config.json', REGISTRY);
  const entry = { 'myregistry.azurecr.io': { onError: 'anonymous' } };

  const rows: readonly (readonly [config: JsonObject, isKept: boolean])[] = [
    [{}, true],
    [{ cacheEntraTokens: true }, true],
    [{ cacheEntraTokens: false }, false],
    [{ cacheEntraTokens: false, registries: entry }, false],
    [{ registries: entry }, true],
  ];
  for (const [config, isKept] of rows) {
    test(`is ${isKept} for ${JSON.stringify(config)}`, () => {
      expect(read(config).cacheEntraTokens).toBe(isKept);
    });
  }

  test('is rejected when it is neither true nor false', async () => {
    const failure = await catchFailure(() => read({ cacheEntraTokens: 'no' }));
    expect(failure.message).toContain('"cacheEntraTokens" must be true or false');
  });
});

describe('readSettings rejects, with a hint, the entry', () => {
  const where = '"registries"."myregistry.azurecr.io"';
  const rows: readonly (readonly [entry: unknown, message: string, hint: string | undefined])[] = [
    [null, `${where} must be an object`, undefined],
    [[], `${where} must be an object`, undefined],
    ['refresh-token', `${where} must be an object`, undefined],
    [true, `${where} must be an object`, undefined],
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
    [{ secret: null }, `${where}."secret" must be one of "refresh-token", "access-token", "identity-token"`, undefined],
    [
      { secret: ['access-token'] },
      `${where}."secret" must be one of "refresh-token", "access-token", "identity-token"`,
      undefined,
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
    [{ identity: 'az' }, `${where}."identity" must be one of ${IDENTITY_CHOICES}`, undefined],
    [{ identity: {} }, `${where}."identity"."type" must be one of ${IDENTITY_CHOICES}`, undefined],
    [{ identity: 7 }, `${where}."identity" must be one of ${IDENTITY_CHOICES}`, undefined],
    [{ anonymous: 'true' }, `${where}."anonymous" must be true or false`, undefined],
    [{ anonymous: 1 }, `${where}."anonymous" must be true or false`, undefined],
    [{ anonymous: null }, `${where}."anonymous" must be true or false`, undefined],
    [{ onError: 'anonymus' }, `${where}."onError" must be one of "fail", "anonymous"`, 'write "onError": "anonymous"'],
    [{ onError: false }, `${where}."onError" must be one of "fail", "anonymous"`, undefined],
    ...[4, 151, 70.5, -70, '70', null, true, [70]].map(
      (minutes) =>
        [
          { minimumLifeMinutes: minutes },
          `${where}."minimumLifeMinutes" must be a whole number from 5 to 150`,
          undefined,
        ] as const,
    ),
    [{ tenantId: '' }, `${where}."tenantId" must be the id or the domain of a tenant`, undefined],
    [{ tenantId: 7 }, `${where}."tenantId" must be the id or the domain of a tenant`, undefined],
    [{ tenantId: 'a/b' }, `${where}."tenantId" must be the id or the domain of a tenant`, undefined],
    [{ tenantId: 'a b' }, `${where}."tenantId" must be the id or the domain of a tenant`, undefined],
    [{ tenantId: 'a\n' }, `${where}."tenantId" must be the id or the domain of a tenant`, undefined],
    [{ tenantId: 'tenant?x=1' }, `${where}."tenantId" must be the id or the domain of a tenant`, undefined],
  ];
  for (const [entry, message, hint] of rows) {
    test(JSON.stringify(entry), async () => {
      const failure = await catchFailure(() => settingsOf(entry));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toBe(`Cannot use /config.json: ${message}`);
      expect(failure.hint).toBe(hint ?? 'correct the file, or move it away');
    });
  }
});

describe('readSettings rejects the scope', () => {
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
      expect(failure.message).toContain('"scope" must be a scope such as "repository:team/app:pull"');
    });
  }
});

describe('the entry', () => {
  const rows: readonly (readonly [name: string, patterns: readonly string[], chosen: string | undefined])[] = [
    ['the exact host', ['myregistry.azurecr.io'], 'myregistry.azurecr.io'],
    ['the exact host in upper case', ['MyRegistry.AzureCR.io'], 'MyRegistry.AzureCR.io'],
    ['the exact host as a URL', ['https://myregistry.azurecr.io/'], 'https://myregistry.azurecr.io/'],
    ['the exact host with a port', ['myregistry.azurecr.io:443'], 'myregistry.azurecr.io:443'],
    ['the exact host over any pattern', ['*.azurecr.io', 'myregistry.azurecr.io', '*'], 'myregistry.azurecr.io'],
    ['a suffix', ['*.azurecr.io'], '*.azurecr.io'],
    ['a suffix in upper case', ['*.AZURECR.IO'], '*.AZURECR.IO'],
    ['a star', ['*'], '*'],
    ['a prefix', ['my*'], 'my*'],
    ['a middle', ['*reg*'], '*reg*'],
    ['a prefix and a suffix', ['my*.azurecr.io'], 'my*.azurecr.io'],
    ['stars that stand for nothing', ['*myregistry.azurecr.io*'], '*myregistry.azurecr.io*'],
    ['stars side by side', ['***'], '***'],
    ['the longer pattern, when it is last', ['*.io', '*.azurecr.io'], '*.azurecr.io'],
    ['the longer pattern, when it is first', ['*.azurecr.io', '*.io'], '*.azurecr.io'],
    ['the pattern with more characters, not with more stars', ['*y*r*e*g*', 'myreg*'], 'myreg*'],
    ['another host', ['other1.azurecr.io', 'docker.io'], undefined],
    ['another prefix', ['your*'], undefined],
    ['another suffix', ['*.azurecr.cn'], undefined],
    ['a suffix that would overlap its prefix', ['myregistry.azurecr*zurecr.io'], undefined],
    ['two middles in another order', ['*try*reg*'], undefined],
    ['a literal that would be used twice', ['*myregistry*myregistry*'], undefined],
    ['a dot in place of any character', ['my.egistr.*'], undefined],
    ['an empty list', [], undefined],
  ];
  for (const [name, patterns, chosen] of rows) {
    test(`is ${chosen === undefined ? 'not chosen' : 'chosen'} by ${name}`, () => {
      const registries = Object.fromEntries(
        patterns.map((pattern, index) => [pattern, { tenantId: `tenant${index}` }]),
      );
      const { tenantId } = readSettings(JSON.stringify({ registries }), '/config.json', REGISTRY);
      expect(tenantId).toBe(chosen === undefined ? undefined : `tenant${patterns.indexOf(chosen)}`);
    });
  }

  test('with a prefix and a suffix applies to registries that have both', () => {
    const text = JSON.stringify({ registries: { 'prod*.azurecr.io': { anonymous: true } } });
    for (const [host, anonymous] of [
      ['prod1.azurecr.io', true],
      ['production.azurecr.io', true],
      ['prod1.westeurope.geo.azurecr.io', true],
      ['preprod.azurecr.io', false],
      ['prod1.azurecr.cn', false],
    ] as const) {
      expect(readSettings(text, '/config.json', registryNamed(host)).anonymous).toBe(anonymous);
    }
  });

  test('of a regional endpoint is its own, else that of the global name, else that of a pattern', () => {
    const own = { 'myregistry.westeurope.geo.azurecr.io': { tenantId: 'own' } };
    const global = { 'myregistry.azurecr.io': { tenantId: 'global' } };
    const pattern = { 'myregistry.westeurope.geo.azurecr.*': { tenantId: 'pattern' } };
    const read = (registries: object) =>
      readSettings(JSON.stringify({ registries }), '/config.json', REGIONAL).tenantId;
    expect(read({ ...pattern, ...global, ...own })).toBe('own');
    expect(read({ ...pattern, ...global })).toBe('global');
    expect(read(pattern)).toBe('pattern');
    expect(read({ 'myregistry.*.geo.azurecr.io': { tenantId: 'region' } })).toBe('region');
  });

  test('of a regional endpoint does not apply to the global name', () => {
    const registries = { 'myregistry.westeurope.geo.azurecr.io': { tenantId: 'own' } };
    expect(readSettings(JSON.stringify({ registries }), '/config.json', REGISTRY)).toEqual(DEFAULT_SETTINGS);
  });

  const hostile: readonly (readonly [name: string, pattern: string])[] = [
    ['stars and letters', `${'*a'.repeat(50_000)}*b`],
    ['stars', '*'.repeat(100_000)],
    ['letters and a star', `${'a'.repeat(100_000)}*`],
    ['dots and a star', `${'.'.repeat(100_000)}*`],
  ];
  for (const [name, pattern] of hostile) {
    test(`is matched without backtracking against a hundred thousand ${name}`, () => {
      const text = JSON.stringify({ registries: { [pattern]: { anonymous: true } } });
      expect(readSettings(text, '/config.json', REGISTRY).anonymous).toBe(/^\*+$/.test(pattern));
    });
  }
});

describe('readSettings rejects the pattern', () => {
  const rows: readonly string[] = ['*/team', 'https://*.azurecr.io', '*?', '*:443', '*\n', 'x@my*'];
  for (const pattern of rows) {
    test(JSON.stringify(pattern), async () => {
      const text = JSON.stringify({ registries: { [pattern]: {} } });
      const failure = await catchFailure(() => readSettings(text, '/config.json', REGISTRY));
      expect(failure.message).toContain('which is no pattern');
      expect(failure.hint).toBe('write it as "*.azurecr.io"');
    });
  }
});

describe('readSettings ignores an invalid key that does not mean this registry:', () => {
  for (const pattern of [
    'my registry*',
    '[a-z]*',
    '(a+)+*',
    'é*',
    '*\0',
    'https://*.azurecr.cn',
    'myregistry1.azurecr.io:5000',
  ]) {
    test(JSON.stringify(pattern), () => {
      const text = JSON.stringify({ registries: { [pattern]: { nonsense: true } } });
      expect(readSettings(text, '/config.json', REGISTRY)).toEqual(DEFAULT_SETTINGS);
    });
  }
});

describe('readSettings rejects, and corrects in the hint, the registry name', () => {
  for (const pattern of [
    'myregistry',

    'myregistry.azurecr.io:5000',
    'u@myregistry.azurecr.io',
  ]) {
    test(pattern, async () => {
      const text = JSON.stringify({ registries: { [pattern]: {} } });
      const failure = await catchFailure(() => readSettings(text, '/config.json', REGISTRY));
      expect(failure.message).toBe(`Cannot use /config.json: "registries" has "${pattern}", which is no registry`);
      expect(failure.hint).toBe('write "myregistry.azurecr.io"');
    });
  }
});

describe('readSettings ignores a mistake in an entry that does not apply:', () => {
  const rows: readonly JsonObject[] = [
    { 'other1.azurecr.io': null },
    { 'other1.azurecr.io': { secrets: 'x' } },
    { 'other1.azurecr.io': { secret: 7 } },
    { 'other*': { secret: 'access-token' } },
    { 'other1.azurecr.com': {} },
    { 'docker.io': [] },
    { __proto__x: 1, constructor: 2 },
    { '': 1 },
  ];
  for (const mistake of rows) {
    test(JSON.stringify(mistake), () => {
      const registries = { ...mistake, 'myregistry.azurecr.io': { anonymous: true } };
      expect(readSettings(JSON.stringify({ registries }), '/config.json', REGISTRY).anonymous).toBe(true);
    });
  }

  test('a pattern that a better entry hides', () => {
    const registries = { '*': { secret: 7 }, '*.azurecr.io': { anonymous: true } };
    expect(readSettings(JSON.stringify({ registries }), '/config.json', REGISTRY).anonymous).toBe(true);
  });
});

describe('readSettings', () => {
  const rows: readonly (readonly [text: string, message: string | undefined])[] = [
    ['{}', undefined],
    ['{"$schema":"https://example.com/config.schema.json"}', undefined],
    ['{"registries":{}}', undefined],
    ['{"__proto__":{"registries":{"*":{"anonymous":true}}}}', 'unknown key "__proto__"'],
    ['{"registry":{}}', 'unknown key "registry"'],
    ['{"Registries":{}}', 'unknown key "Registries"'],
    ['{"registries":[]}', '"registries" must be an object'],
    ['{"registries":null}', '"registries" must be an object'],
    ['{"registries":"*"}', '"registries" must be an object'],
    ['[]', 'it must contain a JSON object'],
    ['null', 'it must contain a JSON object'],
    ['7', 'it must contain a JSON object'],
    ['"text"', 'it must contain a JSON object'],
  ];
  for (const [text, message] of rows) {
    test(`${message === undefined ? 'accepts' : 'rejects'} ${text}`, async () => {
      const read = () => readSettings(text, '/config.json', REGISTRY);
      if (message === undefined) expect(read()).toEqual(DEFAULT_SETTINGS);
      else expect((await catchFailure(read)).message).toBe(`Cannot use /config.json: ${message}`);
    });
  }

  test('suggests the nearest key for an unknown one, or lists them all', async () => {
    const failure = await catchFailure(() => readSettings('{"registrys":{}}', '/config.json', REGISTRY));
    expect(failure.hint).toBe('did you mean "registries"?');
    const far = await catchFailure(() => readSettings('{"credHelpers":{}}', '/config.json', REGISTRY));
    expect(far.hint).toBe(`the keys are ${CONFIG_KEYS.join(', ')}`);
  });
});

describe('readSettings rejects, without quoting it, the text', () => {
  const rows: readonly string[] = [
    '',
    ' ',
    'hidden',
    '{hidden}',
    '{"a":hidden}',
    '{"hidden"',
    '{"a":"hidden\n"}',
    '{"a":1,} hidden',
    '// hidden\n{}',
    "{'hidden':1}",
    '{"a":"\\hidden"}',
    `{"a":${'['.repeat(100)}hidden`,
    '\0hidden',
    'client_secret=hidden',
  ];
  for (const text of rows) {
    test(JSON.stringify(text).slice(0, 60), async () => {
      const failure = await catchFailure(() => readSettings(text, '/config.json', REGISTRY));
      expect(failure.message).toMatch(
        /^Cannot use \/config\.json: it is not valid JSON( at (line \d+ column|position) \d+)?$/,
      );
      expect(JSON.stringify([failure.message, failure.causes, failure.hint, failure.cause])).not.toContain('hidden');
    });
  }
});

describe('loadSettings', () => {
  const load = (file: string) => loadSettings(makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file }), REGISTRY);

  test('reads a file with a byte-order mark through a link', async () => {
    writeFileSync(folder.path('real.json'), '\uFEFF{"registries":{"*":{"anonymous":true}}}\r\n');
    symlinkSync(folder.path('real.json'), folder.path('link.json'));
    expect(await load(folder.path('link.json'))).toEqual({ ...DEFAULT_SETTINGS, anonymous: true });
  });

  test('rejects a file that is named but missing', async () => {
    const failure = await catchFailure(() => load(folder.path('none.json')));
    expect(failure.message).toBe(`Cannot use ${folder.path('none.json')}: there is no such file`);
    expect(failure.hint).toBe('unset DOCKER_CREDENTIAL_ACR_CONFIG or write the file');
  });

  for (const file of ['config.json', './config.json', '../config.json', '~/config.json']) {
    test(`rejects the relative path ${file}`, async () => {
      const failure = await catchFailure(() => load(file));
      expect(failure.message).toBe(`Cannot use ${file}: DOCKER_CREDENTIAL_ACR_CONFIG is not an absolute path`);
      expect(failure.hint).toBe('name the file from the root on');
    });
  }

  test('rejects a folder, a device and a file of more than 1 MiB', async () => {
    mkdirSync(folder.path('folder.json'));
    writeFileSync(folder.path('large.json'), ' '.repeat(1024 * 1024 + 1));
    expect((await catchFailure(() => load(folder.path('folder.json')))).message).toContain('not a regular file');
    expect((await catchFailure(() => load(folder.path('large.json')))).message).toContain('larger than 1048576 bytes');
    expect((await catchFailure(() => load('/dev/null'))).message).toContain('not a regular file');
  });

  test('reads a file that everybody can access, since it holds no secret', async () => {
    writeFileSync(folder.path('config.json'), '{"registries":{"*":{"anonymous":true}}}');
    chmodSync(folder.path('config.json'), 0o666);
    expect((await load(folder.path('config.json'))).anonymous).toBe(true);
  });
});

describe('findRegistry', () => {
  const find = (serverUrl: string, config: unknown) => {
    writeFileSync(folder.path('config.json'), typeof config === 'string' ? config : JSON.stringify(config));
    const runtime = makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: folder.path('config.json') });
    return findRegistry(runtime, serverUrl);
  };
  const stack = {
    clouds: { '*.azurecr.stack.example.com': { authorityHost: 'https://login.stack.example.com/adfs/' } },
  };
  const custom = { clouds: { 'images.example.com': {} } };

  const rows: readonly (readonly [serverUrl: string, config: unknown, service: string | undefined])[] = [
    ['myregistry.azurecr.stack.example.com', stack, 'myregistry.azurecr.stack.example.com'],
    ['HTTPS://MyRegistry.AzureCR.Stack.example.com.:443/v2/', stack, 'myregistry.azurecr.stack.example.com'],
    ['myregistry.azurecr.stack.example.com.evil.com', stack, undefined],
    ['evilazurecr.stack.example.com', stack, undefined],
    ['abcd.azurecr.stack.example.com', stack, undefined],
    ['a.b.azurecr.stack.example.com', stack, undefined],
    ['stack.example.com', stack, undefined],
    ['myregistry.azurecr.stack.example.com@evil.com', stack, undefined],
    ['images.example.com', custom, 'images.example.com'],
    ['https://Images.example.com/', custom, 'images.example.com'],
    ['images.example.com:443', custom, 'images.example.com'],
    ['images.example.com:5000', custom, undefined],
    ['images.example.com.evil.com', custom, undefined],
    ['evilimages.example.com', custom, undefined],
    ['xn--images.example.com', custom, undefined],
    ['example.com', custom, undefined],
    ['docker.io', custom, undefined],
    ['myregistry.azurecr.io', custom, 'myregistry.azurecr.io'],
    ['docker.io', '{ broken', undefined],
    ['docker.io', { clouds: [] }, undefined],
    ['docker.io', { clouds: { '*.azurecr.stack.example.com': 7 } }, undefined],
    [
      'docker.io',
      { clouds: { '': {}, '*': {}, '*.': {}, '.': {}, '..': {}, '*.*': {}, 'a/b': {}, __proto__x: {} } },
      undefined,
    ],
    ['myregistry.azurecr.io', '{ broken', 'myregistry.azurecr.io'],
  ];
  for (const [serverUrl, config, service] of rows) {
    test(`returns ${service ?? 'nothing'} for ${serverUrl} with ${JSON.stringify(config)}`.slice(0, 160), async () => {
      expect((await find(serverUrl, config))?.service).toBe(service);
    });
  }

  test('takes the authority from the configuration', async () => {
    const registry = await find('myregistry.azurecr.stack.example.com', stack);
    expect(registry?.cloud.authority).toBe('https://login.stack.example.com/adfs');
    expect(registry?.cloud.armAudience).toBeUndefined();
  });

  const wrong: readonly (readonly [entry: unknown, message: string])[] = [
    [7, '"clouds"."images.example.com" must be an object'],
    [null, '"clouds"."images.example.com" must be an object'],
    [{ authority: 'x' }, 'unknown key "authority" in "clouds"."images.example.com"'],
    [
      { authorityHost: 'http://login.example.com' },
      '"clouds"."images.example.com"."authorityHost" must be an https URL',
    ],
    [
      { authorityHost: 'https://u:p@login.example.com' },
      '"clouds"."images.example.com"."authorityHost" must be an https URL',
    ],
    [
      { authorityHost: 'https://login.example.com/?a' },
      '"clouds"."images.example.com"."authorityHost" must be an https URL',
    ],
    [{ authorityHost: 'login.example.com' }, '"clouds"."images.example.com"."authorityHost" must be an https URL'],
    [
      { audience: 'a b' },
      '"clouds"."images.example.com"."audience" must be a URL such as "https://containerregistry.azure.net"',
    ],
  ];
  for (const [entry, message] of wrong) {
    test(`rejects the cloud ${JSON.stringify(entry)}, but only for its own registry`, async () => {
      const config = { clouds: { 'images.example.com': entry } };
      const failure = await catchFailure(() => find('images.example.com', config));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toBe(`Cannot use ${folder.path('config.json')}: ${message}`);
      expect(await find('docker.io', config)).toBeUndefined();
    });
  }
});

describe('the identity of a registry', () => {
  const CLIENT_ID = '11111111-2222-3333-4444-555555555555';
  const identityOf = (identity: unknown, identities: unknown = {}) => {
    const config = { registries: { 'myregistry.azurecr.io': { identity } }, identities };
    return readSettings(JSON.stringify(config), '/config.json', REGISTRY).identity;
  };

  test('may be the name of one in "identities"', () => {
    const identities = { deploy: { type: 'client-secret', clientId: CLIENT_ID, clientSecretEnv: 'DEPLOY_SECRET' } };
    expect(identityOf('deploy', identities)).toMatchObject({
      type: 'client-secret',
      name: 'deploy',
      clientId: CLIENT_ID,
      clientSecretEnv: 'DEPLOY_SECRET',
    });
  });

  test('may be an object of any type', () => {
    for (const type of IDENTITY_NAMES) {
      const entry = type === 'command' ? { type, command: ['/bin/true'] } : { type };
      expect(identityOf(entry)).toMatchObject({ type, name: type });
    }
  });

  test('is not affected by a mistake in another identity', () => {
    expect(identityOf('azure-cli', { other: { type: 'nothing' }, 'and-another': 7 })).toMatchObject({
      type: 'azure-cli',
    });
  });

  const wrong: readonly (readonly [identity: unknown, message: RegExp, hint: RegExp])[] = [
    [{ type: 'client-secret', clientSecret: 'hidden' }, /contains a secret in "clientSecret"$/, /clientSecretFile/],
    [{ type: 'client-secret', password: 'hidden' }, /contains a secret in "password"$/, /clientSecretEnv/],
    [{ type: 'workload-identity', token: 'hidden' }, /contains a secret in "token"$/, /tokenFile/],
    [{ type: 'client-certificate', certificatePassword: 'hidden' }, /contains a secret/, /certificatePasswordFile/],
    [{ type: 'azure-cli', clientId: CLIENT_ID }, /unknown key "clientId"/, /the keys are|did you mean/],
    [{ type: 'client-secret', clientid: CLIENT_ID }, /unknown key "clientid"/, /did you mean "clientId"/],
    [{ type: 'client-secret', clientId: 'me' }, /"clientId" must be the id of an application/, /correct the file/],
    [{ type: 'client-secret', clientSecretFile: 'secret.txt' }, /must be an absolute path/, /correct the file/],
    [
      { type: 'client-secret', clientSecretEnv: 'A=B' },
      /must be the name of an environment variable/,
      /correct the file/,
    ],
    [{ type: 'managed-identity', resourceId: 'x' }, /must be a resource id/, /correct the file/],
    [{ type: 'command' }, /"command" must be a list/, /correct the file/],
    [{ type: 'command', command: [] }, /"command" must be a list/, /correct the file/],
    [{ type: 'command', command: ['/bin/true', 'a\nb'] }, /"command" must be a list/, /correct the file/],
    [{ type: 'azure-cli', subscription: 'a;b' }, /"subscription" must be/, /correct the file/],
    [{}, /"type" must be one of/, /correct the file/],
    ['__proto__', /"identity" must be one of/, /correct the file/],
    ['constructor', /"identity" must be one of/, /correct the file/],
    [['azure-cli'], /"identity" must be one of/, /correct the file/],
  ];
  for (const [identity, message, hint] of wrong)
    test(`is rejected, without quoting a secret, when it is ${JSON.stringify(identity)}`, async () => {
      const failure = await catchFailure(() => identityOf(identity));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toMatch(message);
      expect(failure.hint).toMatch(hint);
      expect(`${failure.message}${failure.hint}`).not.toContain('hidden');
    });
});

describe('the JSON Schema', () => {
  const schema = parseJsonObject(readFileSync(`${import.meta.dirname}/../../../src/config/config.schema.json`, 'utf8'));
  const registry = asJsonObject(asJsonObject(schema?.['$defs'])?.['registry']);
  const identity = asJsonObject(asJsonObject(schema?.['$defs'])?.['identity']);
  const cloud = asJsonObject(asJsonObject(schema?.['$defs'])?.['cloud']);
  const keysOf = (object: JsonObject | undefined) => Object.keys(asJsonObject(object?.['properties']) ?? {});
  const propertyOf = (key: string) => asJsonObject(asJsonObject(registry?.['properties'])?.[key]);

  test('lists exactly the keys that the program knows', () => {
    expect(keysOf(schema)).toEqual([...CONFIG_KEYS]);
    expect(keysOf(registry)).toEqual([...REGISTRY_KEYS]);
    expect(keysOf(cloud)).toEqual([...CLOUD_KEYS]);
    const ofSources = Object.values(IDENTITY_KEYS).flat();
    expect(keysOf(identity).sort()).toEqual(
      [...new Set(['type', 'tenantId', 'authorityHost', 'audience', ...ofSources])].sort(),
    );
    expect(schema?.['additionalProperties']).toBe(false);
    expect(identity?.['additionalProperties']).toBe(false);
    expect(cloud?.['additionalProperties']).toBe(false);
    expect(registry?.['additionalProperties']).toBe(false);
  });

  test('lists the same choices as the program', () => {
    expect(propertyOf('secret')?.['enum']).toEqual([...SECRET_KINDS]);
    expect(propertyOf('onError')?.['enum']).toEqual([...ON_ERROR_CHOICES]);
    expect(asJsonObject(asJsonObject(identity?.['properties'])?.['type'])?.['enum']).toEqual([...IDENTITY_NAMES]);
    expect(propertyOf('anonymous')?.['type']).toBe('boolean');
  });

  test('accepts and rejects the same tenants as the program', () => {
    const pattern = new RegExp(String(propertyOf('tenantId')?.['pattern']));
    for (const tenantId of ['contoso.onmicrosoft.com', '72f988bf-86f1-41af-91ab-2d7cd011db47']) {
      expect(settingsOf({ tenantId }).tenantId).toBe(tenantId);
      expect(tenantId).toMatch(pattern);
    }
    for (const tenantId of ['', 'a b', 'a/b', 'é']) {
      expect(() => settingsOf({ tenantId })).toThrow();
      expect(tenantId).not.toMatch(pattern);
    }
  });
});
