/** Inputs that are nearly valid: most mistakes of a parser are one character away from what it accepts. */
import fc, { type Arbitrary } from 'fast-check';

type Edit = readonly [position: number, removed: number, inserted: string];

/**
 * Texts of a generator, often with a few edits.
 * @param snippets what an edit inserts; an empty text only removes.
 */
export function mutated(texts: Arbitrary<string>, snippets: readonly string[], maxEdits = 3): Arbitrary<string> {
  const inserted = fc.oneof(fc.constantFrom('', ...snippets), fc.string({ unit: 'binary', maxLength: 1 }));
  const edit: Arbitrary<Edit> = fc.tuple(fc.nat(), fc.nat({ max: 2 }), inserted);
  return fc
    .tuple(texts, fc.array(edit, { maxLength: maxEdits }))
    .map(([text, edits]) => edits.reduce((changed, one) => applyEdit(changed, one), text));
}

/**
 * Whether Node reads this key of an object as it was written. V8 14.6 reads a key of one escaped character as `\\` if
 * an object with that key came before: `JSON.parse('{"\\\\":1}'); JSON.parse('{"\\u0001":1}')`.
 */
export function isReadable(key: string): boolean {
  return key.length !== 1 || JSON.stringify(key).length === '"x"'.length;
}

const UNREADABLE_KEY = /"\\(?:u[\da-f]{4}|[^u])":/;

/** JSON values that are no surprise to a parser, and some that are. */
export const ANY_JSON: Arbitrary<unknown> = fc.oneof(
  fc.jsonValue().filter((value) => !UNREADABLE_KEY.test(JSON.stringify(value))),
  // The last one cannot be converted to a string or a number.
  fc.constantFrom('', ' ', '\0', '\uFEFF', '__proto__', -0, 1e308, -1, [], {}, null, true, { toString: 1, valueOf: 1 }),
);

/**
 * A JSON value like the given one, in which a few values or keys are replaced, removed or added at any depth.
 * @param values what may stand in place of a value.
 */
export function mutatedJson(template: unknown, values: Arbitrary<unknown> = ANY_JSON): Arbitrary<unknown> {
  const paths = listPaths(template);
  const change = fc.record({
    path: fc.constantFrom(...paths),
    what: fc.constantFrom('replace', 'remove', 'rename', 'add'),
    key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '')),
    value: values,
  });
  return fc.array(change, { maxLength: 3 }).map((changes) => {
    const changed = changes.reduce<unknown>(
      (value, { path, what, key, value: other }) =>
        edit(value, path, (found) => {
          if (what === 'replace') return other;
          if (!isRecord(found)) return what === 'remove' ? undefined : other;
          const entries = Object.entries(found);
          if (what === 'add') return Object.fromEntries([...entries, [key, other]]);
          if (what === 'remove') return Object.fromEntries(entries.slice(1));
          return Object.fromEntries(entries.map(([name, one], index) => [index === 0 ? key : name, one]));
        }),
      template,
    );
    // What is left out, or is not JSON, is as in a file.
    return JSON.parse(JSON.stringify(changed) ?? 'null');
  });
}

/** The text of a file of JSON: a changed value, sometimes with an edit in the text or not JSON at all. */
export function mutatedJsonText(template: unknown, values: Arbitrary<unknown> = ANY_JSON): Arbitrary<string> {
  const texts = mutatedJson(template, values).map((value) => JSON.stringify(value) ?? '');
  return fc
    .oneof({ weight: 4, arbitrary: texts }, mutated(texts, ['"', '{', '}', '[', ',', ':', 'null', '\uFEFF', '1e999']), {
      weight: 1,
      arbitrary: fc.string({ unit: 'binary' }),
    })
    .map((text) => text.toWellFormed()); // an edit may halve a character, and a file holds no halves
}

function applyEdit(text: string, [position, removed, inserted]: Edit): string {
  const at = text.length === 0 ? 0 : position % (text.length + 1);
  return text.slice(0, at) + inserted + text.slice(at + removed);
}

type Path = readonly string[];

function listPaths(value: unknown, path: Path = []): Path[] {
  return [
    path,
    ...(isRecord(value) ? Object.entries(value).flatMap(([key, one]) => listPaths(one, [...path, key])) : []),
  ];
}

function edit(value: unknown, [key, ...rest]: Path, change: (found: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  if (!isRecord(value) || !Object.hasOwn(value, key)) return value;
  const changed = Object.entries(value).map(([name, one]) => [name, name === key ? edit(one, rest, change) : one]);
  return Array.isArray(value) ? changed.map(([, one]) => one) : Object.fromEntries(changed);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
