/** Where things are in a text of JSON: its mistakes, and the values that keys lead to. */

import { type Node, type ParseError, type ParseErrorCode, parseTree } from 'jsonc-parser';

/** A part of a text, by the offsets of its first character and of the one after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A mistake in the syntax. */
export interface SyntaxMistake extends Span {
  /** What is wrong; the text itself is never quoted. */
  readonly what: string;
  /** Whether the text means the same without it: a comment, or a comma too many. */
  readonly isHarmless: boolean;
}

/** A key that an object has more than once. */
export interface RepeatedKey extends Span {
  readonly key: string;
  /** The keys that lead to it, itself included. */
  readonly keys: readonly string[];
}

/** A text of JSON whose parts can be looked up. */
export interface JsonText {
  readonly syntaxMistakes: readonly SyntaxMistake[];
  readonly repeatedKeys: readonly RepeatedKey[];
  /**
   * Finds a key or its value. Of a repeated key, it is the last one, as for `JSON.parse`.
   * @returns the nearest object around it when the last key is missing.
   */
  readonly find: (keys: readonly string[], isKey: boolean) => Span;
}

/** By the numbers of `ParseErrorCode`, which exists only for the compiler. */
const WORDS: Readonly<Record<ParseErrorCode, string>> = {
  1: 'this is not JSON',
  2: 'this is not a number of JSON',
  3: 'a key in double quotes is missing here',
  4: 'a value is missing here',
  5: 'a colon is missing here',
  6: 'a comma is missing here',
  7: 'a closing brace is missing here',
  8: 'a closing bracket is missing here',
  9: 'there is more after the end of the object',
  10: 'JSON has no comments',
  11: 'this comment has no end',
  12: 'this text has no closing quote',
  13: 'this number has no end',
  14: 'this is not the escape of a character',
  15: 'JSON has no such escape',
  16: 'a text cannot contain this character: write it as an escape',
};

const COMMENT: ParseErrorCode = 10;

/** Parses a text strictly, as `JSON.parse` does, but to its end. Never fails. */
export function parseJsonText(text: string): JsonText {
  const errors: ParseError[] = [];
  const whole = { start: 0, end: 0 };
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { disallowComments: true });
  } catch {
    // It is nested so deeply that the stack is full.
    return { syntaxMistakes: [], repeatedKeys: [], find: () => whole };
  }
  return {
    syntaxMistakes: describeErrors(text, errors),
    repeatedKeys: root === undefined ? [] : listRepeated(root, []),
    find: (keys, isKey) => (root === undefined ? whole : find(root, keys, isKey)),
  };
}

/** Describes the errors in the order of the text. The parser tells some of them twice, and goes on after a trailing comma. */
function describeErrors(text: string, errors: readonly ParseError[]): SyntaxMistake[] {
  const mistakes = new Map<number, SyntaxMistake>();
  for (const { error, offset, length } of errors) {
    const comma = findTrailingComma(text, error, offset);
    const mistake =
      comma === undefined
        ? {
            what: WORDS[error] ?? 'this is not JSON',
            start: offset,
            end: offset + Math.max(1, length),
            isHarmless: error === COMMENT,
          }
        : { what: 'JSON has no comma after the last entry', start: comma, end: comma + 1, isHarmless: true };
    if (!mistakes.has(mistake.start)) mistakes.set(mistake.start, mistake);
  }
  return [...mistakes.values()].sort((one, other) => one.start - other.start);
}

/** @returns the place of a comma before a closing brace or bracket, where a key or a value should follow. */
function findTrailingComma(text: string, error: ParseErrorCode, offset: number): number | undefined {
  if ((error !== 3 && error !== 4) || !/^[}\]]$/.test(text[offset] ?? '')) return undefined;
  let before = offset - 1;
  while (before >= 0 && (text[before] ?? '').trim() === '') before -= 1;
  return text[before] === ',' ? before : undefined;
}

function find(root: Node, keys: readonly string[], isKey: boolean): Span {
  let node = root;
  for (const [index, key] of keys.entries()) {
    const [name, value] = indexOf(node).get(key)?.children ?? [];
    if (name === undefined) break;
    if (value === undefined || (isKey && index === keys.length - 1)) return spanOf(name);
    node = value;
  }
  // Of an object only its brace: the whole of it would say nothing.
  return node.type === 'object' || node.type === 'array' ? { start: node.offset, end: node.offset + 1 } : spanOf(node);
}

/** The properties of an object by key. Kept, since a file may have many mistakes. */
const indexes = new WeakMap<Node, ReadonlyMap<unknown, Node>>();

function indexOf(node: Node): ReadonlyMap<unknown, Node> {
  const kept = indexes.get(node);
  if (kept !== undefined) return kept;
  const properties = (node.children ?? []).filter(({ type }) => type === 'property');
  const index = new Map(properties.map((property) => [property.children?.[0]?.value, property] as const));
  indexes.set(node, index);
  return index;
}

/** Of keys that are repeated, lists each but the last. */
function listRepeated(node: Node, path: readonly string[]): RepeatedKey[] {
  const children = node.children ?? [];
  if (node.type !== 'object') return children.flatMap((child) => listRepeated(child, path));
  return children.flatMap((child): RepeatedKey[] => {
    const [name, value] = child.children ?? [];
    if (name === undefined) return [];
    const key = String(name.value);
    const keys = [...path, key];
    const inner = value === undefined ? [] : listRepeated(value, keys);
    return indexOf(node).get(name.value) === child ? inner : [{ key, keys, ...spanOf(name) }, ...inner];
  });
}

function spanOf({ offset, length }: Node): Span {
  return { start: offset, end: offset + length };
}
