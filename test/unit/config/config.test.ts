/** The configuration file: where it is, what it may hold, that it is read once, and that a mistake breaks little. */
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CONFIG_KEYS, type Config, loadConfig } from '../../../src/config/config.ts';
import { DEFAULT_SETTINGS } from '../../../src/config/registry-settings.ts';
import { findCredential } from '../../../src/credential.ts';
import type { LogStep } from '../../../src/log.ts';
import { catchFailure } from '../failure.ts';
import { needRoot } from '../other-user.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { configOf, REGISTRY } from './config-of.ts';

const folder = useTemporaryFolder();
const SERVER = 'myregistry.azurecr.io';
/** Only root can give a file away. */
const OTHER_USER = 65_534;
const OPEN_TO_ALL = '{"registries":{"*":{"anonymous":true}}}';

/** Reads the file that the variable names. */
function load(file: string): Promise<Config> {
  return loadConfig(makeRuntime({ DOCKER_CREDENTIAL_ACR_CONFIG: file }));
}

/** Reads a file with this text. */
function loadText(text: string): Promise<Config> {
  writeFileSync(folder.path('config.json'), text);
  return load(folder.path('config.json'));
}

describe('loadConfig', () => {
  test('reads a file with a byte-order mark through a link', async () => {
    writeFileSync(folder.path('real.json'), `\uFEFF${OPEN_TO_ALL}\r\n`);
    symlinkSync(folder.path('real.json'), folder.path('link.json'));
    const config = await load(folder.path('link.json'));
    expect(config.settingsOf(REGISTRY)).toEqual({ ...DEFAULT_SETTINGS, isNamed: true, anonymous: true });
  });

  test('reads a file that everybody can read, since it holds no secret', async () => {
    writeFileSync(folder.path('config.json'), OPEN_TO_ALL);
    chmodSync(folder.path('config.json'), 0o644);
    expect((await load(folder.path('config.json'))).settingsOf(REGISTRY).anonymous).toBe(true);
  });

  test.each([0o666, 0o664, 0o646, 0o620, 0o602])(
    'rejects a file with mode %o, since others could have named a program in it',
    async (mode) => {
      const file = folder.path('config.json');
      writeFileSync(file, OPEN_TO_ALL);
      chmodSync(file, mode);
      const failure = await catchFailure(async () => (await load(file)).settingsOf(REGISTRY));
      expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: `Cannot use ${file}: others can write to it` });
      expect(failure.hint).toContain(`chmod go-w ${file}`);
    },
  );

  test('rejects a file of another user, also behind a link, and reads one of root', async (context) => {
    needRoot(context);
    const file = folder.path('config.json');
    writeFileSync(file, OPEN_TO_ALL);
    symlinkSync(file, folder.path('link.json'));
    expect((await load(folder.path('link.json'))).settingsOf(REGISTRY).anonymous).toBe(true);
    chownSync(file, OTHER_USER, OTHER_USER);
    for (const path of [file, folder.path('link.json')]) {
      const failure = await catchFailure(async () => (await load(path)).settingsOf(REGISTRY));
      expect(failure.message).toBe(`Cannot use ${path}: it belongs to another user (${OTHER_USER})`);
      expect(failure.hint).toBe('set DOCKER_CREDENTIAL_ACR_CONFIG to a file of your own');
    }
  });

  test('reads the file in the home folder where the variable is not set or empty', async () => {
    const runtimes = [{}, { DOCKER_CREDENTIAL_ACR_CONFIG: '' }].map((env) =>
      makeRuntime({ HOME: folder.path(), ...env }),
    );
    for (const runtime of runtimes) {
      expect((await loadConfig(runtime)).settingsOf(REGISTRY)).toEqual(DEFAULT_SETTINGS);
    }
    mkdirSync(folder.path('.config', 'docker-credential-acr'), { recursive: true });
    writeFileSync(folder.path('.config', 'docker-credential-acr', 'config.json'), OPEN_TO_ALL);
    for (const runtime of runtimes) expect((await loadConfig(runtime)).settingsOf(REGISTRY).anonymous).toBe(true);
  });

  test('has the defaults, and no file, where the home folder is not absolute', async () => {
    const config = await loadConfig(makeRuntime({ HOME: 'relative' }));
    expect(config.settingsOf(REGISTRY)).toEqual(DEFAULT_SETTINGS);
    expect(config.loginSettingsOf(undefined, 'docker.io')).toEqual({
      backend: undefined,
      isUsed: true,
      forbiddenBy: undefined,
      file: undefined,
    });
  });
});

