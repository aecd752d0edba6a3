/** Clouds and registries that only the configuration knows. */
import { describe, expect, test } from 'vitest';
import { CLOUDS } from '../../../src/clouds.ts';
import { CloudInvalid, listClouds } from '../../../src/config/cloud-settings.ts';
import { catchAnything, catchFailure } from '../failure.ts';
import { CONFIG_FILE, configOf, readerOf } from './config-of.ts';

/** The clouds that a file with these entries adds to Azure's own for a host. */
function listAdded(clouds: object, host: string) {
  const listed = listClouds(readerOf({ clouds }), host);
  expect(listed.slice(-CLOUDS.length)).toEqual(CLOUDS);
  return listed.slice(0, -CLOUDS.length);
}

describe('listClouds', () => {
  const rows: readonly (readonly [keys: readonly string[], host: string, suffix: string | undefined])[] = [
    [['*.azurecr.example.com'], 'myregistry.azurecr.example.com', 'azurecr.example.com'],
    [['.azurecr.example.com'], 'myregistry.azurecr.example.com', 'azurecr.example.com'],
    [['*.AzureCR.Example.com'], 'myregistry.azurecr.example.com', 'azurecr.example.com'],
    [['https://images.example.com/'], 'images.example.com', 'images.example.com'],
    [['images.example.com'], 'images.example.com', 'images.example.com'],
    [['other.example.com', 'images.example.com'], 'images.example.com', 'images.example.com'],
    // A host means this host only, and a suffix only the hosts below it.
    [['azurecr.example.com'], 'myregistry.azurecr.example.com', undefined],
    [['https://azurecr.example.com/'], 'myregistry.azurecr.example.com', undefined],
    [['evil.example'], 'attacker.evil.example', undefined],
    [['evil.example'], 'attacker.geo.evil.example', undefined],
    [['*.images.example.com'], 'images.example.com', undefined],
    [['.images.example.com'], 'images.example.com', undefined],
    // The exact name, else the longest suffix, in whatever order the file has them.
    [['*.example.com', 'images.example.com'], 'images.example.com', 'images.example.com'],
    [['images.example.com', '*.example.com'], 'images.example.com', 'images.example.com'],
    [['*.example.com', '*.azurecr.example.com'], 'myregistry.azurecr.example.com', 'azurecr.example.com'],
    [['*.azurecr.example.com', '*.example.com'], 'myregistry.azurecr.example.com', 'azurecr.example.com'],
    [['.com', 'azurecr.example.com', '.example.com'], 'myregistry.azurecr.example.com', 'example.com'],
    // Nothing below a suffix of Azure's.
    [['*.io', '*.azurecr.io', '*.data.azurecr.io'], 'myregistry.westeurope.data.azurecr.io', undefined],
    [['myregistry.azurecr.io'], 'myregistry.azurecr.io', undefined],
    [['azurecr.io', '*.io', '.io'], 'azurecr.io', undefined],
    [['*.azurecr.us'], 'x.azurecr.us', undefined],
    [['*.io'], 'notazurecr.io', 'io'],
    [['-x.example.com', '*.-x.example.com'], '-x.example.com', undefined],
    [['images.example.com'], 'evilimages.example.com', undefined],
    [['images.example.com'], 'images.example.com.evil.com', undefined],
    [['images.example.com'], 'example.com', undefined],
    [['*images.example.com'], 'images.example.com', undefined],
    [['*.*.example.com'], 'myregistry.azurecr.example.com', undefined],
    [['', '*', '*.', '.', '..', '*.*', 'a/b', '__proto__'], 'images.example.com', undefined],
    [[], 'images.example.com', undefined],
  ];
  for (const [keys, host, suffix] of rows) {
    test(`adds ${suffix ?? 'nothing'} to Azure's own clouds for ${host} with ${JSON.stringify(keys)}`, () => {
      const added = listAdded(Object.fromEntries(keys.map((key) => [key, {}])), host);
      expect(added.map(({ registrySuffix }) => registrySuffix)).toEqual(suffix === undefined ? [] : [suffix]);
    });
  }

  test('adds a cloud with the defaults of the public cloud, but without an authority', () => {
    expect(listAdded({ 'images.example.com': {} }, 'images.example.com')).toEqual([
      {
        name: 'images.example.com',
        registrySuffix: 'images.example.com',
        isOneHost: true,
        authority: undefined,
        audience: 'https://containerregistry.azure.net',
        armAudience: undefined,
        federatedAudience: 'api://AzureADTokenExchange',
      },
    ]);
  });

  test('adds a cloud with what its entry says', () => {
    const entry = {
      authorityHost: 'https://login.example.com/adfs/',
      audience: 'https://registry.example.com',
      federatedAudience: 'api://Federation',
    };
    expect(listAdded({ '*.azurecr.example.com': entry }, 'myregistry.azurecr.example.com')).toMatchObject([
      {
        authority: 'https://login.example.com/adfs',
        audience: 'https://registry.example.com',
        federatedAudience: 'api://Federation',
      },
    ]);
  });

  for (const clouds of [[], null, 'images.example.com', 7]) {
    test(`rejects the clouds ${JSON.stringify(clouds)}, which concern no registry`, async () => {
      const failure = await catchFailure(() => listClouds(readerOf({ clouds }), 'images.example.com'));
      expect([failure.code, failure.message]).toEqual([
        'CONFIG_INVALID',
        `Cannot use ${CONFIG_FILE}: "clouds" must be an object`,
      ]);
      expect(configOf({ clouds }).findRegistry('images.example.com')).toBeUndefined();
    });
  }
});

