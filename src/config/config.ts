/** The person's configuration: `config.json`, and which of its entries applies to a registry. */

import { isAbsolute } from 'node:path';
import { CLOUDS, type Cloud, createCloud } from '../clouds.ts';
import { type CredentialError, describeCause } from '../errors.ts';
import { asJsonObject, type JsonObject } from '../json.ts';
import { parseHost, parseRegistry, type Registry } from '../registry.ts';
import { readForeignFile } from '../system/files.ts';
import { findConfigFile } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';
import { ConfigReader } from './config-reader.ts';
import { type ChosenIdentity, parseChosenIdentity } from './identity-settings.ts';
import { findPattern } from './registry-pattern.ts';

/** What `get` answers with. */
export const SECRET_KINDS = ['refresh-token', 'access-token', 'identity-token'] as const;
export const ON_ERROR_CHOICES = ['fail', 'anonymous'] as const;

/** What the configuration says of one registry. */
export interface RegistrySettings {
  readonly secret: (typeof SECRET_KINDS)[number];
  /** What an access token may be used for, such as `repository:team/app:pull`; empty unless `secret` is `access-token`. */
  readonly scope: readonly string[];
  /** Signs in at this tenant instead of the identity's own. */
  readonly tenantId: string | undefined;
  /** The only identity to use. */
  readonly identity: ChosenIdentity | undefined;
  /** The registry lets everybody pull: never sign in for it. */
  readonly anonymous: boolean;
  /** What a failed sign-in becomes. */
  readonly onError: (typeof ON_ERROR_CHOICES)[number];
  /** Whether a credential that a client gives us may be kept. */
  readonly store: boolean;
  /** A cached token with less life left is renewed before it is answered with; 0 for as little as possible. */
  readonly minimumLifeSeconds: number;
  /** Whether what Entra gave for an identity may be kept for its other registries. */
  readonly cacheEntraTokens: boolean;
}

export const DEFAULT_SETTINGS: RegistrySettings = {
  secret: 'refresh-token',
  scope: [],
  tenantId: undefined,
  identity: undefined,
  anonymous: false,
  onError: 'fail',
  store: true,
  minimumLifeSeconds: 0,
  cacheEntraTokens: true,
};

export const CONFIG_KEYS = ['$schema', 'registries', 'identities', 'clouds', 'store', 'cacheEntraTokens'] as const;
export const REGISTRY_KEYS = [
  'secret',
  'scope',
  'tenantId',
  'identity',
  'anonymous',
  'onError',
  'store',
  'minimumLifeMinutes',
] as const;
export const CLOUD_KEYS = ['authorityHost', 'audience', 'federatedAudience'] as const;

const MAX_CONFIG_BYTES = 1024 * 1024;
/** @see https://distribution.github.io/distribution/spec/auth/scope/ */
const SCOPE = /^[a-z-]+:[A-Za-z0-9._/*-]+:[a-z_*]+(?:,[a-z_*]+)*$/;

/** No token has more than 180; what is left has to be enough for a pull. */
const MINIMUM_LIFE_MINUTES = [5, 150] as const;
const SCOPE_WORDS = 'a scope such as "repository:team/app:pull", or a list of them';

interface ConfigText {
  readonly text: string;
  readonly file: string;
}

/**
 * What the configuration says of a registry: its exact entry, else that of the longest pattern that matches it, else
 * the defaults. Only that entry is judged, so that a mistake in it breaks no other registry.
 *
 * @throws CONFIG_INVALID naming the file, the key and the nearest right key.
 */
export async function loadSettings(runtime: Runtime, registry: Registry): Promise<RegistrySettings> {
  const config = await loadConfig(runtime);
  return config === undefined ? DEFAULT_SETTINGS : readSettings(config.text, config.file, registry);
}

/**
 * Finds the registry of a server URL, one that only the configuration knows included.
 * @returns `undefined` when it is not ours.
 */
export async function findRegistry(runtime: Runtime, serverUrl: string): Promise<Registry | undefined> {
  const registry = parseRegistry(serverUrl);
  if (registry !== undefined) return registry;
  const host = parseHost(serverUrl);
  if (host === undefined) return undefined;
  try {
    const config = await loadConfig(runtime);
    return config === undefined ? undefined : parseRegistry(serverUrl, readClouds(config.text, config.file, host));
  } catch (cause) {
    // A mistake in the file must not break the registries of others, and nobody knows yet that this one is ours.
    if (cause instanceof CloudInvalid) throw cause.cause;
    return undefined;
  }
}

/**
 * As `loadSettings`, of a text.
 * @throws CONFIG_INVALID
 */
export function readSettings(text: string, file: string, registry: Registry): RegistrySettings {
  const config = parseConfig(text, file);
  const reader = new ConfigReader(config, '', file);
  reader.allow(CONFIG_KEYS);
  const entries = readObject(config, 'registries', reader);
  const pattern = findPattern(Object.keys(entries), registry, reader);
  const settings = pattern === undefined ? DEFAULT_SETTINGS : parseSettings(entries[pattern], pattern, config, file);
  const cacheEntraTokens = reader.flag('cacheEntraTokens');
  return cacheEntraTokens === undefined ? settings : { ...settings, cacheEntraTokens };
}

/** A cloud's entry that concerns the registry asked for and is wrong. */
class CloudInvalid extends Error {}

/** @returns Azure's own clouds, and before them the configured one that may own the host. */
function readClouds(text: string, file: string, host: string): readonly Cloud[] {
  const config = parseConfig(text, file);
  const entries = readObject(config, 'clouds', new ConfigReader(config, '', file));
  for (const [key, value] of Object.entries(entries)) {
    const suffix = parseHost(key.replace(/^\*?\./, ''));
    if (suffix === undefined || (host !== suffix && !host.endsWith(`.${suffix}`))) continue;
    const where = `"clouds"."${key}"`;
    const reader = new ConfigReader(asJsonObject(value) ?? {}, where, file);
    try {
      if (asJsonObject(value) === undefined) throw reader.invalid(`${where} must be an object`);
      reader.allow(CLOUD_KEYS);
      const cloud = createCloud(suffix, {
        authorityHost: reader.httpsUrl('authorityHost'),
        audience: reader.audience('audience', 'a URL such as "https://containerregistry.azure.net"'),
        federatedAudience: reader.audience('federatedAudience', 'a URI such as "api://AzureADTokenExchange"'),
      });
      return [cloud, ...CLOUDS];
    } catch (cause) {
      throw new CloudInvalid('', { cause });
    }
  }
  return CLOUDS;
}

/** @throws CONFIG_INVALID when it is there and cannot be read. */
export async function loadConfig(runtime: Runtime): Promise<ConfigText | undefined> {
  const found = await findConfigFile(runtime);
  if (found === undefined) return undefined;
  const { file, isExplicit } = found;
  if (!isAbsolute(file)) {
    throw invalidFile(file, 'DOCKER_CREDENTIAL_ACR_CONFIG is not an absolute path', 'name the file from the root on');
  }
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_CONFIG_BYTES);
  } catch (cause) {
    throw invalidFile(file, describeCause(cause));
  }
  if (text !== undefined) return { text, file };
  if (isExplicit)
    throw invalidFile(file, 'there is no such file', 'unset DOCKER_CREDENTIAL_ACR_CONFIG or write the file');
  return undefined;
}

