/** Which entry of the configuration applies to a registry. */
import { describe, expect, test } from 'vitest';
import { findPattern } from '../../../src/config/registry-pattern.ts';
import type { Registry } from '../../../src/registry.ts';
import { catchFailure } from '../failure.ts';
import { registryNamed } from '../registry-named.ts';
import { CONFIG_FILE, configOf, REGISTRY, readerOf } from './config-of.ts';

const REGIONAL = registryNamed('myregistry.westeurope.geo.azurecr.io');

function find(patterns: readonly string[], registry: Registry = REGISTRY): string | undefined {
  return findPattern(patterns, registry, readerOf({}));
}

describe('findPattern', () => {
  const rows: readonly (readonly [name: string, patterns: readonly string[], chosen: string | undefined])[] = [
    ['the exact host', ['myregistry.azurecr.io'], 'myregistry.azurecr.io'],
    ['the exact host in upper case', ['MyRegistry.AzureCR.io'], 'MyRegistry.AzureCR.io'],
    ['the exact host as a URL', ['https://myregistry.azurecr.io/'], 'https://myregistry.azurecr.io/'],
    ['the exact host with a port', ['myregistry.azurecr.io:443'], 'myregistry.azurecr.io:443'],
    ['the exact host between spaces', [' myregistry.azurecr.io '], ' myregistry.azurecr.io '],
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
    ['the first of two patterns of the same length', ['my*', '*io'], 'my*'],
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
    test(`returns ${chosen === undefined ? 'nothing' : JSON.stringify(chosen)} for ${name}`, () => {
      expect(find(patterns)).toBe(chosen);
    });
  }

  for (const [host, chosen] of [
    ['prod1.azurecr.io', 'prod*.azurecr.io'],
    ['production.azurecr.io', 'prod*.azurecr.io'],
    ['prod1.westeurope.geo.azurecr.io', 'prod*.azurecr.io'],
    ['preprod.azurecr.io', undefined],
    ['prod1.azurecr.cn', undefined],
  ] as const) {
    test(`returns ${chosen ?? 'nothing'} for ${host} with a prefix and a suffix`, () => {
      expect(find(['prod*.azurecr.io'], registryNamed(host))).toBe(chosen);
    });
  }
});

describe('findPattern for a regional endpoint', () => {
  const own = 'myregistry.westeurope.geo.azurecr.io';
  const global = 'myregistry.azurecr.io';
  const pattern = 'myregistry.westeurope.geo.azurecr.*';

  const rows: readonly (readonly [patterns: readonly string[], chosen: string])[] = [
    [[pattern, global, own], own],
    [[pattern, global], global],
    [[pattern], pattern],
    [['myregistry.*.geo.azurecr.io'], 'myregistry.*.geo.azurecr.io'],
  ];
  for (const [patterns, chosen] of rows) {
    test(`returns ${chosen} out of ${patterns.join(', ')}`, () => {
      expect(find(patterns, REGIONAL)).toBe(chosen);
    });
  }

  test('returns an entry that does not apply to the global name', () => {
    expect(find([own], REGIONAL)).toBe(own);
    expect(find([own], REGISTRY)).toBeUndefined();
  });
});

describe('findPattern answers at once for', () => {
  const hostile: readonly (readonly [name: string, pattern: string, isChosen: boolean])[] = [
    ['stars and letters', `${'*a'.repeat(50_000)}*b`, false],
    ['stars', '*'.repeat(100_000), true],
    ['letters and a star', `${'a'.repeat(100_000)}*`, false],
    ['dots and a star', `${'.'.repeat(100_000)}*`, false],
    ['at signs', `${'@'.repeat(100_000)}b`, false],
  ];
  for (const [name, pattern, isChosen] of hostile) {
    test(`a hundred thousand ${name}`, () => {
      const startedMs = performance.now();
      expect(find([pattern])).toBe(isChosen ? pattern : undefined);
      expect(performance.now() - startedMs).toBeLessThan(1_000);
    });
  }
});

describe('findPattern rejects the pattern', () => {
  const rows: readonly string[] = ['*/team', 'https://*.azurecr.io', '*?', '*:443', '*\n', 'x@my*'];
  for (const pattern of rows) {
    test(JSON.stringify(pattern), async () => {
      const failure = await catchFailure(() => find([pattern]));
      expect(failure.code).toBe('CONFIG_INVALID');
      expect(failure.message).toBe(`Cannot use ${CONFIG_FILE}: "registries" has "${pattern}", which is not a pattern`);
      expect(failure.hint).toBe('write it as "*.azurecr.io"');
    });
  }
});

describe('findPattern rejects, and corrects in the hint, the registry name', () => {
  for (const pattern of [
    'myregistry',
    'MyRegistry',
    'myregistry.azurecr.io:5000',
    'u@myregistry.azurecr.io',
    'oci://myregistry.azurecr.io',
    'https://myregistry.azurecr.io?a',
  ]) {
    test(pattern, async () => {
      const failure = await catchFailure(() => find([pattern]));
      expect(failure.message).toBe(`Cannot use ${CONFIG_FILE}: "registries" has "${pattern}", which is not a registry`);
      expect(failure.hint).toBe('write "myregistry.azurecr.io"');
    });
  }
});

describe('findPattern returns nothing for an invalid key that does not mean this registry:', () => {
  for (const pattern of [
    'my registry*',
    '[a-z]*',
    '(a+)+*',
    'é*',
    '*\0',
    'https://*.azurecr.cn',
    'myregistry1.azurecr.io:5000',
    '__proto__',
    '',
  ]) {
    test(JSON.stringify(pattern), () => {
      expect(find([pattern])).toBeUndefined();
    });
  }
});

test('the settings of a registry are those of the entry that findPattern returns', () => {
  const registries = { '*': { tenantId: 'all' }, 'my*': { tenantId: 'mine' }, 'your*': { nonsense: true } };
  expect(configOf({ registries }).settingsOf(REGISTRY).tenantId).toBe('mine');
});
