/** Checks documents against published JSON Schemas, which are kept in `test/release/schemas`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type Options } from 'ajv';
import formats from 'ajv-formats';
import { parseJsonObject } from '../../../src/json.ts';

const FOLDER = join(import.meta.dirname, '../../release/schemas');

/**
 * @param options for a schema whose patterns are not Unicode's.
 * @returns a function that lists the mistakes of a document.
 */
export function loadSchema(
  name: string,
  options: Pick<Options, 'unicodeRegExp'> = {},
): (document: unknown) => readonly string[] {
  const schema = parseJsonObject(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
  if (schema === undefined) throw new Error(`${name} is not a schema`);
  // winget's schemas have annotations that are not of JSON Schema.
  const ajv = new Ajv({ allErrors: true, strict: false, formats: { long: Number.isSafeInteger }, ...options });
  formats.default(ajv);
  const validate = ajv.compile(schema);
  return (document) => {
    validate(document);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`);
  };
}
