/** Reads one object of the configuration. An error names the key and suggests the nearest valid one. */

import { CredentialError } from '../errors.ts';
import { assertValues, type Field, type Fields, type Values } from '../field.ts';
import { asJsonObject, type JsonObject } from '../json.ts';
import { findNearest } from './nearest.ts';

/** Checks and returns the values of one object in the configuration file. */
export class ObjectReader {
  readonly #object: JsonObject;
  readonly #path: string;
  readonly #file: string;

  /**
   * @param path the path of the object, such as `"registries"."myregistry.azurecr.io"`; empty for the whole file.
   * @param file the configuration file, for error messages.
   */
  constructor(object: JsonObject, path: string, file: string) {
    this.#object = object;
    this.#path = path;
    this.#file = file;
  }

  /**
   * Checks that the object has only these keys.
   * @throws CONFIG_INVALID naming an unknown key.
   */
  allow(known: readonly string[]): void {
    const unknown = Object.keys(this.#object).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const nearest = findNearest(unknown, known);
    const where = this.#path === '' ? '' : ` in ${this.#path}`;
    throw this.invalid(
      `unknown key "${unknown}"${where}`,
      nearest === undefined ? `the keys are ${known.join(', ')}` : `did you mean "${nearest}"?`,
    );
  }

  /**
   * Reads the values of these fields, and ignores other keys.
   * @throws CONFIG_INVALID when a value is not of its field's kind.
   */
  read<F extends Fields>(fields: F): Values<F> {
    const object: unknown = this.#object;
    assertValues(object, fields, (key, field) => this.wrong(key, field));
    return object;
  }

  /**
   * Reads the object under a key.
   * @returns an empty object when the key is missing.
   * @throws CONFIG_INVALID when the value is not an object.
   */
  object(key: string): JsonObject {
    const value = this.#object[key];
    const object = value === undefined ? {} : asJsonObject(value);
    if (object === undefined) throw this.wrong(key, { words: 'an object' });
    return object;
  }

  /**
   * Creates the reader of an object inside this one.
   * @param value the value of the key.
   * @throws CONFIG_INVALID when the value is not an object.
   */
  within(key: string, value: unknown): ObjectReader {
    const object = asJsonObject(value);
    const path = this.#path === '' ? `"${key}"` : `${this.#path}."${key}"`;
    if (object === undefined) throw this.invalid(`${path} must be an object`);
    return new ObjectReader(object, path, this.#file);
  }

  /** The value of an own key of the object; `undefined` when the key is missing. */
  value(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  /**
   * Creates the error for a wrong value. The caller throws it.
   * @param words the end of "… must be".
   */
  wrong(key: string, { words, choices }: Pick<Field<unknown>, 'words' | 'choices'>): CredentialError {
    const value = this.#object[key];
    const nearest = typeof value === 'string' && choices !== undefined ? findNearest(value, choices) : undefined;
    return this.invalid(
      `${this.#path === '' ? '' : `${this.#path}.`}"${key}" must be ${words}`,
      nearest === undefined ? undefined : `write "${key}": "${nearest}"`,
    );
  }

  /** Creates the error for any other mistake. The caller throws it. */
  invalid(what: string, hint = 'correct the file, or move it away'): CredentialError {
    return new CredentialError('CONFIG_INVALID', `Cannot use ${this.#file}: ${what}`, { hint });
  }

  /** The path of the object in the file; empty for the whole file. */
  get path(): string {
    return this.#path;
  }
}
