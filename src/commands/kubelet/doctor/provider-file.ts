/**
 * Reads a `CredentialProviderConfig` by the kubelet's own rules, with which it does not start when one of them is broken.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kubelet-config.v1/
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describeCause } from '../../../errors.ts';
import type { JsonObject } from '../../../json.ts';
import type { Quote } from '../../../redact.ts';
import { shellWord } from '../../../shell-word.ts';
import { readForeignFile } from '../../../system/files.ts';
import { listNames } from '../../../system/folders.ts';
import type { Variable } from '../config/provider-config.ts';
import { isUnreadable } from '../image-pattern.ts';
import { type FieldKinds, FieldReader, type FileMistake } from './field-reader.ts';
import { parseGoDuration } from './go-duration.ts';
import { parseYaml, type YamlPath } from './yaml-text.ts';

/** A pattern of `matchImages`, and where it is. */
export interface PlacedPattern {
  readonly pattern: string;
  readonly place: string;
}

/** What the kubelet is to tell the plug-in of a pod. */
export interface TokenSettings {
  readonly place: string;
  readonly audience: string;
  readonly cacheType: string | undefined;
  readonly isRequired: boolean;
  readonly requiredKeys: readonly string[];
  readonly optionalKeys: readonly string[];
}

/** A plug-in of the configuration. */
export interface Provider {
  /** Such as `/etc/kubelet/providers.yaml:4`. */
  readonly place: string;
  readonly name: string;
  readonly apiVersion: string;
  readonly patterns: readonly PlacedPattern[];
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly defaultCacheMs: number;
  /** `undefined` when it gets no tokens. */
  readonly tokens: TokenSettings | undefined;
}

/** What the kubelet's configuration says. */
export interface ProviderFile {
  /** The files that it consists of. */
  readonly files: readonly string[];
  readonly isFolder: boolean;
  /** The versions of the API in which they are written, such as `v1`. */
  readonly versions: readonly string[];
  readonly providers: readonly Provider[];
  /** Each keeps the kubelet from starting. */
  readonly mistakes: readonly FileMistake[];
  /** What the kubelet does not read. */
  readonly remarks: readonly FileMistake[];
}

const MAX_BYTES = 1024 * 1024;
const CONFIG_GROUP = 'kubelet.config.k8s.io/';
const PLUGIN_GROUP = 'credentialprovider.kubelet.k8s.io/';
const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'];
const CACHE_TYPES = ['ServiceAccount', 'Token'];

const FILE_KINDS: FieldKinds = { apiVersion: 'text', kind: 'text', providers: 'objects' };
const PROVIDER_KINDS: FieldKinds = {
  name: 'text',
  matchImages: 'texts',
  defaultCacheDuration: 'text',
  apiVersion: 'text',
  args: 'texts',
  env: 'objects',
  tokenAttributes: 'object',
};
const VARIABLE_KINDS: FieldKinds = { name: 'text', value: 'text' };
const TOKEN_KINDS: FieldKinds = {
  serviceAccountTokenAudience: 'text',
  cacheType: 'text',
  requireServiceAccount: 'flag',
  requiredServiceAccountAnnotationKeys: 'texts',
  optionalServiceAccountAnnotationKeys: 'texts',
};
/** @see https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set */
const ANNOTATION = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Reads a configuration: a file, or a folder of files. Never throws. @param quote quotes what is in the files. */
export function readProviderFile(path: string, quote: Quote): ProviderFile {
  const files: string[] = [];
  const parts: FilePart[] = [];
  const mistakes: FileMistake[] = [];
  const remarks: FileMistake[] = [];
  let isFolder = false;
  try {
    isFolder = statSync(path).isDirectory();
    files.push(...(isFolder ? listFiles(path) : [path]));
    if (files.length === 0) throw new Error('there is no .yaml, .yml or .json file in it');
    for (const file of files) parts.push(readFile(file, quote, remarks));
  } catch (cause) {
    mistakes.push({ place: path, what: explainUnreadable(cause), fix: `ls -l ${shellWord(path)}` });
  }
  mistakes.push(...parts.flatMap((part) => part.mistakes));
  const providers = parts.flatMap((part) => part.providers);
  const names = new Map<string, string>();
  for (const { name, place } of providers) {
    const before = names.get(name);
    if (before !== undefined && name !== '') {
      const fix = 'give it a name of its own, and its program a link of that name';
      mistakes.push({ place, what: `the name "${quote(name, 100)}" is taken by ${before}`, fix });
    }
    names.set(name, place);
  }
  return { files, isFolder, versions: parts.flatMap(({ version }) => version ?? []), providers, mistakes, remarks };
}

