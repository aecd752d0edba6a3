/** Registries for tests, by their server URL. */
import { parseRegistry, type Registry } from '../../src/registry.ts';

/** @throws when the server URL names no registry. */
export function registryNamed(serverUrl: string): Registry {
  const registry = parseRegistry(serverUrl);
  if (registry === undefined) throw new Error(`${serverUrl} is no registry`);
  return registry;
}
