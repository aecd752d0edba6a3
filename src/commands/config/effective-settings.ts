/** The settings that apply: to all registries, or to one server, and which entry of the configuration they come from. */

import { CLOUD_FIELDS } from '../../config/cloud-settings.ts';
import { CONFIG_FIELDS, type Config, createConfig, parseConfig, readConfigFile } from '../../config/config.ts';
import { ObjectReader } from '../../config/object-reader.ts';
import { findPattern } from '../../config/registry-pattern.ts';
import { REGISTRY_FIELDS, type RegistrySettings } from '../../config/registry-settings.ts';
import type { Fields } from '../../field.ts';
import { COMMON_FIELDS } from '../../identity/identity.ts';
import { SOURCES } from '../../identity/sources.ts';
import { asJsonObject, asText, type JsonObject } from '../../json.ts';
import { createQuote, type Quote } from '../../redact.ts';
import { parseHost, type Registry } from '../../registry.ts';
import { parseServerName } from '../../server-name.ts';
import type { Runtime } from '../../system/runtime.ts';

/** A value as it may be shown: what may be a secret at the wrong place is hidden. */
export type ShownValue = string | number | boolean | readonly string[];

/** A setting, and whether the file says so. */
export interface Setting {
  readonly key: string;
  /** `undefined` when something else decides: see `words`. */
  readonly value: ShownValue | undefined;
  /** What decides where there is no value. */
  readonly words?: string;
  readonly isDefault: boolean;
}

/** An entry of an object of the file, as far as it can be shown. */
export interface ShownEntry {
  readonly key: string;
  readonly settings: readonly Setting[];
}

/** The configuration of this machine. */
export interface OpenConfig {
  readonly file: string;
  /** Whether there is such a file. */
  readonly exists: boolean;
  readonly config: Config;
  readonly object: JsonObject;
}

/** What applies to one server. */
export interface ServerSettings {
  /** `undefined` for a server that is not a registry of Azure. */
  readonly registry: Registry | undefined;
  /** The key of the entry that applies. */
  readonly entry: string | undefined;
  /** Why this entry applies, or none does. */
  readonly reason: string;
  readonly settings: readonly Setting[];
  /** The identity that the entry selects, with its parameters. */
  readonly identity: ShownEntry | undefined;
}

const HIDDEN = '(hidden)';
const MAX_VALUE = 200;
/** An identity's variable may hold a secret instead of a name, by mistake. */
const VARIABLE_NAME = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;
const SERVER = /^(?:https?:\/\/)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?(?:\/[a-z0-9._/-]*)?$/;

/** The fields of all entries. Those of the same name accept the same values. */
const FIELDS: Fields = Object.fromEntries(
  [COMMON_FIELDS, ...SOURCES.map(({ fields }) => fields), CLOUD_FIELDS, REGISTRY_FIELDS].flatMap((fields: Fields) =>
    Object.entries(fields),
  ),
);

/**
 * Reads the configuration file.
 * @throws CONFIG_INVALID when it cannot be read, or is not a JSON object.
 */
export function openConfig(file: string, isExplicit: boolean): OpenConfig {
  const text = readConfigFile(file, isExplicit);
  const object = text === undefined ? {} : parseConfig(text, file);
  return { file, exists: text !== undefined, config: createConfig(file, () => object), object };
}

/**
 * Lists the settings of the whole file.
 * @throws CONFIG_INVALID
 */
export function listCommonSettings({ file, object }: OpenConfig): readonly Setting[] {
  const values = new ObjectReader(object, [], file).read(CONFIG_FIELDS);
  const { strict = false, cacheTokens = !strict } = values;
  const { cacheEntraTokens = !strict, store } = values;
  return [
    shown('strict', strict, values.strict === undefined),
    shown('store', store, store === undefined, 'keychain if one works, else file'),
    shown('cacheTokens', cacheTokens, values.cacheTokens === undefined),
    shown('cacheEntraTokens', cacheTokens && cacheEntraTokens, values.cacheEntraTokens === undefined),
  ];
}

/**
 * Lists the entries of `"registries"`, `"identities"` or `"clouds"` with the values that they set. A value that is wrong
 * is hidden.
 */
export function listEntries(
  runtime: Runtime,
  { object }: OpenConfig,
  name: 'registries' | 'identities' | 'clouds',
): readonly ShownEntry[] {
  const quote = createQuote(runtime);
  return Object.entries(asJsonObject(object[name]) ?? {}).map(([key, value]) =>
    showEntry(runtime, quote, object, key, value),
  );
}

function showEntry(runtime: Runtime, quote: Quote, config: JsonObject, key: string, value: unknown): ShownEntry {
  const settings = Object.entries(asJsonObject(value) ?? {}).map(([field, one]) =>
    shown(
      quote(field, MAX_VALUE),
      field === 'identity' ? describeIdentity(quote, config, one) : describeValue(runtime, quote, field, one),
      false,
    ),
  );
  return { key: quote(key, MAX_VALUE), settings };
}

/** Finds the identity that an entry selects: a name, a source, or an object. */
function findIdentity(runtime: Runtime, { object }: OpenConfig, value: unknown): ShownEntry {
  const quote = createQuote(runtime);
  const inline = asJsonObject(value);
  if (inline !== undefined) return showEntry(runtime, quote, object, asText(inline['type']) ?? '', inline);
  const name = asText(value) ?? '';
  const identities = asJsonObject(object['identities']) ?? {};
  return showEntry(runtime, quote, object, name, Object.hasOwn(identities, name) ? identities[name] : { type: name });
}

