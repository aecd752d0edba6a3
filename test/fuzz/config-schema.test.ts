/** The configuration against its JSON Schema: an editor accepts what the program accepts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import schema from '../../src/config/config.schema.json' with { type: 'json' };
import { createConfig } from '../../src/config/config.ts';
import { asJsonObject, parseJsonObject } from '../../src/json.ts';
import { REGISTRY } from '../unit/config/config-of.ts';
import { ask, CLOUD, CUSTOM, HOST, PATTERN, TEMPLATES, VALUES } from './configurations.ts';
import { createChecker } from './json-schema.ts';
import { mutatedJson } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const PATH_KEYS = ['clientSecretFile', 'certificatePath', 'configDir', 'certificatePasswordFile', 'tokenFile'];
const CONFIGS = fc.constantFrom(...TEMPLATES).chain((template) => mutatedJson(template, VALUES));

/** Whether the program accepts every part of a configuration that it reads for these servers. */
function isAccepted(value: unknown): boolean {
  const config = createConfig('/config.json', () => asJsonObject(value));
  return ![
    () => config.settingsOf(REGISTRY),
    () => config.loginSettingsOf(REGISTRY, REGISTRY.service),
    () => config.findRegistry(CUSTOM),
  ].some((question) => {
    let isAnswered = false;
    ask('/config.json', () => {
      question();
      isAnswered = true;
    });
    return !isAnswered;
  });
}

describe('a configuration', () => {
  const root = parseJsonObject(JSON.stringify(schema)) ?? {};
  const isValid = createChecker(root);

  it.each(TEMPLATES.map((one, index) => [index, one] as const))(
    'of the templates is valid and accepted: %i',
    (_, one) => {
      expect([isValid(one), isAccepted(one)]).toEqual([true, true]);
    },
  );

  it('that is accepted is valid by the JSON Schema, except for parts that nothing names', () => {
    fc.assert(
      fc.property(CONFIGS, (config) => {
        if (!hasKnownKeys(config) || !isAccepted(config)) return;
        expect({ config, isValid: isValid(keepRead(config)) }).toEqual({ config, isValid: true });
      }),
      RUN_OPTIONS,
    );
  });

  it('that is valid by the JSON Schema is accepted, except for what only the program can know', () => {
    fc.assert(
      fc.property(CONFIGS, (config) => {
        if (!hasKnownKeys(config) || !isValid(config) || hasUnknowable(config)) return;
        expect({ config, isAccepted: isAccepted(config) }).toEqual({ config, isAccepted: true });
      }),
      RUN_OPTIONS,
    );
  });
});

/** The entry that the program reads for the registry. */
function findEntry(config: unknown): readonly (readonly [string, unknown])[] {
  const entries = Object.entries(asJsonObject(asJsonObject(config)?.['registries']) ?? {});
  return [entries.find(([key]) => key === HOST) ?? entries.find(([key]) => key === PATTERN) ?? []].flatMap(
    ([key, value]) => (key === undefined ? [] : [[key, value] as const]),
  );
}

/** Leaves out what the program does not read for these servers, so that a mistake there does not break them. */
function keepRead(config: unknown): unknown {
  const { $schema: _, registries, identities, clouds, ...rest } = asJsonObject(config) ?? {};
  const entries = findEntry(config);
  const names = entries.map(([, entry]) => asJsonObject(entry)?.['identity']);
  const only = (value: unknown, isKept: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(asJsonObject(value) ?? {}).filter(([key]) => isKept(key)));
  return {
    ...rest,
    registries: Object.fromEntries(entries),
    identities: only(identities, (key) => names.includes(key)),
    clouds: only(clouds, (key) => key === CLOUD),
  };
}

/** Whether the objects with free keys have only those keys that these tests know the meaning of. */
function hasKnownKeys(config: unknown): boolean {
  const { registries, clouds } = asJsonObject(config) ?? {};
  const keys = [registries, clouds].flatMap((one) => Object.keys(asJsonObject(one) ?? {}));
  return asJsonObject(config) !== undefined && keys.every((key) => [HOST, PATTERN, CLOUD].includes(key));
}

/** The schema cannot say which names there are, what a scope is made of, or which path is absolute. */
function hasUnknowable(config: unknown): boolean {
  const entry = asJsonObject(findEntry(config)[0]?.[1]);
  const identity = entry?.['identity'];
  const named = asJsonObject(asJsonObject(config)?.['identities']);
  const isNamed = named !== undefined && typeof identity === 'string' && Object.hasOwn(named, identity);
  const parameters = asJsonObject(identity) ?? asJsonObject(isNamed ? named[identity] : undefined) ?? {};
  const scopes = [entry?.['scope'] ?? []].flat();
  const isScope = (one: unknown) => /^\s*repository:[\w./-]+:pull\s*$/.test(String(one));
  const paths = PATH_KEYS.map((key) => parameters[key]).filter((one) => one !== undefined);
  const isFound = typeof identity !== 'string' || isNamed || identity === 'azure-cli';
  return !isFound || !scopes.every(isScope) || !paths.every((one) => String(one).startsWith('/'));
}
