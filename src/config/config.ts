/**
 * The person's configuration, read once: the registries that it adds, the settings of each, and where logins are
 * stored.
 */

import { isAbsolute } from 'node:path';
import { type CredentialError, describeCause } from '../errors.ts';
import { type Fields, flag } from '../field.ts';
import { asJsonObject, type JsonObject } from '../json.ts';
import { parseHost, parseRegistry, type Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import { readForeignFile, UntrustedFileError } from '../system/files.ts';
import { findConfigFile } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';
import { CloudInvalid, listClouds } from './cloud-settings.ts';
import { LOGIN_FIELDS, type LoginSettings, type LoginUse, readServerEntry } from './login-settings.ts';
import { ObjectReader } from './object-reader.ts';
import { findPattern } from './registry-pattern.ts';
import { DEFAULT_SETTINGS, parseSettings, type RegistrySettings } from './registry-settings.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;

/** The fields of the whole file, except those that hold objects. */
export const CONFIG_FIELDS = {
  ...LOGIN_FIELDS,
  strict: flag(
    'For shared machines and CI: only registries that "registries" names get a credential, each with the identity that its entry names, and nothing is kept on the disk unless "cacheTokens", "cacheEntraTokens" or "store" says so; false by default.',
  ),
  cacheTokens: flag('Whether tokens are cached on the disk until they expire; true by default, but not with "strict".'),
  cacheEntraTokens: flag(
    'Whether Entra tokens for registries are cached until they expire, so that one sign-in serves all registries of an identity; true by default, but not with "strict" or without "cacheTokens". Tokens for the rest of Azure are never cached.',
  ),
} satisfies Fields;

/** The keys of the configuration file. */
export const CONFIG_KEYS = ['$schema', 'registries', 'identities', 'clouds', ...Object.keys(CONFIG_FIELDS)];

/** The configuration. It answers questions about one server. */
export interface Config {
  /**
   * Finds the registry of a server URL, including the registries that the configuration adds.
   * @returns `undefined` when the server is not a registry of Azure.
   * @throws CONFIG_INVALID when the entry of its cloud has a mistake.
   */
  readonly findRegistry: (serverUrl: string) => Registry | undefined;
  /**
   * Returns the settings of a registry: its exact entry, else the entry of the longest pattern that matches, else the
   * defaults. Only that entry is read, so that a mistake in it does not break other registries.
   *
   * @throws CONFIG_INVALID naming the file and the key, and suggesting the nearest valid one.
   */
  readonly settingsOf: (registry: Registry) => RegistrySettings;
  /**
   * Returns where to store the login of a server, and whether the configuration allows it.
   * @param registry `undefined` for a server that is not Azure's.
   * @throws CONFIG_INVALID
   */
  readonly loginSettingsOf: (registry: Registry | undefined, serverName: string) => LoginSettings;
  /**
   * Whether "registries" has an entry for a server that is not Azure's, such as a connected registry.
   * @throws CONFIG_INVALID
   */
  readonly namesServer: (serverName: string) => boolean;
  /**
   * Returns where to store the refresh tokens of accounts, and whether the configuration allows it.
   * @throws CONFIG_INVALID
   */
  readonly accountSettings: () => Omit<LoginSettings, 'isUsed'>;
  /**
   * Returns whether a stored login may be used, and where it should be.
   * @throws CONFIG_INVALID for a registry of Azure only: a mistake in our file must not break the registries of others.
   */
  readonly loginUseOf: (registry: Registry | undefined, serverName: string) => LoginUse;
}

/**
 * Loads the configuration. Never fails: a mistake is reported only by the methods that it concerns, so that it does not
 * break other registries.
 */
export async function loadConfig(runtime: Runtime): Promise<Config> {
  const { config: given, secretVariables } = runtime;
  if (given !== undefined) {
    noteSecretVariables(given, secretVariables);
    return createConfig('the option "config"', () => given);
  }
  const found = await findConfigFile(runtime);
  if (found === undefined) return createConfig(undefined, () => undefined);
  const { file, isExplicit } = found;
  try {
    const text = readConfigFile(file, isExplicit);
    const object = text === undefined ? undefined : parseConfig(text, file);
    noteSecretVariables(object, secretVariables);
    return createConfig(file, () => object);
  } catch (cause) {
    return createConfig(file, () => {
      throw cause;
    });
  }
}

/** The keys of an identity that name a variable with a secret. */
const SECRET_VARIABLE_KEYS: readonly string[] = ['clientSecretEnv', 'certificatePasswordEnv', 'tokenEnv'];
/** An identity within a registry's entry is three objects deep. */
const MAX_DEPTH = 4;

/** Collects the variables that hold secrets, whichever identity or registry is in use. */
function noteSecretVariables(value: unknown, names: Set<string>, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== 'string') noteSecretVariables(inner, names, depth + 1);
    else if (SECRET_VARIABLE_KEYS.includes(key)) names.add(inner);
  }
}

/**
 * Reads the text of a configuration file.
 * @returns `undefined` when there is none.
 * @throws CONFIG_INVALID when the file cannot be read, or is missing although the person named it.
 */
