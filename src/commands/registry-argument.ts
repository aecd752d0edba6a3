/** Reads the registry that a person names in an argument. */

import { loadConfig } from '../config/config.ts';
import { createQuote } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { UsageError } from '../terminal/failure.ts';

/** A host with an optional scheme, port and path. */
const SERVER = /^(?:https?:\/\/)?(?:\[[\da-f:.]+\]|[\w-]+(?:\.[\w-]+)*\.?)(?::\d{1,5})?(?:\/\S*)?$/i;

/**
 * Checks an argument that names a server, Azure's or another. An empty one is mostly a variable that is not set.
 * @throws UsageError when no server can have this name.
 */
export function assertServer(runtime: Runtime, argument: string): void {
  if (SERVER.test(argument)) return;
  throw new UsageError(`"${createQuote(runtime)(argument, 100)}" is not the name of a registry`, {
    hint: 'name a login server, such as myregistry.azurecr.io',
  });
}

/**
 * Finds the registry that an argument names: a login server, with or without `https://` and a path.
 * @throws UsageError when it is not a registry of Azure; CONFIG_INVALID
 */
export async function readRegistry(runtime: Runtime, argument: string): Promise<Registry> {
  const config = await loadConfig(runtime);
  const registry = config.findRegistry(argument.trim());
  if (registry !== undefined) return registry;
  const named = argument.trim().toLowerCase();
  // People know their registry by its name.
  const meant = /^[a-z0-9-]{5,50}$/.test(named) ? config.findRegistry(`${named}.azurecr.io`)?.host : undefined;
  throw new UsageError(`"${createQuote(runtime)(argument, 100)}" is not a registry of Azure`, {
    hint:
      meant === undefined
        ? 'write it as myregistry.azurecr.io; a custom domain must be in "clouds" of the configuration'
        : `did you mean ${shellWord(meant)}?`,
  });
}
