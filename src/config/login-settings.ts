/** Reads from the configuration where to store the credentials that clients send, and whether to. */

import type { Fields } from '../field.ts';
import { choice } from '../field.ts';
import { parseServerName } from '../server-name.ts';
import type { ObjectReader } from './object-reader.ts';
import { REGISTRY_FIELDS } from './registry-settings.ts';

/** The values of `"store"` at the top of the configuration. */
export const LOGIN_BACKENDS = ['keychain', 'file'] as const;
/** Where logins are stored. */
export type LoginBackend = (typeof LOGIN_BACKENDS)[number];

/** How a stored login is used. */
export interface LoginUse {
  /** Where logins are stored; `undefined` means the keychain if one works, else the file. */
  readonly backend: LoginBackend | undefined;
  /** Whether a stored login may be used. With `"strict"`, only if the configuration says so. */
  readonly isUsed: boolean;
}

/** The settings for the login of one server. */
export interface LoginSettings extends LoginUse {
  /** The configuration file, if it forbids storing the server's credential. */
  readonly forbiddenBy: string | undefined;
  /** The configuration file, for hints. It may not exist. */
  readonly file: string | undefined;
}

/** The fields of the whole file that are about logins. */
export const LOGIN_FIELDS = {
  store: choice(
    LOGIN_BACKENDS,
    "Where the credentials of docker login are stored: the system's keychain, or a file that only its owner can open. By default the keychain if one works, else the file.",
  ),
} satisfies Fields;

/**
 * Reads whether the credential of a server that is not Azure's may be stored. Only the entry with exactly its name
 * decides, else, for an `http://` URL, the entry of its host; without one, it may.
 * @param serverName see `parseServerName`.
 * @throws CONFIG_INVALID
 */
export function readServerEntry(config: ObjectReader, serverName: string): { store: boolean; isNamed: boolean } {
  const registries = config.object('registries');
  const keyOf = (name: string) =>
    Object.keys(registries).find((one) => parseServerName(one.trim(), undefined) === name);
  const key = keyOf(serverName) ?? keyOf(serverName.replace(/^http:\/\//, ''));
  if (key === undefined) return { store: true, isNamed: false };
  const reader = config.within('registries', registries).within(key, registries[key]);
  const { store } = REGISTRY_FIELDS;
  reader.allow(
    ['store'],
    `${JSON.stringify(key)} is not a registry of Azure; for other servers the only key is "store"`,
  );
  return { store: reader.read({ store }).store ?? true, isNamed: true };
}
