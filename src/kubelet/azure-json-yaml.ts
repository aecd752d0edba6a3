/** Parses azure.json where it is YAML, which the cloud provider reads as well. */

import { isAlias, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { JsonObject } from '../json.ts';

/** The object, or what is wrong with the text, without any part of it. */
export type ParsedYaml = { readonly object: JsonObject } | { readonly mistake: string };

/** Numbers and times stay as they are written: no key is about one, and a secret may look like one. */
const LEFT_AS_TEXT = /:(?:int|float|timestamp|binary)$/;

/**
 * Parses an object in YAML 1.1, the version that Kubernetes reads.
 * @param keys the keys to read, in any case. They must not be there twice; any other may be, as for the cloud provider.
 */
export function parseYamlObject(content: string, keys: readonly string[]): ParsedYaml {
  const lineCounter = new LineCounter();
  const document = parse(content, lineCounter);
  const root = document?.contents;
  const [error] = document?.errors ?? [];
  if (error !== undefined) {
    const [{ line, col } = { line: 0, col: 0 }] = error.linePos ?? [];
    return { mistake: `it is neither JSON nor YAML (line ${line} column ${col})` };
  }
  if (document === undefined) return { mistake: 'it is neither JSON nor YAML' };
  if (!isMap(root)) return { mistake: 'it must contain an object' };
  const names = new Map(keys.map((key) => [key.toLowerCase(), key]));
  const object: Record<string, unknown> = {};
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? names.get(String(key.value).toLowerCase()) : undefined;
    if (name === undefined) continue; // it may be an alias, of which each takes a walk through the whole text
    if (Object.hasOwn(object, name)) {
      const { line } = lineCounter.linePos((isScalar(key) ? key.range?.[0] : undefined) ?? 0);
      return { mistake: `it has "${name}" twice, again in line ${line}` };
    }
    const node = isAlias(value) ? value.resolve(document) : value;
    // No key that is read holds an object or a list.
    object[name] = isScalar(node) ? node.value : (node ?? null);
  }
  return { object };
}

/** @returns `undefined` when the text is nested too deeply. */
function parse(content: string, lineCounter: LineCounter) {
  try {
    return parseDocument(content, {
      version: '1.1',
      uniqueKeys: false,
      logLevel: 'silent',
      lineCounter,
      customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || !LEFT_AS_TEXT.test(tag.tag)),
    });
  } catch {
    return undefined;
  }
}
