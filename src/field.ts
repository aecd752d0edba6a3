/**
 * One value of the configuration, described once: how it is checked, how a mistake is put into words, and how JSON Schema
 * says it.
 */

import { isAbsolute } from 'node:path';
import { asJsonObject, type JsonObject } from './json.ts';
import { parsePlainUrl } from './network/plain-url.ts';

export interface Field<T> {
  /** What the value is for; a sentence of the JSON Schema. */
  readonly description: string;
  /** What the value has to be, as the end of "… must be". */
  readonly words: string;
  /** The values, where there are only a few. */
  readonly choices?: readonly string[];
  /** The keywords of JSON Schema that say the same as `accepts`. */
  readonly schema: JsonObject;
  readonly accepts: (value: unknown) => value is T;
}

/** The fields of an object, by their keys. None is required. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What an object with these fields holds. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]?: F[K] extends Field<infer T> ? T | undefined : never;
};

/**
 * Checks the values of an object; keys that are not among the fields are not looked at.
 * @param explain makes the error for the first value that is wrong.
 * @throws what `explain` returns.
 */
export function assertValues<F extends Fields>(
  object: unknown,
  fields: F,
  explain: (key: string, field: Field<unknown>) => Error,
): asserts object is Values<F> {
  const values = asJsonObject(object) ?? {};
  for (const [key, field] of Object.entries(fields)) {
    if (values[key] !== undefined && !field.accepts(values[key])) throw explain(key, field);
  }
}

/** A text. The pattern is compiled when a value is checked: V8 reads a pattern when it is made, at every start. */
export function text(description: string, words: string, pattern = '^\\P{Cc}+$'): Field<string> {
  return {
    description,
    words,
    schema: { type: 'string', pattern },
    accepts: (value): value is string => typeof value === 'string' && new RegExp(pattern, 'u').test(value),
  };
}

/** One of a few texts. */
export function choice<T extends string>(choices: readonly T[], description: string): Field<T> {
  return {
    description,
    words: `one of ${choices.map((one) => `"${one}"`).join(', ')}`,
    choices,
    schema: { enum: choices },
    accepts: (value): value is T => choices.some((one) => one === value),
  };
}

export function flag(description: string): Field<boolean> {
  return {
    description,
    words: 'true or false',
    schema: { type: 'boolean' },
    accepts: (value): value is boolean => typeof value === 'boolean',
  };
}

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number, description: string): Field<number> {
  return {
    description,
    words: `a whole number from ${least} to ${most}`,
    schema: { type: 'integer', minimum: least, maximum: most },
    accepts: (value): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  };
}

/** One text, or a list of them that is not empty. */
export function texts(description: string, words: string, pattern: string): Field<string | readonly string[]> {
  const one = text(description, words, pattern);
  const { accepts: isList, schema } = list(description, words, pattern);
  return {
    ...one,
    schema: { oneOf: [one.schema, schema] },
    accepts: (value): value is string | readonly string[] => one.accepts(value) || isList(value),
  };
}

/** A list of texts that is not empty. */
export function list(description: string, words: string, pattern?: string): Field<readonly string[]> {
  const one = text(description, words, pattern);
  return {
    description,
    words,
    schema: { type: 'array', minItems: 1, items: one.schema },
    accepts: (value): value is readonly string[] =>
      Array.isArray(value) && value.length > 0 && value.every(one.accepts),
  };
}

/** The id of an application, an identity or a connection. */
export function guid(description: string, words: string): Field<string> {
  return text(description, words, '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$');
}

/** The name of an environment variable. */
export function variable(description: string): Field<string> {
  return text(description, 'the name of a variable', '^[A-Za-z_][A-Za-z0-9_]*$');
}

/** A file or folder by its absolute path: the working directory belongs to whoever wrote what is being built. */
export function path(description: string): Field<string> {
  return {
    description,
    words: 'an absolute path',
    schema: { type: 'string' },
    accepts: (value): value is string => typeof value === 'string' && isAbsolute(value),
  };
}

/** An https URL without user name, query and fragment. */
export function httpsUrl(description: string): Field<string> {
  const pattern = '^https://[^\\s?#@]+$';
  const { accepts, schema } = text(description, '', pattern);
  return {
    description,
    words: 'an https URL',
    schema: { ...schema, format: 'uri' },
    accepts: (value): value is string => accepts(value) && parsePlainUrl(value) !== undefined,
  };
}

/** What a token is for: a URL or the id of an application, to which `/.default` is added to make a scope. */
export function audience(description: string, words: string): Field<string> {
  return text(description, words, '^[0-9a-zA-Z._:/-]+$');
}
