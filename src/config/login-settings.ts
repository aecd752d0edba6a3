/** What the configuration says of keeping the credentials that clients give us. */

import { asJsonObject } from '../json.ts';
import type { Registry } from '../registry.ts';
import { parseServerName } from '../server-name.ts';
import type { Runtime } from '../system/runtime.ts';
import { CONFIG_KEYS, loadConfig, loadSettings, parseConfig, readObject } from './config.ts';
import { ConfigReader } from './config-reader.ts';

export const LOGIN_BACKENDS = ['keychain', 'file'] as const;
export type LoginBackend = (typeof LOGIN_BACKENDS)[number];

export interface LoginSettings {
  /** Where to keep what people type; `undefined` is the keychain where one works, else the file. */
  readonly backend: LoginBackend | undefined;
  /** The file that forbids to keep anything of the server. */
  readonly forbiddenBy: string | undefined;
  /** The configuration file, for hints; it may not be there. */
  readonly file: string | undefined;
}

/**
 * @param registry `undefined` for a server that is not Azure's, which only an entry of exactly its name is for.
 * @throws CONFIG_INVALID
 */
export async function loadLoginSettings(
  runtime: Runtime,
  registry: Registry | undefined,
  serverName: string,
): Promise<LoginSettings> {
  const found = await loadConfig(runtime);
  if (found === undefined) return { backend: undefined, forbiddenBy: undefined, file: undefined };
  const { text, file } = found;
  const config = parseConfig(text, file);
  const reader = new ConfigReader(config, '', file);
  reader.allow(CONFIG_KEYS);
  const backend = reader.choice('store', LOGIN_BACKENDS);
  const isAllowed =
    registry === undefined
      ? readServerEntry(readObject(config, 'registries', reader), serverName, file)
      : (await loadSettings(runtime, registry)).store;
  return { backend, forbiddenBy: isAllowed ? undefined : file, file };
}

/**
 * Where a credential that is stored ought to be.
 * @throws CONFIG_INVALID for a registry of Azure: a mistake in our file must not break the registries of others.
 */
export async function findBackend(
  runtime: Runtime,
  registry: Registry | undefined,
  serverName: string,
): Promise<LoginBackend | undefined> {
  try {
    return (await loadLoginSettings(runtime, registry, serverName)).backend;
  } catch (cause) {
    if (registry === undefined) return undefined;
    throw cause;
  }
}

/** @returns whether the entry of a server that is not Azure's lets its credential be kept. */
function readServerEntry(registries: Readonly<Record<string, unknown>>, serverName: string, file: string): boolean {
  const key = Object.keys(registries).find((one) => parseServerName(one.trim(), undefined) === serverName);
  if (key === undefined) return true;
  const where = `"registries"."${key}"`;
  const entry = asJsonObject(registries[key]);
  const reader = new ConfigReader(entry ?? {}, where, file);
  if (entry === undefined) throw reader.invalid(`${where} must be an object`);
  reader.allow(['store']);
  return reader.flag('store') ?? true;
}
