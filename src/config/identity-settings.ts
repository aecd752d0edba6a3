/** The identities that the configuration describes: a source with its parameters, and never a secret. */

import { IDENTITY_NAMES, type IdentityName, type IdentityParameters } from '../identity/identity.ts';
import { asJsonObject, type JsonObject } from '../json.ts';
import { ConfigReader } from './config-reader.ts';

/** An identity that a registry's configuration chose. */
export interface ChosenIdentity extends IdentityParameters {
  readonly type: IdentityName;
  /** The name it has in the configuration, or its type. */
  readonly name: string;
}

/** Every identity can say where it signs in, and for what. */
const COMMON_KEYS = ['type', 'tenantId', 'authorityHost', 'audience'] as const;

/** What each source takes besides. */
export const IDENTITY_KEYS: Readonly<Record<IdentityName, readonly string[]>> = {
  'client-secret': ['clientId', 'clientSecretFile', 'clientSecretEnv', 'clientSecretKeychain'],
  'client-certificate': [
    'clientId',
    'certificatePath',
    'certificatePasswordFile',
    'certificatePasswordEnv',
    'sendCertificateChain',
  ],
  'workload-identity': ['clientId', 'tokenFile', 'tokenEnv'],
  'github-actions': ['clientId'],
  'azure-pipelines': ['clientId', 'serviceConnectionId'],
  'managed-identity': ['clientId', 'objectId', 'resourceId'],
  'azure-cli': ['subscription', 'configDir'],
  'azure-developer-cli': [],
  'azure-powershell': [],
  command: ['command'],
};

/** What people write although it does not belong in a file, and where it belongs. */
const SECRETS: Readonly<Record<string, string>> = {
  clientSecret: 'use "clientSecretFile", "clientSecretEnv" or "clientSecretKeychain"',
  clientAssertion: 'use "tokenFile" or "tokenEnv"',
  certificatePassword: 'use "certificatePasswordFile" or "certificatePasswordEnv"',
  password: 'use "clientSecretFile", "clientSecretEnv" or "clientSecretKeychain"',
  token: 'use "tokenFile" or "tokenEnv"',
};

/**
 * Reads a registry's `"identity"`: the name of one of `"identities"`, the name of a source, or a source with its
 * parameters in place.
 *
 * @param identities all that the file names; only the one chosen is judged.
 * @throws CONFIG_INVALID
 */
export function parseChosenIdentity(
  value: unknown,
  identities: JsonObject,
  reader: ConfigReader,
  where: string,
  file: string,
): ChosenIdentity | undefined {
  if (value === undefined) return undefined;
  const inPlace = asJsonObject(value);
  if (inPlace !== undefined) return parseIdentity(inPlace, undefined, `${where}."identity"`, file);
  if (typeof value === 'string' && Object.hasOwn(identities, value)) {
    const named = asJsonObject(identities[value]);
    const place = `"identities"."${value}"`;
    if (named === undefined) throw reader.invalid(`${place} must be an object with a "type"`);
    return parseIdentity(named, value, place, file);
  }
  const type = new ConfigReader({ identity: value }, where, file).choice('identity', [
    ...IDENTITY_NAMES,
    ...Object.keys(identities),
  ]);
  const source = IDENTITY_NAMES.find((name) => name === type);
  return source === undefined ? undefined : { type: source, name: source };
}

function parseIdentity(object: JsonObject, name: string | undefined, where: string, file: string): ChosenIdentity {
  // Not made before they are needed: V8 reads a pattern when it is made, and tables of Unicode for `i` and `u`.
  const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
  const resourceId = /^\/subscriptions\/[\w-]+\/[\w.()/ -]+$/i;
  const variable = /^[A-Za-z_][A-Za-z0-9_]*$/;
  const subscription = /^[0-9a-zA-Z._ -]+$/;
  const anyText = /^\P{Cc}+$/u;

  const reader = new ConfigReader(object, where, file);
  const secret = Object.keys(SECRETS).find((key) => Object.hasOwn(object, key));
  if (secret !== undefined) throw reader.invalid(`${where} holds a secret in "${secret}"`, SECRETS[secret]);
  const type = reader.choice('type', IDENTITY_NAMES);
  if (type === undefined) throw reader.wrong('type', `one of ${IDENTITY_NAMES.map((one) => `"${one}"`).join(', ')}`);
  reader.allow([...COMMON_KEYS, ...IDENTITY_KEYS[type]]);
  const command = reader.texts('command', anyText, 'a list: the program, then its arguments');
  if (type === 'command' && !Array.isArray(object['command']))
    throw reader.wrong('command', 'a list: the program, then its arguments');
  return {
    type,
    name: name ?? type,
    tenantId: reader.tenantId(),
    authorityHost: reader.httpsUrl('authorityHost'),
    audience: reader.audience('audience', 'a URL such as "https://containerregistry.azure.net"'),
    clientId: reader.text('clientId', guid, 'the id of an application or a managed identity'),
    objectId: reader.text('objectId', guid, "a managed identity's object id"),
    resourceId: reader.text('resourceId', resourceId, 'a resource id: "/subscriptions/…"'),
    clientSecretFile: reader.path('clientSecretFile'),
    clientSecretEnv: reader.text('clientSecretEnv', variable, 'the name of a variable'),
    clientSecretKeychain: reader.text('clientSecretKeychain', anyText, 'the server URL of a keychain entry'),
    certificatePath: reader.path('certificatePath'),
    certificatePasswordFile: reader.path('certificatePasswordFile'),
    certificatePasswordEnv: reader.text('certificatePasswordEnv', variable, 'the name of a variable'),
    sendCertificateChain: reader.flag('sendCertificateChain'),
    tokenFile: reader.path('tokenFile'),
    tokenEnv: reader.text('tokenEnv', variable, 'the name of a variable'),
    serviceConnectionId: reader.text('serviceConnectionId', guid, "a service connection's id"),
    subscription: reader.text('subscription', subscription, "a subscription's id or name"),
    configDir: reader.path('configDir'),
    command,
  };
}