/**
 * Finds the settings of a server.
 * @throws CONFIG_INVALID when `get` would fail because of the configuration.
 */
export function findServerSettings(runtime: Runtime, open: OpenConfig, server: string): ServerSettings {
  const registry = open.config.findRegistry(server);
  if (registry === undefined) return findOtherServer(open, server);
  const settings = open.config.settingsOf(registry);
  const reader = new ObjectReader(open.object, [], open.file);
  const entries = reader.object('registries');
  const entry = findPattern(Object.keys(entries), registry, reader);
  const values = entry === undefined ? {} : (asJsonObject(entries[entry]) ?? {});
  return {
    registry,
    entry,
    reason: explainEntry(entry, registry, settings),
    settings: listRegistrySettings(runtime, open, settings, values),
    identity: settings.identity === undefined ? undefined : findIdentity(runtime, open, values['identity']),
  };
}

function explainEntry(entry: string | undefined, { host, service }: Registry, { isStrict }: RegistrySettings): string {
  if (entry === undefined) {
    return isStrict
      ? 'no entry applies, and "strict" is set: it gets no token'
      : 'no entry applies: these are the defaults';
  }
  const named = parseHost(entry.trim());
  if (named === host) return 'it has this name';
  return named === service ? 'it has the name of the whole registry' : 'the matching pattern with the most characters';
}

function listRegistrySettings(
  runtime: Runtime,
  { object }: OpenConfig,
  settings: RegistrySettings,
  values: JsonObject,
): readonly Setting[] {
  const quote = createQuote(runtime);
  const of = (key: string, value: ShownValue | undefined, words?: string) =>
    shown(key, value, values[key] === undefined, words);
  const { identity, scope, tenantId, minimumLifeSeconds } = settings;
  return [
    of('identity', identity && quote(identity.name, MAX_VALUE), 'the first that is set up'),
    of('tenantId', tenantId && quote(tenantId, MAX_VALUE), "the identity's own"),
    of('secret', settings.secret),
    ...(scope.length === 0
      ? []
      : [
          of(
            'scope',
            scope.map((one) => quote(one, MAX_VALUE)),
          ),
        ]),
    of('anonymous', settings.anonymous),
    of('onError', settings.onError),
    of('minimumLifeMinutes', minimumLifeSeconds === 0 ? undefined : minimumLifeSeconds / 60, 'as short as possible'),
    of('store', settings.store),
    shown('cacheTokens', settings.cacheTokens, object['cacheTokens'] === undefined),
    shown('cacheEntraTokens', settings.cacheEntraTokens, object['cacheEntraTokens'] === undefined),
  ];
}

function findOtherServer({ config, file, object }: OpenConfig, server: string): ServerSettings {
  const name = parseServerName(server, undefined);
  const { backend, forbiddenBy } = config.loginSettingsOf(undefined, name);
  const keys = Object.keys(new ObjectReader(object, [], file).object('registries'));
  const entry = keys.find((key) => parseServerName(key.trim(), undefined) === name);
  return {
    registry: undefined,
    entry,
    reason: 'it is not a registry of Azure: only logins are stored for it',
    settings: [
      shown('store', forbiddenBy === undefined, entry === undefined),
      ...(backend === undefined ? [] : [shown('backend', backend, false)]),
    ],
    identity: undefined,
  };
}

/** Describes a value of an entry. Only what its field accepts is shown, and nothing that could be a secret. */
function describeValue(runtime: Runtime, quote: Quote, key: string, value: unknown): ShownValue {
  if (key === 'type') return SOURCES.some(({ name }) => name === value) ? String(value) : HIDDEN;
  const field = FIELDS[key];
  if (!Object.hasOwn(FIELDS, key) || field === undefined || !field.accepts(value)) return HIDDEN;
  if (typeof value === 'boolean' || typeof value === 'number') return value;
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (key === 'command') return describeCommand(quote, texts);
  if (texts.some((one) => !isHarmless(runtime, key, String(one)))) return HIDDEN;
  const clean = texts.map((one) => quote(String(one), MAX_VALUE));
  return Array.isArray(value) ? clean : (clean[0] ?? HIDDEN);
}

/** Describes which identity an entry selects. A name that does not exist may be anything. */
function describeIdentity(quote: Quote, config: JsonObject, value: unknown): string {
  const isSource = (name: unknown) => SOURCES.some((source) => source.name === name);
  const type = asJsonObject(value)?.['type'];
  if (isSource(type)) return `an object of type ${String(type)}`;
  const isNamed = typeof value === 'string' && Object.hasOwn(asJsonObject(config['identities']) ?? {}, value);
  return isNamed || isSource(value) ? quote(String(value), MAX_VALUE) : HIDDEN;
}

/** Arguments may hold a secret. */
function describeCommand(quote: Quote, [program, ...args]: readonly unknown[]): string {
  const count = args.length === 0 ? '' : ` and ${args.length} argument${args.length === 1 ? '' : 's'}`;
  return `${quote(String(program), MAX_VALUE)}${count}`;
}

function isHarmless({ env }: Runtime, key: string, text: string): boolean {
  if (key.endsWith('Env')) return VARIABLE_NAME.test(text) || env[text] !== undefined;
  return !key.endsWith('Keychain') || SERVER.test(text);
}

function shown(key: string, value: ShownValue | undefined, isDefault: boolean, words?: string): Setting {
  return { key, value, isDefault, ...(words === undefined ? {} : { words }) };
}
