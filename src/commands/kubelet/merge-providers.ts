/**
 * Adds providers to a node's CredentialProviderConfig, and takes them out again. Those of others stay, with their
 * comments.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
 */

import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isSeq, parseAllDocuments, visit, type YAMLMap, type YAMLSeq } from 'yaml';
import { asJsonObject, asText, type JsonObject } from '../../json.ts';

/** A configuration that cannot be merged. The message completes a sentence: "it has two providers named …". */
export class MergeError extends Error {
  override readonly name = 'MergeError';
}

const KIND = 'CredentialProviderConfig';
const GROUP = 'kubelet.config.k8s.io/';
const KEYS = ['apiVersion', 'kind', 'providers'];
const MAX_QUOTED = 100;

/** A configuration, as far as it matters here. */
interface Parsed {
  readonly document: Document.Parsed;
  readonly apiVersion: string;
  readonly providers: YAMLSeq;
  /** The providers as values, in their order. */
  readonly values: readonly Provider[];
  /** Whether the kubelet reads it as JSON: YAML with braces would not do. */
  readonly isJson: boolean;
}

/** A provider with a name; the rest is not checked. */
export interface Provider {
  readonly name: string;
  readonly value: JsonObject;
}

/**
 * Lists the providers of a configuration.
 * @throws MergeError when it is none.
 */
export function listProviders(text: string): readonly Provider[] {
  return parse(text).values;
}

/**
 * Adds providers to a configuration; each replaces the one of the same name.
 * @param text `undefined` when there is no configuration yet: then the result is the source, unchanged.
 * @param source the configuration with the providers to add.
 * @throws MergeError when one of the two is not understood, or the kubelet could not read the result.
 */
export function mergeProviders(text: string | undefined, source: string): string {
  const added = parse(source);
  if (text === undefined) return source;
  const base = parse(text);
  if (base.apiVersion !== added.apiVersion) {
    throw new MergeError(`it has the apiVersion ${base.apiVersion}, and what is to be added ${added.apiVersion}`);
  }
  for (const [index, { name }] of added.values.entries()) {
    const item = added.providers.items[index];
    const place = base.values.findIndex((one) => one.name === name);
    if (place < 0) base.providers.items.push(item);
    else base.providers.items[place] = item;
  }
  const names = added.values.map(({ name }) => name);
  const kept = base.values.map((one) => added.values.find(({ name }) => name === one.name) ?? one);
  const news = added.values.filter(({ name }) => !base.values.some((one) => one.name === name));
  return names.length === 0 ? text : format(base, [...kept, ...news]);
}

/**
 * Takes providers out of a configuration, or puts the earlier ones of the same name in their place.
 * @param before the configuration as it was before; `undefined` when there was none.
 * @returns `undefined` when no provider is left, which the kubelet does not accept.
 * @throws MergeError as `mergeProviders`
 */
export function removeProviders(
  text: string,
  before: string | undefined,
  names: readonly string[],
): string | undefined {
  const base = parse(text);
  const earlier = before === undefined ? undefined : parse(before);
  const expected: Provider[] = [];
  const items: unknown[] = [];
  for (const [index, one] of base.values.entries()) {
    if (!names.includes(one.name)) {
      items.push(base.providers.items[index]);
      expected.push(one);
      continue;
    }
    const place = earlier?.values.findIndex(({ name }) => name === one.name) ?? -1;
    const old = earlier?.values[place];
    if (old === undefined) continue;
    items.push(earlier?.providers.items[place]);
    expected.push(old);
  }
  if (items.length === 0) return undefined;
  if (isDeepStrictEqual(expected, base.values)) return text;
  base.providers.items = items;
  return format(base, expected);
}

/** @throws MergeError */
function parse(text: string): Parsed {
  const documents = parseAllDocuments(text, { uniqueKeys: true, strict: true });
  if (!Array.isArray(documents) || documents.length !== 1) {
    throw new MergeError(`it must be one YAML document, not ${Array.isArray(documents) ? documents.length : 0}`);
  }
  const [document] = documents;
  if (document === undefined) throw new MergeError('it is empty');
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw new MergeError(`it is not valid YAML: ${firstLine(problem.message)}`);
  visit(document, {
    Alias: () => {
      throw new MergeError('it uses aliases (*name), which cannot be merged');
    },
  });
  const root = document.contents;
  if (!isMap(root)) throw new MergeError(`it is not a ${KIND}`);
  return { document, isJson: text.trimStart().startsWith('{'), ...readRoot(document, root) };
}

function readRoot(document: Document.Parsed, root: YAMLMap): Pick<Parsed, 'apiVersion' | 'providers' | 'values'> {
  const object = asJsonObject(document.toJS()) ?? {};
  const { apiVersion, kind } = object;
  const version = asText(apiVersion) ?? '';
  if (kind !== KIND || !version.startsWith(GROUP)) throw new MergeError(`it is not a ${KIND}`);
  const unknown = Object.keys(object).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new MergeError(`it has the unknown field "${cut(unknown)}"`);
  const providers = root.get('providers');
  const list: unknown = object['providers'];
  if (!isSeq(providers) || !Array.isArray(list) || list.length === 0)
    throw new MergeError('it has no list "providers"');
  const values = list.map((one: unknown) => {
    const value = asJsonObject(one);
    const name = asText(value?.['name']);
    if (value === undefined || name === undefined) throw new MergeError('it has a provider without a name');
    return { name, value };
  });
  const twice = values.find(({ name }, index) => values.findIndex((one) => one.name === name) !== index);
  if (twice !== undefined) throw new MergeError(`it has two providers named "${cut(twice.name)}"`);
  return { apiVersion: version, providers, values };
}

/** Formats the changed document, and makes sure that it means what it should. */
function format({ document, isJson }: Parsed, expected: readonly Provider[]): string {
  const text = isJson ? `${JSON.stringify(document.toJS(), undefined, 2)}\n` : document.toString({ lineWidth: 0 });
  if (!isDeepStrictEqual(parse(text).values, expected))
    throw new MergeError('its providers would not stay as they are');
  return text;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

function cut(text: string): string {
  return text.slice(0, MAX_QUOTED);
}
