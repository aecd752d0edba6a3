/**
 * The person's configuration, read once: the registries that it adds, the settings of each, and where logins are
 * stored.
 */

import { isAbsolute } from 'node:path';
import { type CredentialError, describeCause } from '../errors.ts';
import { type Fields, flag } from '../field.ts';
import { asJsonObject, type JsonObject } from '../json.ts';
import { parseHost, parseRegistry, type Registry } from '../registry.ts';
import { readForeignFile } from '../system/files.ts';
import { findConfigFile } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';
import { CloudInvalid, listClouds } from './cloud-settings.ts';
import { isLoginAllowed, LOGIN_FIELDS, type LoginBackend, type LoginSettings } from './login-settings.ts';
import { ObjectReader } from './object-reader.ts';
import { findPattern } from './registry-pattern.ts';
import { DEFAULT_SETTINGS, parseSettings, type RegistrySettings } from './registry-settings.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;

/** The fields of the whole file, except those that hold objects. */
export const CONFIG_FIELDS = {
  ...LOGIN_FIELDS,
  cacheEntraTokens: flag(
    'Whether Entra tokens for registries are cached until they expire, so that one sign-in serves all registries of an identity; true by default. Tokens for the rest of Azure are never cached.',
  ),
} satisfies Fields;

/** The keys of the configuration file. */
export const CONFIG_KEYS = ['$schema', 'registries', 'identities', 'clouds', ...Object.keys(CONFIG_FIELDS)];

/**
 * Loads the configuration. Never fails: a mistake is reported only by the methods that it concerns, so that it does not
 * break other registries.
 */
export async function loadConfig(runtime: Runtime): Promise<Config> {
  const found = await findConfigFile(runtime);
  if (found === undefined) return new Config(undefined, () => undefined);
  const { file, isExplicit } = found;
  try {
    const text = readConfigFile(file, isExplicit);
    return new Config(file, () => (text === undefined ? undefined : parseConfig(text, file)));
  } catch (cause) {
    return new Config(file, () => {
      throw cause;
    });
  }
}

/** @throws CONFIG_INVALID when the file cannot be read, or is missing although the person named it. */
function readConfigFile(file: string, isExplicit: boolean): string | undefined {
  if (!isAbsolute(file)) {
    throw invalidFile(file, 'DOCKER_CREDENTIAL_ACR_CONFIG is not an absolute path', 'set it to an absolute path');
  }
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_CONFIG_BYTES);
  } catch (cause) {
    throw invalidFile(file, describeCause(cause));
  }
  if (text === undefined && isExplicit) {
    throw invalidFile(file, 'there is no such file', 'unset DOCKER_CREDENTIAL_ACR_CONFIG, or write the file');
  }
  return text;
}

/** @throws CONFIG_INVALID */
function parseConfig(text: string, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // V8's message quotes the text, which may contain a secret: only the position is taken from it.
    const message = describeCause(cause);
    const position = / \((line \d+ column \d+)\)$/.exec(message)?.[1] ?? / at (position \d+)$/.exec(message)?.[1];
    throw invalidFile(file, position === undefined ? 'it is not valid JSON' : `it is not valid JSON at ${position}`);
  }
  const config = asJsonObject(value);
  if (config === undefined) throw invalidFile(file, 'it must contain a JSON object');
  return config;
}

/** The error for a mistake that concerns the whole file. */
function invalidFile(file: string, what: string, hint?: string): CredentialError {
  return new ObjectReader({}, '', file).invalid(what, hint);
}

/** The configuration. Its methods answer questions about one server. */
export class Config {
  readonly #file: string | undefined;
  readonly #parse: () => JsonObject | undefined;
  #object: JsonObject | undefined;

  /** @param parse returns the object in the file, or `undefined` when there is no file; throws CONFIG_INVALID. */
  constructor(file: string | undefined, parse: () => JsonObject | undefined) {
    this.#file = file;
    this.#parse = parse;
  }

  /**
   * Finds the registry of a server URL, including the registries that the configuration adds.
   * @returns `undefined` when the server is not a registry of Azure.
   * @throws CONFIG_INVALID when the entry of its cloud has a mistake.
   */
  findRegistry(serverUrl: string): Registry | undefined {
    const registry = parseRegistry(serverUrl);
    const host = parseHost(serverUrl);
    if (registry !== undefined || host === undefined) return registry;
    try {
      const config = this.#read();
      return config === undefined ? undefined : parseRegistry(serverUrl, listClouds(config.reader, host));
    } catch (cause) {
      // This server is probably not Azure's, and a mistake in our file must not break the registries of others.
      if (cause instanceof CloudInvalid) throw cause.cause;
      return undefined;
    }
  }

  /**
   * Returns the settings of a registry: its exact entry, else the entry of the longest pattern that matches, else the
   * defaults. Only that entry is read, so that a mistake in it does not break other registries.
   *
   * @throws CONFIG_INVALID naming the file and the key, and suggesting the nearest valid one.
   */
  settingsOf(registry: Registry): RegistrySettings {
    const config = this.#read();
    if (config === undefined) return DEFAULT_SETTINGS;
    const { reader } = config;
    reader.allow(CONFIG_KEYS);
    const entries = reader.object('registries');
    const pattern = findPattern(Object.keys(entries), registry, reader);
    const settings =
      pattern === undefined
        ? DEFAULT_SETTINGS
        : parseSettings(reader.within('registries', entries).within(pattern, entries[pattern]), reader);
    const { cacheEntraTokens } = CONFIG_FIELDS;
    return { ...settings, cacheEntraTokens: reader.read({ cacheEntraTokens }).cacheEntraTokens ?? true };
  }

  /**
   * Returns where to store the login of a server, and whether the configuration allows it.
   * @param registry `undefined` for a server that is not Azure's.
   * @throws CONFIG_INVALID
   */
  loginSettingsOf(registry: Registry | undefined, serverName: string): LoginSettings {
    const config = this.#read();
    if (config === undefined) return { backend: undefined, forbiddenBy: undefined, file: this.#file };
    const { reader, file } = config;
    reader.allow(CONFIG_KEYS);
    const { store } = reader.read(LOGIN_FIELDS);
    const isAllowed = registry === undefined ? isLoginAllowed(reader, serverName) : this.settingsOf(registry).store;
    return { backend: store, forbiddenBy: isAllowed ? undefined : file, file };
  }

  /**
   * Returns where a stored login should be.
   * @returns `undefined` when the configuration does not say.
   * @throws CONFIG_INVALID for a registry of Azure only: a mistake in our file must not break the registries of others.
   */
  loginBackendOf(registry: Registry | undefined, serverName: string): LoginBackend | undefined {
    try {
      return this.loginSettingsOf(registry, serverName).backend;
    } catch (cause) {
      if (registry === undefined) return undefined;
      throw cause;
    }
  }

  /** @throws CONFIG_INVALID */
  #read(): { readonly reader: ObjectReader; readonly file: string } | undefined {
    this.#object ??= this.#parse();
    if (this.#object === undefined || this.#file === undefined) return undefined;
    return { reader: new ObjectReader(this.#object, '', this.#file), file: this.#file };
  }
}
