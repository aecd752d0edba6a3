/**
 * The fields of the configuration. Each is described once: how its value is checked, what an error message calls it,
 * and how JSON Schema describes it.
 */

import { isAbsolute } from 'node:path';
import { asJsonObject, type JsonObject } from './json.ts';
import { parsePlainUrl } from './network/plain-url.ts';

/** How one value of the configuration is described and checked. */
export interface Field<T> {
  /** What the value is for: a sentence for the JSON Schema. */
  readonly description: string;
  /** What the value must be; completes the sentence "… must be". */
  readonly words: string;
  /** The allowed values, if there are only a few. */
  readonly choices?: readonly string[];
  /** The JSON Schema keywords that describe the same values as `accepts`. */
  readonly schema: JsonObject;
  readonly accepts: (value: unknown) => value is T;
}

/** The fields of an object, by key. None is required. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The type of an object with these fields. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]?: F[K] extends Field<infer T> ? T | undefined : never;
};

/**
 * Checks the values of an object, and ignores keys that are not among the fields.
 * @param explain returns the error for the first invalid value.
 * @throws the error that `explain` returns.
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

/**
 * A string that matches a pattern.
 * @param pattern the source of a regular expression with the `u` flag. It is compiled only when a value is checked,
 * since compiling it here would delay every start.
 */
export function text(description: string, words: string, pattern = '^\\P{Cc}+$'): Field<string> {
  return {
    description,
    words,
    schema: { type: 'string', pattern },
    accepts: (value): value is string => typeof value === 'string' && new RegExp(pattern, 'u').test(value),
  };
}

/** One of a few strings. */
export function choice<T extends string>(choices: readonly T[], description: string): Field<T> {
  return {
    description,
    words: `one of ${choices.map((one) => `"${one}"`).join(', ')}`,
    choices,
    schema: { enum: choices },
    accepts: (value): value is T => choices.some((one) => one === value),
  };
}

/** A boolean. */
export function flag(description: string): Field<boolean> {
  return {
    description,
    words: 'true or false',
    schema: { type: 'boolean' },
    accepts: (value): value is boolean => typeof value === 'boolean',
  };
}

/** A whole number from `least` to `most`, both included. */
export function wholeNumber(least: number, most: number, description: string): Field<number> {
  return {
    description,
    words: `a whole number from ${least} to ${most}`,
    schema: { type: 'integer', minimum: least, maximum: most },
    accepts: (value): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  };
}

/** One string that matches a pattern, or a non-empty list of them. */
export function texts(description: string, words: string, pattern: string): Field<string | readonly string[]> {
  const one = text(description, words, pattern);
  const { accepts: isList, schema } = list(description, words, pattern);
  return {
    ...one,
    schema: { oneOf: [one.schema, schema] },
    accepts: (value): value is string | readonly string[] => one.accepts(value) || isList(value),
  };
}

/** A non-empty list of strings. */
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

const GUID_PATTERN = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$';

/** The id of an application, a managed identity or a service connection. */
export function guid(description: string, words: string): Field<string> {
  return text(description, words, GUID_PATTERN);
}

/** Whether a text is such an id. */
export function isGuid(id: string): boolean {
  return new RegExp(GUID_PATTERN, 'u').test(id);
}

/** The name of an environment variable. */
export function variable(description: string): Field<string> {
  return text(description, 'the name of an environment variable', '^[A-Za-z_][A-Za-z0-9_]*$');
}

/**
 * The absolute path of a file or folder. A relative path is rejected, since the author of the code that is being built
 * controls the working directory.
 */
export function path(description: string): Field<string> {
  return {
    description,
    words: 'an absolute path',
    schema: { type: 'string' },
    accepts: (value): value is string => typeof value === 'string' && isAbsolute(value),
  };
}

/** An https URL without a user name, query or fragment. */
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

/** The audience of a token: a URL or an application's id. With `/.default` appended it is a scope. */
export function audience(description: string, words: string): Field<string> {
  return text(description, words, '^[0-9a-zA-Z._:/-]+$');
}
