/** Reads the registry that a person names in an argument. */

import { loadConfig } from '../config/config.ts';
import { createQuote } from '../redact.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import type { Runtime } from '../system/runtime.ts';
import { UsageError } from '../terminal/failure.ts';

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