describe('settingsOf rejects', () => {
  const ask = async (file: string) => {
    const config = await load(file);
    return await catchFailure(() => config.settingsOf(REGISTRY));
  };

  test('a file that is named but missing', async () => {
    const failure = await ask(folder.path('none.json'));
    expect(failure.code).toBe('CONFIG_INVALID');
    expect(failure.message).toBe(`Cannot use ${folder.path('none.json')}: there is no such file`);
    expect(failure.hint).toBe('unset DOCKER_CREDENTIAL_ACR_CONFIG, or write the file');
  });

  for (const file of ['config.json', './config.json', '../config.json', '~/config.json']) {
    test(`the relative path ${file}`, async () => {
      const failure = await ask(file);
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toBe(`Cannot use ${file}: DOCKER_CREDENTIAL_ACR_CONFIG is not an absolute path`);
      expect(failure.hint).toBe('set it to an absolute path');
    });
  }

  test('a folder, a device and a file of more than 1 MiB', async () => {
    mkdirSync(folder.path('folder.json'));
    writeFileSync(folder.path('large.json'), ' '.repeat(1024 * 1024 + 1));
    expect((await ask(folder.path('folder.json'))).message).toContain('not a regular file');
    expect((await ask(folder.path('large.json'))).message).toContain('larger than 1048576 bytes');
    expect((await ask('/dev/null')).message).toContain('not a regular file');
  });
});

describe('the text of the file', () => {
  const rows: readonly (readonly [text: string, message: string | undefined])[] = [
    ['{}', undefined],
    ['{"$schema":"https://example.com/config.schema.json"}', undefined],
    ['{"registries":{}}', undefined],
    ['{"identities":{},"clouds":{}}', undefined],
    ['{"store":"file"}', undefined],
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
    test(`${message === undefined ? 'may be' : 'must not be'} ${text}`, async () => {
      const config = await loadText(text);
      if (message === undefined) {
        expect(config.settingsOf(REGISTRY)).toEqual(DEFAULT_SETTINGS);
        return;
      }
      const failure = await catchFailure(() => config.settingsOf(REGISTRY));
      expect([failure.code, failure.message]).toEqual([
        'CONFIG_INVALID',
        `Cannot use ${folder.path('config.json')}: ${message}`,
      ]);
    });
  }

  test('with an unknown key is rejected with the nearest key, or with all of them', async () => {
    const failure = await catchFailure(() => configOf({ registrys: {} }).settingsOf(REGISTRY));
    expect(failure.hint).toBe('did you mean "registries"?');
    const far = await catchFailure(() => configOf({ credHelpers: {} }).settingsOf(REGISTRY));
    expect(far.hint).toBe(`the keys are ${CONFIG_KEYS.join(', ')}`);
  });
});

describe('a text that is not JSON is rejected, without quoting it:', () => {
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
      const config = await loadText(text);
      const { code, message, causes, hint, cause } = await catchFailure(() => config.settingsOf(REGISTRY));
      expect(code).toBe('CONFIG_INVALID');
      expect(message.replace(folder.path('config.json'), 'FILE')).toMatch(
        /^Cannot use FILE: it is not valid JSON( at (line \d+ column|position) \d+)?$/,
      );
      expect(JSON.stringify([message, causes, hint, cause])).not.toContain('hidden');
    });
  }
});

describe('findRegistry', () => {
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
    ['images.example.com', { unknown: 1, ...custom }, 'images.example.com'],
  ];
  for (const [serverUrl, config, service] of rows) {
    test(`returns ${service ?? 'nothing'} for ${serverUrl} with ${JSON.stringify(config)}`.slice(0, 160), async () => {
      const loaded = await loadText(typeof config === 'string' ? config : JSON.stringify(config));
      expect(loaded.findRegistry(serverUrl)?.service).toBe(service);
    });
  }

  test('takes the authority from the configuration', () => {
    const registry = configOf(stack).findRegistry('myregistry.azurecr.stack.example.com');
    expect(registry?.cloud.authority).toBe('https://login.stack.example.com/adfs');
    expect(registry?.cloud.armAudience).toBeUndefined();
  });
});

describe('a mistake in an entry that does not apply is no matter:', () => {
  const rows: readonly object[] = [
    { 'other1.azurecr.io': null },
    { 'other1.azurecr.io': { secrets: 'x' } },
    { 'other1.azurecr.io': { secret: 7 } },
    { 'other*': { secret: 'access-token' } },
    { 'other1.azurecr.com': {} },
    { 'docker.io': [] },
    { __proto__x: 1, constructor: 2 },
    { '': 1 },
    { '[a-z]*': { nonsense: true } },
    { 'myregistry1.azurecr.io:5000': { nonsense: true } },
  ];
  for (const mistake of rows) {
    test(JSON.stringify(mistake), () => {
      const registries = { ...mistake, [SERVER]: { anonymous: true } };
      expect(configOf({ registries }).settingsOf(REGISTRY).anonymous).toBe(true);
      expect(configOf({ registries: mistake }).settingsOf(REGISTRY)).toEqual(DEFAULT_SETTINGS);
    });
  }

  test('a pattern that a better entry hides', () => {
    const registries = { '*': { secret: 7 }, '*.azurecr.io': { anonymous: true } };
    expect(configOf({ registries }).settingsOf(REGISTRY).anonymous).toBe(true);
  });

  for (const mistake of [{ clouds: [] }, { clouds: { 'images.example.com': 7 } }, { identities: { other: 7 } }]) {
    test(`elsewhere in the file: ${JSON.stringify(mistake)}`, () => {
      const config = configOf({ ...mistake, registries: { [SERVER]: { anonymous: true } } });
      expect(config.settingsOf(REGISTRY).anonymous).toBe(true);
      expect(config.findRegistry(SERVER)).toEqual(REGISTRY);
    });
  }
});

