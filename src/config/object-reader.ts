/** Reads one object of the configuration. An error names the key and suggests the nearest valid one. */

import { CredentialError } from '../errors.ts';
import { assertValues, type Field, type Fields, type Values } from '../field.ts';
import { asJsonObject, type JsonObject } from '../json.ts';
import { findNearest } from './nearest.ts';

/** The kind of a mistake in the configuration. */
export type MistakeKind = 'file' | 'unknown-key' | 'wrong-value' | 'wrong-name' | 'unused' | 'secret';

/** What is wrong, and where. */
interface MistakeDetails {
  readonly kind: MistakeKind;
  /** The keys that lead to it, from the top of the file. The last one may be missing there. */
  readonly keys: readonly string[];
  /** Whether the last key itself is wrong, and not its value. */
  readonly isKey: boolean;
}

/** A mistake in the configuration. */
export class ConfigMistake extends CredentialError implements MistakeDetails {
  readonly kind: MistakeKind;
  readonly keys: readonly string[];
  readonly isKey: boolean;
  /** The message without the name of the file. */
  readonly what: string;

  constructor(file: string, what: string, hint: string, { kind, keys, isKey }: MistakeDetails) {
    super('CONFIG_INVALID', `Cannot use ${file}: ${what}`, { hint });
    this.kind = kind;
    this.keys = keys;
    this.isKey = isKey;
    this.what = what;
  }
}

/** Receives the mistakes after which the rest of an object can still be read. */
export type CollectMistake = (mistake: ConfigMistake) => void;

/** Checks and returns the values of one object in the configuration file. */
export class ObjectReader {
  readonly #object: JsonObject;
  readonly #keys: readonly string[];
  readonly #file: string;
  readonly #collect: CollectMistake | undefined;

  /**
   * @param keys the keys that lead to the object; none for the whole file.
   * @param file the configuration file, for error messages.
   * @param collect receives the mistakes that are otherwise thrown.
   */
  constructor(object: JsonObject, keys: readonly string[], file: string, collect?: CollectMistake) {
    this.#object = object;
    this.#keys = keys;
    this.#file = file;
    this.#collect = collect;
  }

  /**
   * Checks that the object has only these keys.
   * @param advice the hint, where it is better to tell more than the nearest key.
   * @throws CONFIG_INVALID naming an unknown key.
   */
  allow(known: readonly string[], advice?: string): void {
    for (const unknown of Object.keys(this.#object)) {
      if (known.includes(unknown)) continue;
      const nearest = findNearest(unknown, known);
      const where = this.#keys.length === 0 ? '' : ` in ${this.path}`;
      const hint = nearest === undefined ? `the keys are ${known.join(', ')}` : `did you mean "${nearest}"?`;
      this.reject(this.#mistake('unknown-key', `unknown key "${unknown}"${where}`, advice ?? hint, [unknown], true));
    }
  }

  /**
   * Reads the values of these fields, and ignores other keys.
   * @throws CONFIG_INVALID when a value is not of its field's kind.
   */
  read<F extends Fields>(fields: F): Values<F> {
    const object: unknown = this.#collect === undefined ? this.#object : this.#keepAccepted(fields);
    assertValues(object, fields, (key, field) => this.wrong(key, field));
    return object;
  }

  /** Collects a mistake for each wrong value. @returns the object without these values. */
  #keepAccepted(fields: Fields): JsonObject {
    const isWrong = ([key, value]: readonly [string, unknown]) => {
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (field === undefined || value === undefined || field.accepts(value)) return false;
      this.reject(this.wrong(key, field));
      return true;
    };
    return Object.fromEntries(Object.entries(this.#object).filter((entry) => !isWrong(entry)));
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
    const keys = [...this.#keys, key];
    if (object === undefined) {
      throw this.#mistake('wrong-value', `${formatPath(keys)} must be an object`, DEFAULT_HINT, [key], false);
    }
    return new ObjectReader(object, keys, this.#file, this.#collect);
  }

  /** The value of an own key of the object; `undefined` when the key is missing. */
  value(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  /**
   * Throws a mistake, unless all mistakes are being collected. The caller can read on.
   * @throws the mistake.
   */
  reject(mistake: ConfigMistake): void {
    if (this.#collect === undefined) throw mistake;
    this.#collect(mistake);
  }

  /**
   * Creates the error for a wrong value. The caller throws it.
   * @param words the end of "… must be".
   */
  wrong(key: string, { words, choices }: Pick<Field<unknown>, 'words' | 'choices'>): ConfigMistake {
    const value = this.#object[key];
    const nearest = typeof value === 'string' && choices !== undefined ? findNearest(value, choices) : undefined;
    const hint = nearest === undefined ? DEFAULT_HINT : `write "${key}": "${nearest}"`;
    return this.#mistake('wrong-value', `${formatPath([...this.#keys, key])} must be ${words}`, hint, [key], false);
  }

  /** Creates the error for a value that must not be there. The caller throws it. */
  forbidden(kind: 'wrong-value' | 'secret', key: string, what: string, hint: string | undefined): ConfigMistake {
    return this.#mistake(kind, what, hint ?? DEFAULT_HINT, [key], false);
  }

  /** Creates the error for a key whose name is wrong, or that nothing reads. The caller throws it. */
  misnamed(kind: 'wrong-name' | 'unused', keys: readonly string[], what: string, hint: string): ConfigMistake {
    return this.#mistake(kind, what, hint, keys, true);
  }

  /** Creates the error for a mistake that concerns the whole object. The caller throws it. */
  invalid(what: string, hint = DEFAULT_HINT): ConfigMistake {
    return this.#mistake(this.#keys.length === 0 ? 'file' : 'wrong-value', what, hint, [], false);
  }

  /** The path of the object in the file; empty for the whole file. */
  get path(): string {
    return formatPath(this.#keys);
  }

  #mistake(kind: MistakeKind, what: string, hint: string, below: readonly string[], isKey: boolean): ConfigMistake {
    return new ConfigMistake(this.#file, what, hint, { kind, keys: [...this.#keys, ...below], isKey });
  }
}

/** The hint where there is nothing better to say. */
export const DEFAULT_HINT = 'correct the file, or move it away';

/** Formats a path as messages name it, such as `"registries"."myregistry.azurecr.io"`. */
function formatPath(keys: readonly string[]): string {
  return keys.map((key) => `"${key}"`).join('.');
}
