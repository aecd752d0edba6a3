/** Reads the identities of the configuration: a source and its parameters, never a secret. */

import { choice } from '../field.ts';
import { COMMON_FIELDS, type ConfiguredSource, type IdentitySource } from '../identity/identity.ts';
import { SOURCES } from '../identity/sources.ts';
import { asJsonObject } from '../json.ts';
import type { ObjectReader } from './object-reader.ts';

/** The identity that the configuration selects for a registry. */
export interface ChosenIdentity extends ConfiguredSource {
  /** Its name in the configuration, else the name of its source. */
  readonly name: string;
}

/**
 * Keys for secrets, which people may try although the file must not contain secrets, each with the hint what to use.
 */
const SECRETS: Readonly<Record<string, string>> = {
  clientSecret: 'use "clientSecretFile", "clientSecretEnv" or "clientSecretKeychain"',
  clientAssertion: 'use "tokenFile" or "tokenEnv"',
  certificatePassword: 'use "certificatePasswordFile" or "certificatePasswordEnv"',
  password: 'use "clientSecretFile", "clientSecretEnv" or "clientSecretKeychain"',
  token: 'use "tokenFile" or "tokenEnv"',
};

/** Lists the keys that an identity of a source can have. */
export function identityKeys({ fields }: IdentitySource): readonly string[] {
  return ['type', ...Object.keys(COMMON_FIELDS), ...Object.keys(fields)];
}

/**
 * Reads a registry's `"identity"`: a name of `"identities"`, the name of a source, or a source with its parameters.
 *
 * @param config the whole file; of its `"identities"` only the selected one is read.
 * @returns `undefined` when the entry has no `"identity"`.
 * @throws CONFIG_INVALID
 */
export function parseChosenIdentity(entry: ObjectReader, config: ObjectReader): ChosenIdentity | undefined {
  const value = entry.value('identity');
  if (value === undefined) return undefined;
  const identities = config.object('identities');
  if (asJsonObject(value) !== undefined) return parseIdentity(entry.within('identity', value));
  if (typeof value === 'string' && Object.hasOwn(identities, value)) {
    const named = identities[value];
    if (asJsonObject(named) !== undefined) {
      return parseIdentity(config.within('identities', identities).within(value, named), value);
    }
    throw config
      .within('identities', identities)
      .forbidden('wrong-value', value, `"identities"."${value}" must be an object with a "type"`, undefined);
  }
  const source = SOURCES.find(({ name }) => name === value);
  if (source !== undefined) return { ...source.configure(), name: source.name };
  throw entry.wrong('identity', describeNames(Object.keys(identities)));
}

/** @param name the identity's name in the configuration; its source's name by default. */
function parseIdentity(reader: ObjectReader, name?: string): ChosenIdentity {
  const secrets = Object.keys(SECRETS).filter((key) => reader.value(key) !== undefined);
  for (const key of secrets) {
    reader.reject(reader.forbidden('secret', key, `${reader.path} contains a secret in "${key}"`, SECRETS[key]));
  }
  const source = SOURCES.find((one) => reader.value('type') === one.name);
  if (source === undefined) throw reader.wrong('type', describeNames());
  reader.allow([...identityKeys(source), ...secrets]);
  for (const [key, field] of Object.entries(source.fields)) {
    if (source.required.includes(key) && reader.value(key) === undefined) reader.reject(reader.wrong(key, field));
  }
  return { ...source.configure((fields) => reader.read(fields)), name: name ?? source.name };
}

function describeNames(others: readonly string[] = []) {
  return choice([...SOURCES.map(({ name }) => name), ...others], 'The source of the identity.');
}
