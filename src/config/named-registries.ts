/** Lists the registries that the configuration names one by one. */

import { asJsonObject, parseJsonObject } from '../json.ts';
import { parseHost } from '../registry.ts';
import { readForeignFile } from '../system/files.ts';
import { findConfigFile } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;

/**
 * Lists the hosts under `registries` that are no patterns, such as `*.azurecr.io`. Never fails.
 * @returns an empty list when there is no configuration, or when it cannot be read.
 */
export async function listNamedRegistries(runtime: Runtime): Promise<readonly string[]> {
  const found = await findConfigFile(runtime);
  if (found === undefined) return [];
  let text: string | undefined;
  try {
    text = readForeignFile(found.file, MAX_CONFIG_BYTES, { isTrusted: true });
  } catch {
    return [];
  }
  const registries = asJsonObject(parseJsonObject(text ?? '')?.['registries']) ?? {};
  return Object.keys(registries).flatMap((name) => parseHost(name.trim()) ?? []);
}
