/** Finds secrets and parts of them in a text, whatever encodings they are in. */

import { listReadings, listSpellings } from './readings.ts';

/** A part of a text, from its first character to the one after its last. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A part of a secret that has at least this many bytes is found. A shorter secret is found as a whole. */
const PART_BYTES = 12;
/** In a spelling that is shorter, since something was decoded, so is the part. */
const PART_BYTES_DECODED = 8;
/** Redacting shorter secrets would also redact ordinary words. */
const MIN_BYTES = 6;
/** Where words of the text were joined, such as "no password", shorter secrets may only seem to be there. */
const MIN_JOINED_BYTES = 8;
const MAX_CHARACTERS = 16 * 1024;
const BEGINNING_BITS = 18;
/** The first and the last line of a key. They are the same for all keys. */
const ARMOR = /-----[A-Z ]+-----/g;

/**
 * Creates a function that finds traces of these secrets in a text.
 * @returns a function that lists where they are, in order and apart from each other; or `undefined` when the text is
 * nested in so many ways that it cannot be searched.
 */
export function createTraceFinder(secrets: readonly string[]): (text: string) => readonly TextRange[] | undefined {
  const partsByLength = new Map<number, Set<string>>();
  // By its first bytes, nearly every place in a text is seen not to begin a part.
  const beginnings = new Uint8Array(2 ** BEGINNING_BITS);
  for (const part of secrets.flatMap(listEnds).flatMap(listParts)) {
    const parts = partsByLength.get(part.length) ?? new Set();
    partsByLength.set(part.length, parts.add(part));
    beginnings[hashBeginning(part, 0)] = 1;
  }
  const lengths = [...partsByLength].sort(([one], [other]) => one - other);
  return (text) => {
    if (lengths.length === 0) return [];
    const readings = listReadings(text);
    if (readings === undefined) return undefined;
    const found: TextRange[] = [];
    for (const { bytes, starts, ends, isJoined } of readings) {
      for (let at = 0; at + MIN_BYTES <= bytes.length; at += 1) {
        if (beginnings[hashBeginning(bytes, at)] === 0) continue;
        for (const [length, parts] of lengths) {
          if (isJoined && length < MIN_JOINED_BYTES) continue;
          if (!parts.has(bytes.slice(at, at + length))) continue;
          found.push({ start: starts[at] ?? 0, end: ends[at + length - 1] ?? text.length });
        }
      }
    }
    return merge(found);
  };
}

/** Hashes the first four bytes of a part. @see https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing */
function hashBeginning(bytes: string, at: number): number {
  const low = bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8);
  const high = bytes.charCodeAt(at + 2) | (bytes.charCodeAt(at + 3) << 8);
  return Math.imul(low | (high << 16), 0x9e3779b1) >>> (32 - BEGINNING_BITS);
}

/** Lists what to look for of a secret: a very long one, which no service issues, would take too long as a whole. */
function listEnds(secret: string): string[] {
  if (secret.length <= MAX_CHARACTERS) return [secret];
  return [secret.slice(0, MAX_CHARACTERS / 2), secret.slice(-MAX_CHARACTERS / 2)];
}

/** Lists the parts by which a secret is recognised, in each of its spellings. */
function listParts(secret: string): string[] {
  return listSpellings(secret.replaceAll(ARMOR, ' ').trim()).flatMap(({ bytes, isDecoded }) => {
    if (bytes.length < MIN_BYTES) return [];
    const length = Math.min(isDecoded ? PART_BYTES_DECODED : PART_BYTES, bytes.length);
    return Array.from({ length: bytes.length - length + 1 }, (_, at) => bytes.slice(at, at + length));
  });
}

/** Joins ranges that overlap or touch. */
function merge(ranges: readonly TextRange[]): TextRange[] {
  const merged: TextRange[] = [];
  for (const range of ranges.toSorted((one, other) => one.start - other.start)) {
    const last = merged.at(-1);
    if (last === undefined || range.start > last.end) merged.push(range);
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
  }
  return merged;
}
