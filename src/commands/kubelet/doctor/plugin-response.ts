/** Reads the response of a plug-in as strictly as the kubelet does, which explains nothing to anybody. */

import { visit } from 'jsonc-parser';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../../json.ts';
import { parseGoDuration } from './go-duration.ts';

/** A credential of a response. */
export interface PluginCredential {
  /** Which images it is for. */
  readonly pattern: string;
  readonly username: string;
  readonly password: string;
}

/** A response. */
export interface PluginResponse {
  readonly cacheKeyType: string;
  /** `undefined` when the configuration decides. */
  readonly cacheMs: number | undefined;
  readonly credentials: readonly PluginCredential[];
}

const FIELDS = ['kind', 'apiVersion', 'cacheKeyType', 'cacheDuration', 'auth'];
const CREDENTIAL_FIELDS = ['username', 'password'];
const CACHE_KEY_TYPES = ['Image', 'Registry', 'Global'];

/**
 * Reads a response.
 * @param apiVersion that of the request.
 * @returns why the kubelet discards it, if so: completes "the kubelet discards the response: ". It holds nothing of the
 * response but the names of fields.
 */
export function readPluginResponse(text: string, apiVersion: string): PluginResponse | string {
  if (text.trim() === '') return 'it is empty';
  const object = parseJsonObject(text);
  if (object === undefined) return 'it is not one JSON object and nothing else';
  if (object['apiVersion'] !== apiVersion) return `its apiVersion is not ${apiVersion}, which was asked for`;
  if (object['kind'] !== 'CredentialProviderResponse') return 'its kind is not CredentialProviderResponse';
  const unknown = Object.keys(object).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return `it has a field that a kubelet does not know${nameField(unknown, FIELDS)}`;
  const response = readFields(object);
  if (typeof response === 'string') return response;
  const twice = findDoubledField(text);
  return twice === undefined
    ? response
    : `a field stands there twice${nameField(twice, [...FIELDS, ...CREDENTIAL_FIELDS])}`;
}

function readFields({ cacheKeyType, cacheDuration, auth }: JsonObject): PluginResponse | string {
  const key = asText(cacheKeyType);
  if (key === undefined || !CACHE_KEY_TYPES.includes(key)) return 'its cacheKeyType is not Image, Registry or Global';
  const isDefault = cacheDuration === undefined || cacheDuration === null;
  const cacheMs = typeof cacheDuration === 'string' ? parseGoDuration(cacheDuration) : undefined;
  if (!isDefault && cacheMs === undefined) return 'its cacheDuration is not a text such as "1h0m0s"';
  if (auth !== undefined && auth !== null && asJsonObject(auth) === undefined) return 'its auth is not an object';
  const credentials: PluginCredential[] = [];
  for (const [pattern, value] of Object.entries(asJsonObject(auth) ?? {})) {
    const credential = value === null ? {} : asJsonObject(value);
    if (credential === undefined) return 'an entry of its auth is not an object';
    const unknown = Object.keys(credential).find((name) => !CREDENTIAL_FIELDS.includes(name));
    if (unknown !== undefined) {
      return `an entry of its auth has a field that a kubelet does not know${nameField(unknown, CREDENTIAL_FIELDS)}`;
    }
    const [username, password] = CREDENTIAL_FIELDS.map((name) => credential[name] ?? '');
    if (typeof username !== 'string' || typeof password !== 'string') return 'an entry of its auth holds no texts';
    credentials.push({ pattern, username, password });
  }
  return { cacheKeyType: key, cacheMs, credentials };
}

/** Names a field behind a colon; one that is not nearly right may be a secret, and is not named. */
function nameField(name: string, known: readonly string[]): string {
  return known.some((one) => one.toLowerCase() === name.toLowerCase()) ? `: ${name}` : '';
}

/** Finds a field that an object has twice, of which JSON.parse keeps the last. */
function findDoubledField(text: string): string | undefined {
  const objects: Set<string>[] = [];
  let doubled: string | undefined;
  visit(text, {
    onObjectBegin: () => void objects.push(new Set()),
    onObjectEnd: () => void objects.pop(),
    onObjectProperty: (name) => {
      const names = objects.at(-1);
      if (names?.has(name) === true) doubled ??= name;
      names?.add(name);
    },
  });
  return doubled;
}