/** A mistake of the whole file. */
function invalidFile(file: string, what: string, hint?: string): CredentialError {
  return new ConfigReader({}, '', file).invalid(what, hint);
}

/** @throws CONFIG_INVALID */
export function parseConfig(text: string, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The engine's message quotes the text, which may hold what nobody should see: only the place is taken from it.
    const message = describeCause(cause);
    const place = / \((line \d+ column \d+)\)$/.exec(message)?.[1] ?? / at (position \d+)$/.exec(message)?.[1];
    throw invalidFile(file, place === undefined ? 'it is not JSON' : `it is not JSON at ${place}`);
  }
  const config = asJsonObject(value);
  if (config === undefined) throw invalidFile(file, 'it must hold a JSON object');
  return config;
}

/** @throws CONFIG_INVALID when the key has something else than an object. */
export function readObject(config: JsonObject, key: string, reader: ConfigReader): JsonObject {
  if (config[key] === undefined) return {};
  const object = asJsonObject(config[key]);
  if (object === undefined) throw reader.wrong(key, 'an object');
  return object;
}

function parseSettings(value: unknown, pattern: string, config: JsonObject, file: string): RegistrySettings {
  const entry = asJsonObject(value);
  const where = `"registries"."${pattern}"`;
  const reader = new ConfigReader(entry ?? {}, where, file);
  if (entry === undefined) throw reader.invalid(`${where} must be an object`);
  reader.allow(REGISTRY_KEYS);
  const secret = reader.choice('secret', SECRET_KINDS) ?? DEFAULT_SETTINGS.secret;
  const scope = readScope(reader);
  if (secret === 'access-token' && scope.length === 0) {
    throw reader.invalid(`${where} has no "scope"`, 'add "scope": "repository:NAME:pull"');
  }
  if (secret !== 'access-token' && scope.length > 0) {
    throw reader.invalid(`${where} has a "scope" that nothing uses`, 'add "secret": "access-token"');
  }
  const identities = readObject(config, 'identities', new ConfigReader(config, '', file));
  return {
    secret,
    scope,
    tenantId: reader.tenantId(),
    identity: parseChosenIdentity(entry['identity'], identities, reader, where, file),
    anonymous: reader.flag('anonymous') ?? DEFAULT_SETTINGS.anonymous,
    onError: reader.choice('onError', ON_ERROR_CHOICES) ?? DEFAULT_SETTINGS.onError,
    store: reader.flag('store') ?? DEFAULT_SETTINGS.store,
    minimumLifeSeconds: readMinimumLife(entry, reader),
    cacheEntraTokens: DEFAULT_SETTINGS.cacheEntraTokens,
  };
}

function readMinimumLife(entry: JsonObject, reader: ConfigReader): number {
  const minutes = entry['minimumLifeMinutes'];
  if (minutes === undefined) return DEFAULT_SETTINGS.minimumLifeSeconds;
  const [least, most] = MINIMUM_LIFE_MINUTES;
  if (typeof minutes === 'number' && Number.isInteger(minutes) && minutes >= least && minutes <= most) {
    return minutes * 60;
  }
  throw reader.wrong('minimumLifeMinutes', `a whole number from ${least} to ${most}`);
}

/** A list of scopes; one text may hold several, as in a token request. */
function readScope(reader: ConfigReader): readonly string[] {
  const texts = reader.texts('scope', /\S/, SCOPE_WORDS) ?? [];
  const scopes = [...new Set(texts.flatMap((text) => text.trim().split(/ +/)))];
  if (scopes.every((scope) => SCOPE.test(scope))) return scopes;
  throw reader.wrong('scope', SCOPE_WORDS);
}
