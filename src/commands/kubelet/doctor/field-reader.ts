/** Reads the fields of a Kubernetes object as strictly as kubelets do. */

import { findNearest } from '../../../config/nearest.ts';
import { asJsonObject, type JsonObject } from '../../../json.ts';
import type { Quote } from '../../../redact.ts';
import type { YamlPath, YamlText } from './yaml-text.ts';

/** A mistake, and where it is. */
export interface FileMistake {
  /** Such as `/etc/kubelet/providers.yaml:7`. */
  readonly place: string;
  readonly what: string;
  readonly fix?: string | undefined;
}

/** What a field holds. */
export type FieldKind = 'text' | 'texts' | 'flag' | 'object' | 'objects';

/** The kinds of the fields of an object, by name. */
export type FieldKinds = Readonly<Record<string, FieldKind>>;

/** Reads the objects of one file, and collects the mistakes. */
export class FieldReader {
  readonly mistakes: FileMistake[] = [];
  readonly #file: string;
  readonly #text: YamlText;
  readonly #quote: Quote;

  constructor(file: string, text: YamlText, quote: Quote) {
    this.#file = file;
    this.#text = text;
    this.#quote = quote;
  }

  /** Where a value is. */
  placeOf(path: YamlPath): string {
    const line = this.#text.lineOf(path);
    return line === undefined ? this.#file : `${this.#file}:${line}`;
  }

  /** Notes a mistake. */
  refuse(path: YamlPath, what: string, fix?: string): void {
    this.mistakes.push({ place: this.placeOf(path), what, fix });
  }

  /** Quotes a value of the file. */
  quote(value: unknown): string {
    return typeof value === 'string' ? `"${this.#quote(value, 100)}"` : this.#quote(JSON.stringify(value) ?? '', 100);
  }

  /**
   * Checks the names and the kinds of an object's fields.
   * @returns its fields of the right kind; those that are null are missing.
   */
  readObject(value: unknown, path: YamlPath, kinds: FieldKinds): JsonObject {
    const object = asJsonObject(value);
    if (object === undefined) {
      if (value !== null && value !== undefined) this.refuse(path, `${this.quote(value)} is not an object`);
      return {};
    }
    const names = Object.keys(kinds);
    const known = Object.entries(object).filter(([name, content]) => {
      const at = [...path, name];
      const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
      if (kind === undefined) {
        const near = findNearest(name, names);
        const fix = near === undefined ? 'remove the field' : `write it as ${near}`;
        this.refuse(at, `a kubelet knows no field ${this.quote(name)} there`, fix);
        return false;
      }
      if (content === null || content === undefined) return false;
      if (isOfKind(content, kind)) return true;
      this.refuse(at, `${name} is ${WORDS[kind]}, and not ${this.quote(content)}`, fixKind(name, content, kind));
      return false;
    });
    return Object.fromEntries(known);
  }
}

const WORDS: Readonly<Record<FieldKind, string>> = {
  text: 'a text',
  texts: 'a list of texts',
  flag: 'true or false',
  object: 'an object',
  objects: 'a list of objects',
};

function isOfKind(value: unknown, kind: FieldKind): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'texts':
      // For a kubelet, null is an empty text there.
      return Array.isArray(value) && value.every((one) => typeof one === 'string' || one === null);
    case 'flag':
      return typeof value === 'boolean';
    case 'object':
      return asJsonObject(value) !== undefined;
    case 'objects':
      return Array.isArray(value);
  }
}

/** In YAML, `8080` is a number and `yes` is true, unless they stand in quotes. */
function fixKind(name: string, value: unknown, kind: FieldKind): string | undefined {
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  if (kind === 'text' && typeof value === 'number' && name.endsWith('Duration'))
    return `add a unit: ${name}: ${value}s`;
  if (kind === 'text' && isPlain) return `put it into quotes: ${name}: "${value}"`;
  if (kind === 'texts' && Array.isArray(value)) return 'put each of its entries into quotes';
  if (kind === 'texts' && typeof value === 'string') return `write it as a list: ${name}: ["…"]`;
  return undefined;
}