describe('a mistake of the whole file', () => {
  const rows: readonly (readonly [what: string, load: () => Promise<Config>])[] = [
    ['a text that is not JSON', () => loadText('{ broken')],
    ['a list', () => loadText('[]')],
    ['a missing file', () => load(folder.path('none.json'))],
    ['a relative path', () => load('config.json')],
    ['a folder', () => load(folder.path())],
  ];
  for (const [what, loadMistake] of rows) {
    test(`is told of a registry of Azure and of a login to be kept, and breaks no other registry: ${what}`, async () => {
      const config = await loadMistake();
      for (const ask of [
        () => config.settingsOf(REGISTRY),
        () => config.settingsOf(REGISTRY),
        () => config.loginSettingsOf(REGISTRY, SERVER),
        () => config.loginUseOf(REGISTRY, SERVER).backend,
        () => config.loginSettingsOf(undefined, 'docker.io'),
      ]) {
        expect((await catchFailure(ask)).code).toBe('CONFIG_INVALID');
      }
      expect(config.findRegistry(SERVER)).toEqual(REGISTRY);
      expect(config.findRegistry('docker.io')).toBeUndefined();
      expect(config.loginUseOf(undefined, 'docker.io').backend).toBeUndefined();
    });
  }
});

describe('the file is read once, so that every later question gets the same answer, when it is', () => {
  const text = JSON.stringify({
    store: 'file',
    clouds: { 'images.example.com': {} },
    registries: { '*': { anonymous: true, store: false } },
  });
  const changes: readonly (readonly [what: string, change: (file: string) => void])[] = [
    ['replaced', (file) => writeFileSync(file, '{"store":"keychain"}')],
    ['broken', (file) => writeFileSync(file, '{ broken')],
    ['removed', (file) => rmSync(file)],
  ];
  for (const [what, change] of changes) {
    test(`${what} after the first question`, async () => {
      const file = folder.path('config.json');
      const config = await loadText(text);
      const ask = () => [
        config.findRegistry('images.example.com')?.service,
        config.settingsOf(REGISTRY).anonymous,
        config.loginSettingsOf(REGISTRY, SERVER),
        config.loginUseOf(undefined, 'docker.io').backend,
      ];
      const answers = ['images.example.com', true, { backend: 'file', isUsed: true, forbiddenBy: file, file }, 'file'];
      expect(ask()).toEqual(answers);
      change(file);
      expect(ask()).toEqual(answers);
    });

    test(`${what} before the first question`, async () => {
      const config = await loadText(text);
      change(folder.path('config.json'));
      expect(config.settingsOf(REGISTRY).anonymous).toBe(true);
    });
  }

  test('written after it was looked for', async () => {
    const config = await loadConfig(makeRuntime({ HOME: folder.path() }));
    mkdirSync(folder.path('.config', 'docker-credential-acr'), { recursive: true });
    writeFileSync(folder.path('.config', 'docker-credential-acr', 'config.json'), OPEN_TO_ALL);
    expect(config.settingsOf(REGISTRY)).toEqual(DEFAULT_SETTINGS);
  });
});

describe('one get', () => {
  const rows: readonly (readonly [serverUrl: string, config: string, outcome: LogStep['outcome']])[] = [
    [SERVER, OPEN_TO_ALL, 'ours'],
    ['images.example.com', `{"clouds":{"images.example.com":{}},${OPEN_TO_ALL.slice(1)}`, 'ours'],
    ['docker.io', '{}', 'not-ours'],
  ];
  for (const [serverUrl, text, outcome] of rows) {
    test(`looks for the configuration file once, and reads it before it tells that ${serverUrl} is ${outcome}`, async () => {
      const file = folder.path('config.json');
      writeFileSync(file, text);
      let lookups = 0;
      const env = {
        HOME: folder.path(),
        DOCKER_CREDENTIAL_ACR_CACHE_DIR: folder.path('cache'),
        DOCKER_CREDENTIAL_ACR_DATA_DIR: folder.path('data'),
        get DOCKER_CREDENTIAL_ACR_CONFIG() {
          lookups += 1;
          return file;
        },
      };
      const outcomes: LogStep['outcome'][] = [];
      const found = await findCredential(makeRuntime(env), serverUrl, (step) => {
        outcomes.push(step.outcome);
        // From now on it would be rejected, and the registry would not be open to all.
        writeFileSync(file, '{ broken');
      });
      expect(found).toMatchObject({ hint: undefined, skipped: [] });
      expect(outcomes).toEqual([outcome]);
      expect(lookups).toBe(1);
    });
  }
});
