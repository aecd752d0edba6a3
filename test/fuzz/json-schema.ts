/** As much of JSON Schema as the configuration's schema uses. An unknown keyword is an error, so that none is ignored. */
import { isDeepStrictEqual } from 'node:util';
import { asJsonObject, type JsonObject } from '../../src/json.ts';

type Check = (argument: unknown, value: unknown, schema: JsonObject) => boolean;

/** Makes a checker of a schema, with the keywords that only describe left out. */
export function createChecker(root: JsonObject): (value: unknown) => boolean {
  const isValid = (schema: unknown, value: unknown): boolean => {
    if (schema === false) return false;
    const object = asJsonObject(schema) ?? {};
    return Object.entries(object).every(([keyword, argument]) => {
      const check = checks[keyword];
      if (check === undefined) throw new Error(`Cannot check the keyword ${keyword}`);
      return check(argument, value, object);
    });
  };
  const ignore: Check = () => true;
  const checks: Readonly<Record<string, Check>> = {
    $schema: ignore,
    $defs: ignore,
    title: ignore,
    description: ignore,
    format: (_, value) => typeof value !== 'string' || URL.canParse(value),
    $ref: (name, value) => {
      const definition = asJsonObject(root['$defs'])?.[String(name).replace('#/$defs/', '')];
      if (definition === undefined) throw new Error(`Cannot find ${name}`);
      return isValid(definition, value);
    },
    type: (name, value) => hasType(String(name), value),
    enum: (choices, value) => listOf(choices).includes(value),
    const: (wanted, value) => isDeepStrictEqual(wanted, value),
    pattern: (pattern, value) => typeof value !== 'string' || new RegExp(String(pattern), 'u').test(value),
    minimum: (least, value) => typeof value !== 'number' || value >= Number(least),
    maximum: (most, value) => typeof value !== 'number' || value <= Number(most),
    minItems: (least, value) => !Array.isArray(value) || value.length >= Number(least),
    items: (schema, value) => !Array.isArray(value) || value.every((one) => isValid(schema, one)),
    required: (names, value) => {
      const object = asJsonObject(value);
      return object === undefined || listOf(names).every((name) => Object.hasOwn(object, String(name)));
    },
    properties: (schemas, value) =>
      Object.entries(asJsonObject(value) ?? {}).every(([key, one]) => {
        const known = asJsonObject(schemas) ?? {};
        return !Object.hasOwn(known, key) || isValid(known[key], one);
      }),
    additionalProperties: (schema, value, { properties }) =>
      Object.entries(asJsonObject(value) ?? {}).every(
        ([key, one]) => Object.hasOwn(asJsonObject(properties) ?? {}, key) || isValid(schema, one),
      ),
    oneOf: (schemas, value) => listOf(schemas).filter((one) => isValid(one, value)).length === 1,
    not: (schema, value) => !isValid(schema, value),
    if: (condition, value, schema) => isValid(isValid(condition, value) ? schema['then'] : schema['else'], value),
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: ignore,
    else: ignore,
  };
  return (value) => isValid(root, value);
}

function hasType(name: string, value: unknown): boolean {
  switch (name) {
    case 'object':
      return asJsonObject(value) !== undefined;
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === name;
  }
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('The schema has no list here');
  return value;
}
