/** Small parsers from `unknown` to the few JSON shapes that the emulator reads. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** @returns the object behind `value`, or `undefined` when it is anything else. */
export function parseRecord(value: unknown): JsonRecord | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return undefined;
  }
  return Object.fromEntries(Object.entries(value));
}

/** @returns the JSON object in `text`, or `undefined` when there is none. */
export function parseJsonRecord(text: string): JsonRecord | undefined {
  try {
    return parseRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function parseString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function parseNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** @returns the strings of a list, without what is not a string; an empty list for anything but a list. */
export function parseStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
