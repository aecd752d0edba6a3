/** What `config validate` finds in a configuration, against what the program says when it reads it for each server. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOUDS } from '../../src/clouds.ts';
import { formatFindings } from '../../src/commands/config/findings.ts';
import { validateText } from '../../src/commands/config/validation.ts';
import { createConfig, parseConfig } from '../../src/config/config.ts';
import { findMistakes } from '../../src/config/mistakes.ts';
import { findExample } from '../../src/config/pattern-example.ts';
import { findPattern } from '../../src/config/registry-pattern.ts';
import { asJsonObject, type JsonObject } from '../../src/json.ts';
import { parseRegistry } from '../../src/registry.ts';
import { parseServerName } from '../../src/server-name.ts';
import { CONFIG_FILE, REGISTRY, readerOf } from '../unit/config/config-of.ts';
import { makeRuntime } from '../unit/runtime.ts';
import { ask, HOST, TEMPLATES, VALUES } from './configurations.ts';
import { isReadable, mutatedJson, mutatedJsonText } from './mutate.ts';
import { RUN_OPTIONS } from './runs.ts';

const KEYS = [
  HOST,
  'other1.azurecr.cn',
  '*.azurecr.io',
  'my*',
  '*',
  '*.azure.example.com',
  'docker.io',
  'localhost:5000',
];
const WRONG_KEYS = ['https://*.azurecr.io', `${HOST}:5000`, 'myregistry', '*.azurecr.oi', '*.example', '', '*/team'];

/** A template with entries of several kinds beside its own, some of them changed. */
const CONFIGS = fc
  .tuple(
    fc.constantFrom(...TEMPLATES),
    fc.dictionary(
      fc.constantFrom(...KEYS, ...WRONG_KEYS),
      fc.oneof(
        fc.constantFrom<unknown>(
          { store: false },
          { anonymous: true },
          { identity: 'azure-cli' },
          { identity: 'ci' },
          {},
        ),
        fc.constantFrom<unknown>({ stor: false }, { tenantId: 1, scope: [] }, 5, { identity: 'nobody' }),
      ),
      { maxKeys: 3 },
    ),
  )
  .map(([template, added]): object => {
    const registries = asJsonObject(asJsonObject(template)?.['registries']) ?? {};
    return { ...template, registries: { ...registries, ...added } };
  })
  .chain((config) => mutatedJson(config, VALUES));

/** Whether a question has an answer, and is not refused because of the configuration. */
function isAnswered(question: () => unknown): boolean {
  return ask(CONFIG_FILE, () => [question()]) !== undefined;
}

/** Whether every server that the configuration could be about gets an answer. */
function isReadFor(config: JsonObject): boolean {
  const { registries, identities, clouds } = config;
  const entries = Object.entries(asJsonObject(registries) ?? {});
  const names = Object.keys(asJsonObject(identities) ?? {});
  const asIt = (changes: object) => createConfig(CONFIG_FILE, () => ({ ...config, ...changes }));
  const questions = [
    // A registry without an entry: what concerns the whole file.
    () => asIt(asJsonObject(registries) === undefined ? {} : { registries: {} }).settingsOf(REGISTRY),
    // An identity is read only for an entry that names it.
    ...names.map((identity) => () => asIt({ registries: { [HOST]: { identity } } }).settingsOf(REGISTRY)),
    ...Object.keys(asJsonObject(clouds) ?? {}).map((key) => () => {
      const host = key.replace(/^\*?\./, 'sample1.');
      // Another entry of the same host may come first.
      const first = Object.keys(asJsonObject(clouds) ?? {}).find((one) => one.toLowerCase() === key.toLowerCase());
      return first === key ? asIt({}).findRegistry(host) : undefined;
    }),
    ...entries.map(([key, value]) => () => {
      const first = entries.find(([one]) => one.toLowerCase().trim() === key.toLowerCase().trim());
      if (first?.[0] !== key) return;
      const alone = asIt({ registries: { [key]: value } });
      for (const host of samplesOf(key, value)) {
        const registry = ask(CONFIG_FILE, () => alone.findRegistry(host));
        if (registry !== undefined) alone.settingsOf(registry);
      }
      const isServer =
        !key.includes('*') && samplesOf(key, value).every((host) => alone.findRegistry(host) === undefined);
      if (isServer) alone.loginSettingsOf(undefined, parseServerName(key.trim(), undefined));
    }),
  ];
  return questions.every(isAnswered);
}