/** What one file says. */
interface FilePart {
  readonly version: string | undefined;
  readonly providers: readonly Provider[];
  readonly mistakes: readonly FileMistake[];
}

function listFiles(folder: string): readonly string[] {
  const names = listNames(folder).filter((name) => /\.(?:json|yaml|yml)$/.test(name));
  return names
    .sort()
    .map((name) => join(folder, name))
    .filter((file) => !statSync(file).isDirectory());
}

function explainUnreadable(cause: unknown): string {
  const reason = describeCause(cause);
  return /^E(?:NOENT|NOTDIR)\b/.test(reason) ? 'there is no such file' : `it cannot be read (${reason})`;
}

/** @throws the system's error, or one without a code, when there is no such file or it cannot be read. */
function readFile(file: string, quote: Quote, remarks: FileMistake[]): FilePart {
  const content = readForeignFile(file, MAX_BYTES);
  if (content === undefined) throw new Error('there is no such file');
  const text = parseYaml(content);
  const reader = new FieldReader(file, text, quote);
  if (text.mistakes.length > 0) {
    const mistakes = text.mistakes.map(({ line, what }) => ({
      place: line === undefined ? file : `${file}:${line}`,
      what: `it is not valid YAML: ${quote(what, 200)}`,
    }));
    return { version: undefined, providers: [], mistakes };
  }
  if (text.hasMore)
    remarks.push({ place: file, what: 'a kubelet reads the first document only', fix: 'remove the ---' });
  const object = reader.readObject(text.value ?? {}, [], FILE_KINDS);
  const version = readVersion(reader, object);
  const entries: readonly unknown[] = Array.isArray(object['providers']) ? object['providers'] : [];
  if (entries.length === 0)
    reader.refuse(['providers'], 'it has no "providers"', 'docker-credential-acr kubelet config');
  const providers = entries.map((entry, index) => readProvider(reader, entry, ['providers', index], version));
  return { version, providers, mistakes: reader.mistakes };
}

function readVersion(reader: FieldReader, { apiVersion, kind }: JsonObject): string | undefined {
  if (kind !== 'CredentialProviderConfig') {
    const what = kind === undefined ? '"kind" is missing' : `its kind is ${reader.quote(kind)}`;
    reader.refuse(['kind'], what, 'kind: CredentialProviderConfig');
  }
  const version = VERSIONS.find((one) => apiVersion === `${CONFIG_GROUP}${one}`);
  if (version === undefined) {
    const what = apiVersion === undefined ? '"apiVersion" is missing' : `its apiVersion is ${reader.quote(apiVersion)}`;
    reader.refuse(['apiVersion'], what, `apiVersion: ${CONFIG_GROUP}v1`);
  }
  return version;
}

function readProvider(reader: FieldReader, entry: unknown, path: YamlPath, version: string | undefined): Provider {
  const kinds =
    version === 'v1' || version === undefined
      ? PROVIDER_KINDS
      : Object.fromEntries(Object.entries(PROVIDER_KINDS).filter(([name]) => name !== 'tokenAttributes'));
  const object = reader.readObject(entry, path, kinds);
  const name = readName(reader, object, path);
  const apiVersion = asTextOr(object['apiVersion'], '');
  const versions = VERSIONS.map((one) => `${PLUGIN_GROUP}${one}`);
  if (!versions.includes(apiVersion)) {
    const what = apiVersion === '' ? '"apiVersion" is missing' : `its apiVersion is ${reader.quote(apiVersion)}`;
    reader.refuse([...path, 'apiVersion'], what, `apiVersion: ${PLUGIN_GROUP}v1`);
  }
  const images = asTexts(object['matchImages']);
  // A value of a wrong kind was refused already.
  if (images.length === 0 && isEmpty(entry, 'matchImages')) {
    reader.refuse([...path, 'matchImages'], '"matchImages" is empty or missing', "matchImages: ['*.azurecr.io']");
  }
  images.forEach((pattern, index) => {
    if (isUnreadable(pattern)) {
      reader.refuse(
        [...path, 'matchImages', index],
        `${reader.quote(pattern)} is not a host with an optional port and a path`,
      );
    }
  });
  return {
    place: reader.placeOf(path),
    ...{ name, apiVersion },
    patterns: images.map((pattern, index) => ({ pattern, place: reader.placeOf([...path, 'matchImages', index]) })),
    args: asTexts(object['args']),
    env: readEnv(reader, object['env'], [...path, 'env']),
    defaultCacheMs: readDuration(reader, object, entry, [...path, 'defaultCacheDuration']),
    tokens: readTokens(reader, object['tokenAttributes'], [...path, 'tokenAttributes'], apiVersion),
  };
}