describe('a mistake in the entry of a cloud', () => {
  const isFound = (clouds: object, host: string) => configOf({ clouds }).findRegistry(host)?.host === host;

  test('does not concern a host below the one registry that the entry names', () => {
    expect(isFound({ 'example.com': 7, '*.azurecr.example.com': {} }, 'myregistry.azurecr.example.com')).toBe(true);
  });

  test('does not concern a host to which a longer suffix or an exact name applies', () => {
    const clouds = { '*.example.com': 7, '*.azurecr.example.com': {}, 'images.example.com': {} };
    expect(isFound(clouds, 'myregistry.azurecr.example.com')).toBe(true);
    expect(isFound(clouds, 'images.example.com')).toBe(true);
  });

  test("does not concern Azure's own registries", () => {
    expect(isFound({ '*.io': 7, 'myregistry.azurecr.io': 7 }, 'myregistry.azurecr.io')).toBe(true);
  });
});

test('a key of the clouds sends no token to a host below it that is not a login server', () => {
  const { findRegistry } = configOf({ clouds: { 'evil.example': {}, '*.stack.example': {} } });
  expect(findRegistry('evil.example')?.host).toBe('evil.example');
  expect(findRegistry('myregistry.stack.example')?.host).toBe('myregistry.stack.example');
  for (const host of ['attacker.evil.example', 'attacker.geo.evil.example', 'a.b.stack.example', 'stack.example']) {
    expect(findRegistry(host)).toBeUndefined();
  }
});

test("a key of the clouds never changes the cloud of Azure's own registries", () => {
  const elsewhere = { authorityHost: 'https://login.evil.example' };
  for (const { registrySuffix, name } of CLOUDS) {
    const host = `myregistry.${registrySuffix}`;
    const keys = [host, registrySuffix, `*.${registrySuffix}`, `.${registrySuffix}`, '*.io', '*.de'];
    const { findRegistry } = configOf({ clouds: Object.fromEntries(keys.map((key) => [key, elsewhere])) });
    expect(findRegistry(host)?.cloud.name).toBe(name);
    expect(findRegistry(`myregistry.data.${registrySuffix}`)).toBeUndefined();
    expect(findRegistry(registrySuffix)).toBeUndefined();
  }
});

describe('the entry of a cloud', () => {
  const place = '"clouds"."images.example.com"';
  const rows: readonly (readonly [entry: unknown, message: string])[] = [
    [7, `${place} must be an object`],
    [null, `${place} must be an object`],
    [{ authority: 'x' }, `unknown key "authority" in ${place}`],
    [{ authorityHost: 'http://login.example.com' }, `${place}."authorityHost" must be an https URL`],
    [{ authorityHost: 'https://u:p@login.example.com' }, `${place}."authorityHost" must be an https URL`],
    [{ authorityHost: 'https://login.example.com/?a' }, `${place}."authorityHost" must be an https URL`],
    [{ authorityHost: 'login.example.com' }, `${place}."authorityHost" must be an https URL`],
    [{ authorityHost: ['https://login.example.com'] }, `${place}."authorityHost" must be an https URL`],
    [{ audience: 'a b' }, `${place}."audience" must be a URL such as "https://containerregistry.azure.net"`],
    [
      { federatedAudience: 'api://a\nb' },
      `${place}."federatedAudience" must be a URI such as "api://AzureADTokenExchange"`,
    ],
  ];
  for (const [entry, message] of rows) {
    test(`is rejected, but only for its own registry, when it is ${JSON.stringify(entry)}`, async () => {
      const clouds = { 'images.example.com': entry };
      const told = `Cannot use ${CONFIG_FILE}: ${message}`;
      const thrown = await catchAnything(() => listClouds(readerOf({ clouds }), 'images.example.com'));
      expect(thrown).toBeInstanceOf(CloudInvalid);
      expect(thrown).toMatchObject({ cause: { code: 'CONFIG_INVALID', message: told } });
      const failure = await catchFailure(() => configOf({ clouds }).findRegistry('images.example.com'));
      expect([failure.code, failure.message]).toEqual(['CONFIG_INVALID', told]);
      expect(listAdded(clouds, 'docker.io')).toEqual([]);
      expect(configOf({ clouds }).findRegistry('docker.io')).toBeUndefined();
    });
  }
});