/** Servers that a key may be about. */
function samplesOf(key: string, value: unknown): readonly string[] {
  const host = key
    .trim()
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[/:?#].*$/s, '')
    .replace(/^.*@/, '');
  if (!key.includes('*')) {
    const isServerOnly = Object.keys(asJsonObject(value) ?? {}).join() === 'store' && typeof value === 'object';
    const isName = host === key.trim().toLowerCase() && !isServerOnly;
    return isName ? [host, `${host}.azurecr.io`] : [host];
  }
  return ['registry', 'sample1', '.azurecr.io', 'sample1.azurecr.io', '', '1registry.azurecr.io', 'y'].map((text) =>
    host.replaceAll('*', text),
  );
}

describe('a configuration', () => {
  it('has a mistake that breaks something exactly when the program cannot read it for some server', () => {
    fc.assert(
      fc.property(CONFIGS, (value) => {
        const config = asJsonObject(value);
        if (config === undefined || !hasReadableKeys(config)) return;
        const fatal = findMistakes(config, CONFIG_FILE).filter(({ isFatal }) => isFatal);
        const whats = fatal.map(({ mistake }) => mistake.what);
        expect({ value, whats, isRead: isReadFor(config) }).toEqual({ value, whats, isRead: fatal.length === 0 });
      }),
      RUN_OPTIONS,
    );
  });

  it('has mistakes only at places that it has, each once', () => {
    fc.assert(
      fc.property(CONFIGS, (value) => {
        const found = findMistakes(asJsonObject(value) ?? {}, CONFIG_FILE).map(({ mistake }) => mistake);
        for (const { keys } of found) {
          const parent = keys.slice(0, -1).reduce<unknown>((one, key) => asJsonObject(one)?.[key], value);
          expect(asJsonObject(parent), keys.join('.')).toBeDefined();
        }
        const places = found.map(({ keys, what }) => JSON.stringify([keys, what]));
        expect(new Set(places).size).toBe(places.length);
      }),
      RUN_OPTIONS,
    );
  });
});

describe('any text', () => {
  const TEXTS = fc.constantFrom(...TEMPLATES).chain((template) => mutatedJsonText(template, VALUES));

  it('has a mistake in its syntax exactly when the program cannot parse it', () => {
    fc.assert(
      fc.property(TEXTS, (text) => {
        const findings = validateText(text, CONFIG_FILE);
        const hasSyntaxMistake = findings.some(({ code }) => code === 'syntax' || code === 'file');
        const isParsed = isAnswered(() => parseConfig(text, CONFIG_FILE));
        expect({ text, hasSyntaxMistake }).toEqual({ text, hasSyntaxMistake: !isParsed });
      }),
      RUN_OPTIONS,
    );
  });

  it('has mistakes at lines and columns that it has, in ascending order, and each can be shown', () => {
    fc.assert(
      fc.property(TEXTS, (text) => {
        const findings = validateText(text, CONFIG_FILE);
        const lines = text.split(/\r\n|\n|\r/);
        let last = -1;
        for (const { place } of findings) {
          expect(place).toBeDefined();
          if (place === undefined) continue;
          expect(place.start).toBeGreaterThanOrEqual(last);
          last = place.start;
          expect([...(lines[place.line - 1] ?? '')].length).toBeGreaterThanOrEqual(place.column - 1);
        }
        const format = { style: (_format: unknown, part: string) => part, columns: 60, isDetailed: true };
        const shown = formatFindings(makeRuntime(), { file: CONFIG_FILE, text, findings }, format);
        expect(shown.split('\n').filter((line) => /^\/config\.json:\d+:\d+: /.test(line))).toHaveLength(
          findings.length,
        );
      }),
      RUN_OPTIONS,
    );
  });
});

function hasReadableKeys(value: unknown): boolean {
  return Object.entries(asJsonObject(value) ?? {}).every(([key, inner]) => isReadable(key) && hasReadableKeys(inner));
}

describe('findExample', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '-', '.', '*'), maxLength: 6 });
  const ending = fc.constantFrom('', '.azurecr.io', '.geo.azurecr.io', '*cr.cn', '.azurecr*', '*');
  const patterns = fc.tuple(text, text, ending).map(([one, other, end]) => `${one}${other}${end}`);
  const letters = (minLength: number, maxLength: number) =>
    fc.string({ unit: fc.constantFrom('a', 'b', '1'), minLength, maxLength });
  const hosts = fc
    .tuple(
      letters(5, 7),
      fc.option(letters(1, 3)),
      fc.option(letters(2, 3)),
      fc.constantFrom('azurecr.io', 'azurecr.cn'),
    )
    .map(([name, hash, region, suffix]) => {
      const label = hash === null ? name : `${name}-${hash}`;
      return region === null ? `${label}.${suffix}` : `${label}.${region}.geo.${suffix}`;
    });

  it('returns a registry that the pattern matches', () => {
    fc.assert(
      fc.property(patterns, (pattern) => {
        const example = findExample(pattern, CLOUDS);
        if (example === undefined) return;
        const registry = parseRegistry(example);
        expect(registry?.host, pattern).toBe(example);
        if (registry !== undefined && pattern.includes('*')) {
          expect(findPattern([pattern], registry, readerOf({}))).toBe(pattern);
        }
      }),
      RUN_OPTIONS,
    );
  });

  it('returns one if the pattern matches any registry', () => {
    fc.assert(
      fc.property(patterns, hosts, (pattern, host) => {
        const registry = parseRegistry(host);
        if (registry === undefined || !pattern.includes('*')) return;
        if (findPattern([pattern], { ...registry, service: host }, readerOf({})) === undefined) return;
        expect(findExample(pattern, CLOUDS), `${pattern} matches ${host}`).toBeDefined();
      }),
      RUN_OPTIONS,
    );
  });
});