export function readConfigFile(file: string, isExplicit: boolean): string | undefined {
  if (!isAbsolute(file)) {
    throw invalidFile(file, 'DOCKER_CREDENTIAL_ACR_CONFIG is not an absolute path', 'set it to an absolute path');
  }
  let text: string | undefined;
  try {
    // It can name a program to run.
    text = readForeignFile(file, MAX_CONFIG_BYTES, { isTrusted: true });
  } catch (cause) {
    throw invalidFile(
      file,
      describeCause(cause),
      cause instanceof UntrustedFileError ? advise(file, cause) : undefined,
    );
  }
  if (text === undefined && isExplicit) {
    throw invalidFile(file, 'there is no such file', 'unset DOCKER_CREDENTIAL_ACR_CONFIG, or write the file');
  }
  return text;
}

/** Another user's file stays as it is: under `sudo`, it is that of the person who called. */
function advise(file: string, { isForeign }: UntrustedFileError): string {
  return isForeign ? 'set DOCKER_CREDENTIAL_ACR_CONFIG to a file of your own' : `chmod go-w ${shellWord(file)}`;
}

/**
 * Parses the text of a configuration file.
 * @throws CONFIG_INVALID when it is not a JSON object.
 */
export function parseConfig(text: string, file: string): JsonObject {
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
  return new ObjectReader({}, [], file).invalid(what, hint);
}

/**
 * Makes the configuration. V8 compiles functions ahead, but not the methods of a class: this one is not a class.
 * @param parse returns the object in the file, or `undefined` when there is no file; throws CONFIG_INVALID.
 */
export function createConfig(file: string | undefined, parse: () => JsonObject | undefined): Config {
  let object: JsonObject | undefined;
  const read = () => {
    object ??= parse();
    return object === undefined || file === undefined ? undefined : new ObjectReader(object, [], file);
  };
  const settingsOf = (registry: Registry) => readSettings(read(), registry);
  const loginSettingsOf = (registry: Registry | undefined, serverName: string): LoginSettings => {
    const reader = read();
    if (reader === undefined) return { backend: undefined, isUsed: true, forbiddenBy: undefined, file };
    reader.allow(CONFIG_KEYS);
    const { store: backend, strict = false } = reader.read({ ...LOGIN_FIELDS, strict: CONFIG_FIELDS.strict });
    const { store: isStored, isNamed } =
      registry === undefined ? readServerEntry(reader, serverName) : settingsOf(registry);
    const isUsed = !strict || (isNamed && backend !== undefined);
    return { backend, isUsed, forbiddenBy: isStored && isUsed ? undefined : file, file };
  };
  return {
    findRegistry: (serverUrl) => parseRegistry(serverUrl) ?? findAddedRegistry(read, serverUrl),
    settingsOf,
    loginSettingsOf,
    namesServer: (serverName) => {
      const reader = read();
      return reader !== undefined && readServerEntry(reader, serverName).isNamed;
    },
    accountSettings: () => {
      const reader = read();
      reader?.allow(CONFIG_KEYS);
      const { store: backend, strict = false } = reader?.read(CONFIG_FIELDS) ?? {};
      return { backend, forbiddenBy: strict && backend === undefined ? file : undefined, file };
    },
    loginUseOf: (registry, serverName) => {
      try {
        return loginSettingsOf(registry, serverName);
      } catch (cause) {
        if (registry === undefined) return { backend: undefined, isUsed: true };
        throw cause;
      }
    },
  };
}

/** Finds a registry that only the configuration knows. */
function findAddedRegistry(read: () => ObjectReader | undefined, serverUrl: string): Registry | undefined {
  const host = parseHost(serverUrl);
  if (host === undefined) return undefined;
  try {
    const reader = read();
    return reader === undefined ? undefined : parseRegistry(serverUrl, listClouds(reader, host));
  } catch (cause) {
    // This server is probably not Azure's, and a mistake in our file must not break the registries of others.
    if (cause instanceof CloudInvalid) throw cause.cause;
    return undefined;
  }
}

/** Reads the exact entry of a registry, else the entry of the longest pattern that matches. */
function readSettings(reader: ObjectReader | undefined, registry: Registry): RegistrySettings {
  if (reader === undefined) return DEFAULT_SETTINGS;
  reader.allow(CONFIG_KEYS);
  const entries = reader.object('registries');
  const pattern = findPattern(Object.keys(entries), registry, reader);
  const settings =
    pattern === undefined
      ? DEFAULT_SETTINGS
      : parseSettings(reader.within('registries', entries).within(pattern, entries[pattern]), reader);
  const {
    strict: isStrict = false,
    cacheTokens = !isStrict,
    cacheEntraTokens = !isStrict,
  } = reader.read(CONFIG_FIELDS);
  return {
    ...settings,
    isStrict,
    isNamed: pattern !== undefined,
    cacheTokens,
    cacheEntraTokens: cacheTokens && cacheEntraTokens,
  };
}
