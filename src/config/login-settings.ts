/** What the configuration says of keeping the credentials that clients give us. */

import type { Fields } from '../field.ts';
import { choice } from '../field.ts';
import { parseServerName } from '../server-name.ts';
import type { ObjectReader } from './object-reader.ts';
import { REGISTRY_FIELDS } from './registry-settings.ts';

export const LOGIN_BACKENDS = ['keychain', 'file'] as const;
export type LoginBackend = (typeof LOGIN_BACKENDS)[number];

export interface LoginSettings {
  /** Where to keep logins; `undefined` is the keychain where one works, else the file. */
  readonly backend: LoginBackend | undefined;
  /** The file that forbids to keep anything of the server. */
  readonly forbiddenBy: string | undefined;
  /** The configuration file, for hints; it may not be there. */
  readonly file: string | undefined;
}

export const LOGIN_FIELDS = {
  store: choice(
    LOGIN_BACKENDS,
    "Where credentials that people type at docker login are kept: the system's keychain, or a file that only its owner can open. By default the keychain where one works, else the file.",
  ),
} satisfies Fields;

/**
 * @returns whether the entry of a server that is not Azure's lets its credential be kept. Only an entry of exactly its
 * name is for it.
 * @throws CONFIG_INVALID
 */
export function isLoginAllowed(config: ObjectReader, serverName: string): boolean {
  const registries = config.object('registries');
  const key = Object.keys(registries).find((one) => parseServerName(one.trim(), undefined) === serverName);
  if (key === undefined) return true;
  const reader = config.within('registries', registries).within(key, registries[key]);
  const { store } = REGISTRY_FIELDS;
  reader.allow(['store']);
  return reader.read({ store }).store ?? true;
}
