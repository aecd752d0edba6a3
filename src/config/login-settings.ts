/** What the configuration says of keeping the credentials that clients give us. */

import { asJsonObject } from '../json.ts';
import { nameServer } from '../logins/server-name.ts';
import type { Registry } from '../registry.ts';
import type { Machine } from '../system/runtime.ts';
import { CONFIG_KEYS, loadConfig, loadSettings, parseConfig, readObject } from './config.ts';
import { ConfigReader } from './config-reader.ts';

export const STORE_PLACES = ['keychain', 'file'] as const;
export type StorePlace = (typeof STORE_PLACES)[number];

export interface StoreSettings {
  /** Where to keep what people type; `undefined` is the keychain where one works, else the file. */
  readonly place: StorePlace | undefined;
  /** The file that forbids to keep anything of the server. */
  readonly forbiddenBy: string | undefined;
  /** The configuration file, for hints; it may not be there. */
  readonly file: string | undefined;
}

/**
 * @param registry `undefined` for a server that is not Azure's, which only an entry of exactly its name is for.
 * @throws CONFIG_INVALID
 */
export async function loadStoreSettings(
  machine: Machine,
  registry: Registry | undefined,
  serverName: string,
): Promise<StoreSettings> {
  const found = await loadConfig(machine);
  if (found === undefined) return { place: undefined, forbiddenBy: undefined, file: undefined };
  const { text, file } = found;
  const config = parseConfig(text, file);
  const reader = new ConfigReader(config, '', file);
  reader.allow(CONFIG_KEYS);
  const place = reader.choice('store', STORE_PLACES);
  const isAllowed =
    registry === undefined
      ? readServerEntry(readObject(config, 'registries', reader), serverName, file)
      : (await loadSettings(machine, registry)).store;
  return { place, forbiddenBy: isAllowed ? undefined : file, file };
}

/**
 * Where a credential that is stored ought to be.
 * @throws CONFIG_INVALID for a registry of Azure: a mistake in our file must not break the registries of others.
 */
export async function findPlace(
  machine: Machine,
  registry: Registry | undefined,
  serverName: string,
): Promise<StorePlace | undefined> {
  try {
    return (await loadStoreSettings(machine, registry, serverName)).place;
  } catch (cause) {
    if (registry === undefined) return undefined;
    throw cause;
  }
}

/** @returns whether the entry of a server that is not Azure's lets its credential be kept. */
function readServerEntry(registries: Readonly<Record<string, unknown>>, serverName: string, file: string): boolean {
  const key = Object.keys(registries).find((one) => nameServer(one.trim(), undefined) === serverName);
  if (key === undefined) return true;
  const where = `"registries"."${key}"`;
  const entry = asJsonObject(registries[key]);
  const reader = new ConfigReader(entry ?? {}, where, file);
  if (entry === undefined) throw reader.invalid(`${where} must be an object`);
  reader.allow(['store']);
  return reader.flag('store') ?? true;
}
