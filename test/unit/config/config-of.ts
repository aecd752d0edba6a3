/** A configuration for tests, and the registry that they ask it about. */
import { type Config, createConfig } from '../../../src/config/config.ts';
import { ObjectReader } from '../../../src/config/object-reader.ts';
import { parseJsonObject } from '../../../src/json.ts';
import { registryNamed } from '../registry-named.ts';

/** The name of the file that `configOf` and `readerOf` pretend to have read. */
export const CONFIG_FILE = '/config.json';
export const REGISTRY = registryNamed('myregistry.azurecr.io');

/** The configuration that a file with this object as its JSON would be. */
export function configOf(object: object): Config {
  return createConfig(CONFIG_FILE, () => parseJsonObject(JSON.stringify(object)));
}

/** The reader of a whole file with this object as its JSON. */
export function readerOf(object: object): ObjectReader {
  return new ObjectReader(parseJsonObject(JSON.stringify(object)) ?? {}, [], CONFIG_FILE);
}
