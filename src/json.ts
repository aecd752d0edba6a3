/** Reads JSON of unknown shape. */

/** A JSON object whose values have not been checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON object.
 * @returns `undefined` when the text is not valid JSON, or is not an object.
 */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    return asJsonObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Checks that a value is a JSON object.
 * @returns `undefined` for any other value, including an array.
 */
export function asJsonObject(value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

/**
 * Checks that a value is a string with at least one character.
 * @returns `undefined` for any other value.
 */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
