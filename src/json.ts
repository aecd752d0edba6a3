/** Reads JSON whose shape is not known yet. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** @returns `undefined` when the text is not a JSON object. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    return asJsonObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** @returns `undefined` when the value is not an object; arrays are not. */
export function asJsonObject(value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

/** @returns `undefined` when the value is not a text, or an empty one. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
