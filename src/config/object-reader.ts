/** Reads one object of the configuration: each mistake is told by its key and the nearest right one. */

import { CredentialError } from '../errors.ts';
import { assertValues, type Field, type Fields, type Values } from '../field.ts';
import { asJsonObject, type JsonObject } from '../json.ts';
import { findNearest } from './nearest.ts';

export class ObjectReader {
  readonly #object: JsonObject;
  readonly #path: string;
  readonly #file: string;

  /** @param path the object's, such as `"registries"."myregistry.azurecr.io"`; empty for the whole file. */
  constructor(object: JsonObject, path: string, file: string) {
    this.#object = object;
    this.#path = path;
    this.#file = file;
  }

  /** @throws CONFIG_INVALID naming a key that is not one of these. */
  allow(known: readonly string[]): void {
    const unknown = Object.keys(this.#object).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const nearest = findNearest(unknown, known);
    const place = this.#path === '' ? '' : ` in ${this.#path}`;
    throw this.invalid(
      `unknown key "${unknown}"${place}`,
      nearest === undefined ? `the keys are ${known.join(', ')}` : `did you mean "${nearest}"?`,
    );
  }

  /**
   * The values of these fields; other keys are not looked at.
   * @throws CONFIG_INVALID
   */
  read<F extends Fields>(fields: F): Values<F> {
    const object: unknown = this.#object;
    assertValues(object, fields, (key, field) => this.wrong(key, field));
    return object;
  }

  /**
   * The object under a key.
   * @returns an empty one where there is none.
   * @throws CONFIG_INVALID when something else is there.
   */
  object(key: string): JsonObject {
    const value = this.#object[key];
    const object = value === undefined ? {} : asJsonObject(value);
    if (object === undefined) throw this.wrong(key, { words: 'an object' });
    return object;
  }

  /** The reader of an object under a key, which has to be there. */
  within(key: string, value: unknown): ObjectReader {
    const object = asJsonObject(value);
    const path = this.#path === '' ? `"${key}"` : `${this.#path}."${key}"`;
    if (object === undefined) throw this.invalid(`${path} must be an object`);
    return new ObjectReader(object, path, this.#file);
  }

  /** The value of a key of its own, whatever it is. */
  value(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  wrong(key: string, { words, choices }: Pick<Field<unknown>, 'words' | 'choices'>): CredentialError {
    const value = this.#object[key];
    const nearest = typeof value === 'string' && choices !== undefined ? findNearest(value, choices) : undefined;
    return this.invalid(
      `${this.#path === '' ? '' : `${this.#path}.`}"${key}" must be ${words}`,
      nearest === undefined ? undefined : `write "${key}": "${nearest}"`,
    );
  }

  /** A mistake that is none of a single value. */
  invalid(what: string, hint = 'correct the file, or move it away'): CredentialError {
    return new CredentialError('CONFIG_INVALID', `Cannot use ${this.#file}: ${what}`, { hint });
  }

  get path(): string {
    return this.#path;
  }
}
