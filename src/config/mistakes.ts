/**
 * Finds every mistake in a configuration, with the code that reads it for `get`: each entry is read for a server that it
 * applies to.
 */

import { CLOUDS, type CloudHosts } from '../clouds.ts';
import type { JsonObject } from '../json.ts';
import { parseHost, parseRegistry, type Registry } from '../registry.ts';
import { parseServerName } from '../server-name.ts';
import { isAzureHost, parseCloudKey, readCloud } from './cloud-settings.ts';
import { CONFIG_FIELDS, CONFIG_KEYS } from './config.ts';
import { parseChosenIdentity } from './identity-settings.ts';
import { readServerEntry } from './login-settings.ts';
import { ConfigMistake, ObjectReader } from './object-reader.ts';
import { findExample } from './pattern-example.ts';
import { bareHost, findPattern } from './registry-pattern.ts';
import { parseSettings } from './registry-settings.ts';

/** A mistake, and whether `get` fails because of it. */
export interface FoundMistake {
  /** `false` when `get` ignores the mistake: nothing reads that part of the file. */
  readonly isFatal: boolean;
  readonly mistake: ConfigMistake;
}

/** The file and what was found in it so far. */
interface Search {
  readonly file: string;
  readonly object: JsonObject;
  /** By place and text, since an identity may be read for many registries. */
  readonly found: Map<string, FoundMistake>;
}

/**
 * Finds every mistake in a configuration.
 * @param file its name, for messages.
 */
export function findMistakes(object: JsonObject, file: string): readonly FoundMistake[] {
  const search: Search = { file, object, found: new Map() };
  const config = readerOf(search, object);
  attempt(search, () => config.allow(CONFIG_KEYS));
  attempt(search, () => config.read(CONFIG_FIELDS));
  const registries = attempt(search, () => config.object('registries')) ?? {};
  const identities = attempt(search, () => config.object('identities')) ?? {};
  // `get` does without the clouds when they are no object.
  const clouds = attempt(search, () => config.object('clouds'), false) ?? {};
  const firstClouds = listFirst(Object.keys(clouds), nameCloud);
  for (const key of Object.keys(clouds)) checkCloud(search, clouds, key, firstClouds);
  for (const key of Object.keys(identities)) {
    const entry = new ObjectReader({ identity: key }, [], file);
    attempt(search, () => parseChosenIdentity(entry, readerOf(search, { identities })));
  }
  const cloudHosts = listHosts(clouds);
  const firsts = listFirst(Object.keys(registries), (key) => nameEntry(key, cloudHosts));
  for (const key of Object.keys(registries)) checkEntry(search, { registries, identities, cloudHosts, firsts }, key);
  return [...search.found.values()];
}

/** Reads the entry of a cloud. `get` does not read it if no registry can be in it. */
function checkCloud(search: Search, clouds: JsonObject, key: string, firsts: ReadonlyMap<string, string>): void {
  const why = explainUnused(key, firsts);
  if (why !== undefined) {
    const [reason, hint] = why;
    warn(
      search,
      readerOf(search, {}).misnamed('unused', ['clouds', key], `"clouds" has "${key}", which ${reason}`, hint),
    );
  }
  const isFatal = why === undefined;
  const collect = (mistake: ConfigMistake) => add(search, mistake, isFatal);
  const reader = new ObjectReader(clouds, ['clouds'], search.file, collect);
  attempt(search, () => readCloud(reader.within(key, clouds[key])), isFatal);
}

/** @returns why no registry can be in a cloud, and what to do; `undefined` if one can. */
function explainUnused(
  key: string,
  firsts: ReadonlyMap<string, string>,
): readonly [reason: string, hint: string] | undefined {
  const hosts = parseCloudKey(key);
  if (hosts === undefined) return ['is not a host', 'write it as "*.SUFFIX", or as one host'];
  if (isAzureHost(hosts.registrySuffix)) return ['is known without the configuration', 'remove the entry'];
  const first = firsts.get(nameCloud(key));
  return first === key ? undefined : ['never applies', `"${first}" comes first; remove one of them`];
}

/** A name that all keys for the same hosts have. */
function nameCloud(key: string): string {
  const hosts = parseCloudKey(key);
  return hosts === undefined ? `?${key}` : `${hosts.isOneHost ? '' : '*.'}${hosts.registrySuffix}`;
}

/** The first of the keys that have the same name. */
function listFirst(keys: readonly string[], nameOf: (key: string) => string): ReadonlyMap<string, string> {
  // Of entries with the same key, a map keeps the last.
  return new Map(keys.map((key) => [nameOf(key), key] as const).reverse());
}

