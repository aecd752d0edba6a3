/** Reads from the Docker client's configuration which registries use this program. */

import { isAbsolute, join } from 'node:path';
import { listHelperNames } from '../helper-name.ts';
import { asJsonObject, parseJsonObject } from '../json.ts';
import { parseRegistry } from '../registry.ts';
import { readForeignFile } from '../system/files.ts';
import { findDotFolder } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/**
 * Lists the registries whose `credHelpers` entry names this program. They are bare hosts, since podman rejects a list
 * in which one entry has a scheme.
 * @returns an empty list when the configuration does not exist or cannot be read.
 */
export function listRegistries(runtime: Runtime): string[] {
  const folder = findDotFolder(runtime, 'DOCKER_CONFIG', '.docker');
  // A relative path would name a file of the working directory.
  if (folder === undefined || !isAbsolute(folder)) return [];
  let text: string | undefined;
  try {
    text = readForeignFile(join(folder, 'config.json'), MAX_CONFIG_BYTES);
  } catch {
    return [];
  }
  const helpers = asJsonObject(parseJsonObject(text ?? '')?.['credHelpers']) ?? {};
  const names = listHelperNames(runtime);
  const servers = Object.entries(helpers).flatMap(([server, name]) =>
    typeof name === 'string' && names.includes(name) ? [parseRegistry(server)?.host] : [],
  );
  return [...new Set(servers)].filter((server) => server !== undefined);
}