function readName(reader: FieldReader, { name }: JsonObject, path: YamlPath): string {
  const text = asTextOr(name, '');
  const at = [...path, 'name'];
  if (text === '') reader.refuse(at, '"name" is missing', 'name: acr-credential-provider');
  else if (/[/ ]/.test(text) || text === '.' || text === '..') {
    reader.refuse(at, `${reader.quote(text)} is not the name of a file in the folder of the programs`);
  }
  return text;
}

function readEnv(reader: FieldReader, value: unknown, path: YamlPath): readonly Variable[] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: unknown, index) => {
    const object = reader.readObject(entry, [...path, index], VARIABLE_KINDS);
    return { name: asTextOr(object['name'], ''), value: asTextOr(object['value'], '') };
  });
}

function readDuration(reader: FieldReader, object: JsonObject, entry: unknown, path: YamlPath): number {
  const text = object['defaultCacheDuration'];
  if (typeof text !== 'string') {
    if (isEmpty(entry, 'defaultCacheDuration')) {
      reader.refuse(path, '"defaultCacheDuration" is missing', 'defaultCacheDuration: 10m');
    }
    return 0;
  }
  const milliseconds = parseGoDuration(text);
  if (milliseconds === undefined || milliseconds < 0) {
    const what = `defaultCacheDuration ${reader.quote(text)} is not a duration`;
    reader.refuse(path, what, 'write it with the units h, m and s: defaultCacheDuration: 10m');
  }
  return milliseconds ?? 0;
}

function readTokens(
  reader: FieldReader,
  value: unknown,
  path: YamlPath,
  apiVersion: string,
): TokenSettings | undefined {
  if (value === undefined) return undefined;
  const object = reader.readObject(value, path, TOKEN_KINDS);
  const audience = asTextOr(object['serviceAccountTokenAudience'], '');
  const cacheType = object['cacheType'];
  const requireServiceAccount = object['requireServiceAccount'];
  const requiredKeys = asTexts(object['requiredServiceAccountAnnotationKeys']);
  const optionalKeys = asTexts(object['optionalServiceAccountAnnotationKeys']);
  const refuse = (name: string, what: string, fix?: string) => reader.refuse([...path, name], what, fix);
  if (audience === '' && isEmpty(value, 'serviceAccountTokenAudience')) {
    const fix = 'serviceAccountTokenAudience: api://AzureADTokenExchange';
    refuse('serviceAccountTokenAudience', '"serviceAccountTokenAudience" is missing', fix);
  }
  if (requireServiceAccount === undefined && isEmpty(value, 'requireServiceAccount')) {
    const fix = 'requireServiceAccount: false, so that static pods can pull as the node';
    refuse('requireServiceAccount', '"requireServiceAccount" is missing', fix);
  }
  if (typeof cacheType === 'string' && !CACHE_TYPES.includes(cacheType)) {
    refuse('cacheType', `cacheType ${reader.quote(cacheType)} is neither ServiceAccount nor Token`);
  }
  if (apiVersion !== `${PLUGIN_GROUP}v1`) {
    reader.refuse(path, `a plug-in gets tokens only in ${PLUGIN_GROUP}v1`, `apiVersion: ${PLUGIN_GROUP}v1`);
  }
  if (requireServiceAccount === false && requiredKeys.length > 0) {
    const fix = 'requireServiceAccount: true, or make the annotations optional';
    refuse('requiredServiceAccountAnnotationKeys', 'annotations cannot be required if a service account is not', fix);
  }
  const all = [...requiredKeys, ...optionalKeys];
  for (const key of all.filter((one, index) => all.indexOf(one) !== index)) {
    reader.refuse(path, `the annotation ${reader.quote(key)} stands there twice`);
  }
  for (const key of all.filter((one) => !ANNOTATION.test(one.toLowerCase()))) {
    reader.refuse(path, `${reader.quote(key)} is not the name of an annotation`);
  }
  return {
    place: reader.placeOf(path),
    audience,
    cacheType: typeof cacheType === 'string' ? cacheType : undefined,
    isRequired: requireServiceAccount === true,
    ...{ requiredKeys, optionalKeys },
  };
}

/** Whether a field is missing, null or empty, and not of a wrong kind. */
function isEmpty(object: unknown, name: string): boolean {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) return true;
  const value: unknown = Object.getOwnPropertyDescriptor(object, name)?.value;
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function asTextOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function asTexts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.map((one) => (typeof one === 'string' ? one : ''));
}