/** What an entry is checked against. */
interface Surroundings {
  readonly registries: JsonObject;
  readonly identities: JsonObject;
  readonly cloudHosts: readonly CloudHosts[];
  /** The first of the keys for the same registries, by name. */
  readonly firsts: ReadonlyMap<string, string>;
}

/** Reads an entry of `"registries"` as for a server that it applies to. */
function checkEntry(search: Search, surroundings: Surroundings, key: string): void {
  const { registries, identities, cloudHosts, firsts } = surroundings;
  const value = registries[key];
  const registry = findRegistry(key, value, cloudHosts);
  const config = readerOf(search, search.object);
  // Alone, since a longer pattern may match the same server.
  const alone = readerOf(search, { registries: { [key]: value }, identities });
  if (registry !== undefined) {
    if (attempt(search, () => findPattern([key], registry, alone)) === undefined) return;
    const first = firsts.get(nameEntry(key, cloudHosts));
    const isFirst = first === key;
    if (!isFirst) {
      warn(
        search,
        config.misnamed(
          'unused',
          ['registries', key],
          `"registries" has "${key}", which never applies`,
          `"${first}" comes first; remove one of them`,
        ),
      );
    }
    checkSettings(search, alone, key, value, isFirst);
  } else if (key.includes('*')) {
    warn(
      search,
      config.misnamed(
        'unused',
        ['registries', key],
        `"registries" has "${key}", which matches no registry of Azure`,
        'write it as "*.azurecr.io"',
      ),
    );
    checkSettings(search, alone, key, value, false);
  } else {
    attempt(search, () => readServerEntry(alone, parseServerName(key.trim(), undefined)));
  }
}

function checkSettings(search: Search, alone: ObjectReader, key: string, value: unknown, isFatal: boolean): void {
  const collect = (mistake: ConfigMistake) => add(search, mistake, isFatal);
  const reader = new ObjectReader({ [key]: value }, ['registries'], search.file, collect);
  attempt(search, () => parseSettings(reader.within(key, value), alone), isFatal);
}

/**
 * Finds a registry that an entry is about, even if its key is wrong.
 * @returns `undefined` for the entry of a server that is not Azure's, and for a pattern that matches no registry.
 */
function findRegistry(key: string, value: unknown, cloudHosts: readonly CloudHosts[]): Registry | undefined {
  const bare = bareHost(key);
  if (key.includes('*')) {
    const example = findExample(bare, cloudHosts);
    return example === undefined ? undefined : registryOf(example, cloudHosts);
  }
  const named = registryOf(parseHost(key.trim()) ?? bare, cloudHosts);
  if (named !== undefined) return named;
  // Some write only the name of the registry. A server of that name has no other key than "store".
  const isServer = typeof value === 'object' && value !== null && Object.keys(value).join() === 'store';
  return isServer || bare !== key.trim().toLowerCase() ? undefined : parseRegistry(`${bare}.azurecr.io`);
}

/** A registry of Azure or of one of the configured clouds, whose own settings do not matter here. */
function registryOf(host: string, cloudHosts: readonly CloudHosts[]): Registry | undefined {
  const [template] = CLOUDS;
  if (template === undefined) return undefined;
  return parseRegistry(host, [...CLOUDS, ...cloudHosts.map((hosts) => ({ ...template, ...hosts }))]);
}

/** The hosts of Azure's clouds, and of those that the configuration adds. */
function listHosts(clouds: JsonObject): readonly CloudHosts[] {
  const added = Object.keys(clouds).map(parseCloudKey);
  return [...CLOUDS, ...added.filter((hosts) => hosts !== undefined)];
}

/** A name that all keys for exactly the same registries have. */
function nameEntry(key: string, cloudHosts: readonly CloudHosts[]): string {
  if (key.includes('*')) return key.toLowerCase();
  return registryOf(parseHost(key.trim()) ?? '', cloudHosts)?.host ?? `?${key}`;
}

/** A reader that notes mistakes instead of throwing them. */
function readerOf(search: Search, object: JsonObject): ObjectReader {
  return new ObjectReader(object, [], search.file, (mistake) => add(search, mistake, true));
}

/** Reads a part of the configuration, and notes the mistake that ends it. */
function attempt<T>(search: Search, read: () => T, isFatal = true): T | undefined {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ConfigMistake)) throw cause;
    add(search, cause, isFatal);
    return undefined;
  }
}

function warn(search: Search, mistake: ConfigMistake): void {
  add(search, mistake, false);
}

/** Notes a mistake once. */
function add({ found }: Search, mistake: ConfigMistake, isFatal: boolean): void {
  const id = JSON.stringify([mistake.keys, mistake.what]);
  found.set(id, { isFatal: isFatal || found.get(id)?.isFatal === true, mistake });
}
