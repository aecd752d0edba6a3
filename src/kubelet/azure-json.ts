/** Reads azure.json, the file in which the cloud provider of Azure finds its settings on each node. */

import { TENANT_PATTERN } from '../entra/authority.ts';
import { CredentialError, describeCause } from '../errors.ts';
import { assertValues, flag, path, text, type Values } from '../field.ts';
import { asText, type JsonObject, parseJsonObject } from '../json.ts';
import { shellWord } from '../shell-word.ts';
import { readForeignFile, UntrustedFileError } from '../system/files.ts';
import type { Runtime } from '../system/runtime.ts';

/** The keys that are read, with what they must be. The cloud provider has many more. */
const FIELDS = {
  cloud: text('The name of the cloud.', 'the name of a cloud'),
  tenantId: text('The tenant of the cluster.', 'the id or domain of a tenant', TENANT_PATTERN),
  useManagedIdentityExtension: flag('Whether the identity is a managed identity.'),
  userAssignedIdentityID: text('A user-assigned identity.', 'the client id or the resource id of a managed identity'),
  useFederatedWorkloadIdentityExtension: flag('Whether an application signs in with a federated token.'),
  aadFederatedTokenFile: path('Absolute path of a file that holds the federated token.'),
  aadClientId: text('The application.', 'the id of an application'),
  aadClientSecret: text('The secret of the application.', 'text'),
  aadClientCertPath: path('Absolute path of a file with certificate and key.'),
  aadClientCertPassword: text("The key's password.", 'text'),
};

/** What azure.json says. An empty value counts as left out, as in the cloud provider. */
export type AzureJson = Values<typeof FIELDS>;
/** A key of azure.json. */
export type AzureJsonKey = keyof AzureJson & string;

const KEYS = Object.keys(FIELDS);
const SECRET_KEYS: readonly string[] = ['aadClientSecret', 'aadClientCertPassword'] satisfies AzureJsonKey[];
const MAX_BYTES = 64 * 1024;

/**
 * Reads azure.json. Its secrets are redacted from then on.
 * @param file its absolute path.
 * @throws CONFIG_INVALID when there is no such file, others can write to it, or a value cannot be used.
 */
export async function readAzureJson(runtime: Runtime, file: string): Promise<AzureJson> {
  const content = readNodeFile(
    file,
    `ls -l ${shellWord(file)}; outside of Azure, leave it out of the "args" of the kubelet's configuration`,
  );
  const object = await parseAzureJson(content, file);
  const values = readKeys(object, KEYS, (key) => invalidFile(file, `it has "${key}" twice`));
  for (const key of SECRET_KEYS) {
    const secret = asText(values[key]);
    if (secret !== undefined) runtime.secrets.add(secret);
  }
  assertValues(values, FIELDS, (key, { words }) => invalidFile(file, `"${key}" must be ${words}`));
  return values;
}

/**
 * Reads the text of a file that says which identity a node has, or where it signs in.
 * @param missingHint what to do if there should be no such file.
 * @throws CONFIG_INVALID when there is no such file, it cannot be read, or others can write to it.
 */
export function readNodeFile(file: string, missingHint: string): string {
  let content: string | undefined;
  try {
    content = readForeignFile(file, MAX_BYTES, { isTrusted: true });
  } catch (cause) {
    throw invalidFile(file, describeCause(cause), advise(file, cause));
  }
  if (content !== undefined) return content;
  throw invalidFile(file, 'there is no such file', missingHint);
}

function advise(file: string, cause: unknown): string {
  if (!(cause instanceof UntrustedFileError)) return `ls -l ${shellWord(file)}`;
  return cause.isForeign ? `chown root ${shellWord(file)}` : `chmod go-w ${shellWord(file)}`;
}

/** The parser of YAML, of which JSON is a part, is large: it is loaded only for what is not plain JSON. */
async function parseAzureJson(content: string, file: string): Promise<JsonObject> {
  const object = mayRepeatKey(content) ? undefined : parseJsonObject(content);
  if (object !== undefined) return object;
  const { parseYamlObject } = await import('./azure-json-yaml.ts');
  const parsed = parseYamlObject(content, KEYS);
  if ('object' in parsed) return parsed.object;
  throw invalidFile(file, parsed.mistake);
}

/** Whether a key may be there twice, of which a JSON parser would silently take the last. */
function mayRepeatKey(content: string): boolean {
  return KEYS.some((key) => {
    const quoted = `"${key}"`;
    return content.indexOf(quoted) !== content.lastIndexOf(quoted);
  });
}

/**
 * Reads the values of some keys, whose case does not matter in Go's JSON. Leaves out what is empty.
 * @param explainRepeated returns the error for a key that is there twice.
 */
export function readKeys(
  object: JsonObject,
  keys: readonly string[],
  explainRepeated: (key: string) => CredentialError,
): JsonObject {
  const names = new Map(keys.map((key) => [key.toLowerCase(), key]));
  const found: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(object)) {
    const key = names.get(written.toLowerCase());
    if (key === undefined || value === '' || value === null) continue;
    if (Object.hasOwn(found, key)) throw explainRepeated(key);
    found[key] = value;
  }
  return found;
}

/** The error for a value that the source of an identity refuses. */
export function refuseValue(file: string, key: AzureJsonKey): CredentialError {
  return invalidFile(file, `"${key}" must be ${FIELDS[key].words}`);
}

/**
 * The error for a mistake in a file of the node.
 * @param what names the key, and never quotes a value.
 */
export function invalidFile(file: string, what: string, hint = `correct it: vi ${shellWord(file)}`): CredentialError {
  return new CredentialError('CONFIG_INVALID', `Cannot use ${file}: ${what}`, { hint });
}
