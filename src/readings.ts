/**
 * The readings of a text: as it is written, and with layers of encoding taken off. A reading knows where in the text
 * each of its bytes comes from.
 */

import { decodeEscape, ESCAPE, encodeUtf8 } from './escapes.ts';

/** One reading of a text. */
export interface Reading {
  /** UTF-8, one character for each byte. */
  readonly bytes: string;
  /** For each byte, where in the text the characters begin that it comes from. */
  readonly starts: readonly number[];
  /** For each byte, where they end. */
  readonly ends: readonly number[];
  /** Whether something was left out of it, so that words are joined that were apart in the text. */
  readonly isJoined: boolean;
}

/** How many layers of encoding are taken off. */
const MAX_LAYERS = 3;
/** An ordinary text has a few readings. One with more bytes in all than this is made to keep the program busy. */
const MAX_BYTES = 256 * 1024;
const MAX_GROWTH = 24;

/** In UTF-8: white space, control characters and characters that have no width. */
const NOISE =
  /[^\x21-\x7E\x80-\xFF]|\xC2[\x80-\xA0\xAD]|\xCD\x8F|\xD8\x9C|\xE1(?:\x85[\x9F\xA0]|\x9A\x80|\x9E[\xB4\xB5]|\xA0[\x8B-\x8F])|\xE2\x80[\x80-\x8F\xA8-\xAF]|\xE2\x81[\x9F-\xAF]|\xE3(?:\x80\x80|\x85\xA4)|\xEF(?:\xB8[\x80-\x8F]|\xBB\xBF|\xBE\xA0)|\xF3\xA0[\x80-\xBF]{2}/g;
const TAG = /<[^<>]*>/g;
/** In forms, it stands for a space. */
const PLUS = /\+/g;
/** Too short for a secret, and therefore not decoded: base64 of fewer than 6 bytes, and hexadecimal. */
const BASE64 = /[\w+/-]{8,}/g;
const HEXADECIMAL = /[0-9a-f]{12,}/gi;
/**
 * What may be a text among decoded bytes: characters in UTF-8, of which the first and the last may be cut. Most of what
 * looks like base64 is not, and decodes to noise.
 */
const LEGIBLE =
  /[\x80-\xBF]{0,3}(?:[ -~\t\n\r]|[\xC2-\xDF][\x80-\xBF]|[\xE0-\xEF][\x80-\xBF]{2}|[\xF0-\xF4][\x80-\xBF]{3}){2,}(?:[\xC2-\xF4][\x80-\xBF]{0,2})?/g;
const MIN_LEGIBLE_BYTES = 6;
/** Stands between legible parts, so that they are not taken for one. */
const SEPARATOR = '|';

/**
 * Lists the readings of a text.
 * @returns `undefined` when there are too many.
 */
export function listReadings(text: string): readonly Reading[] | undefined {
  return collect(text, [decodeEscapes, ...[0, 1, 2, 3].map(decodeBase64), ...[0, 1].map(decodeHexadecimal)]);
}

/**
 * Lists the bytes that a secret may be read as: as it is, and with escapes decoded that only look like ones, since
 * those in a text are decoded as well.
 */
export function listSpellings(secret: string): readonly Spelling[] {
  const readings = joinWords(readPlainly(secret)).flatMap((reading) => [reading, leaveOut(reading, PLUS)]);
  const plain = new Set(readings.map(({ bytes }) => bytes));
  const all = new Set([...plain, ...(collect(secret, [decodeEscapes]) ?? []).map(({ bytes }) => bytes)]);
  return [...all].map((bytes) => ({ bytes, isDecoded: !plain.has(bytes) }));
}

/** What a secret may be read as. */
export interface Spelling {
  readonly bytes: string;
  /** Whether something that looks like an escape was decoded, which makes it shorter. */
  readonly isDecoded: boolean;
}

/** Takes one layer off a reading. @returns the same reading when there is none. */
type Decoder = (reading: Reading) => Reading;

function collect(text: string, decoders: readonly Decoder[]): readonly Reading[] | undefined {
  const found = new Map<string, Reading>();
  const isNew = (reading: Reading) => found.get(keyOf(reading)) === undefined;
  const add = (reading: Reading) => found.set(keyOf(reading), reading);
  let left = Math.max(MAX_BYTES, MAX_GROWTH * text.length);
  let layer = [readPlainly(text)];
  for (let depth = 0; depth <= MAX_LAYERS; depth += 1) {
    const parents: Reading[] = [];
    for (const reading of layer.flatMap(joinWords).filter(isNew)) {
      add(reading);
      add(leaveOut(reading, PLUS));
      parents.push(reading);
    }
    layer = [];
    for (const parent of depth === MAX_LAYERS ? [] : parents) {
      const children = decoders.map((decode) => decode(parent)).filter(({ bytes }) => bytes !== '');
      layer.push(...children);
      left -= children.reduce((sum, { bytes }) => sum + bytes.length, 0);
      if (left < 0) return undefined;
    }
  }
  return [...found.values()];
}

/** A reading, without its white space, and then without its tags: what looks like a tag may be a part of a secret. */
function joinWords(reading: Reading): Reading[] {
  const joined = leaveOut(reading, NOISE);
  return [reading, joined, leaveOut(joined, TAG)];
}

/** Two readings with the same key have the same bytes from the same places. */
function keyOf({ bytes, starts, ends }: Reading): string {
  return `${starts[0]} ${ends.at(-1)} ${bytes}`;
}

function readPlainly(text: string): Reading {
  if (Buffer.byteLength(text) === text.length) {
    const starts = Array.from({ length: text.length }, (_, at) => at);
    return { bytes: text, starts, ends: starts.map((at) => at + 1), isJoined: false };
  }
  const builder = new ReadingBuilder();
  let at = 0;
  for (const character of text) {
    builder.add(encodeUtf8(character), at, at + character.length);
    at += character.length;
  }
  return builder.build(false);
}

function leaveOut(reading: Reading, pattern: RegExp): Reading {
  return replaceAll(reading, pattern, () => '', true);
}

function decodeEscapes(reading: Reading): Reading {
  return replaceAll(reading, ESCAPE, ({ groups = {} }) => decodeEscape(groups), reading.isJoined);
}

/** Replaces the matches that have a replacement. Each new byte comes from where the whole match comes from. */
function replaceAll(
  reading: Reading,
  pattern: RegExp,
  replace: (match: RegExpExecArray) => string | undefined,
  isJoined: boolean,
): Reading {
  const builder = new ReadingBuilder();
  let copied = 0;
  for (const match of reading.bytes.matchAll(pattern)) {
    const replacement = replace(match);
    if (replacement === undefined) continue;
    const end = match.index + match[0].length;
    builder.copy(reading, copied, match.index);
    builder.add(replacement, reading.starts[match.index] ?? 0, reading.ends[end - 1] ?? 0);
    copied = end;
  }
  if (copied === 0) return reading;
  builder.copy(reading, copied, reading.bytes.length);
  return builder.build(isJoined);
}

/** The decoder of base64 and base64url in which the first group of four begins this many characters later. */
function decodeBase64(offset: number): Decoder {
  return (reading) =>
    decodeRuns(reading, BASE64, (run) => ({
      bytes: Buffer.from(run.slice(offset), 'base64').toString('latin1'),
      locate: (index) => {
        const start = offset + Math.floor((index * 4) / 3);
        return { start, end: start + 2 };
      },
    }));
}

/** The decoder of hexadecimal in which the first pair begins this many digits later. */
function decodeHexadecimal(offset: number): Decoder {
  return (reading) =>
    decodeRuns(reading, HEXADECIMAL, (run) => ({
      bytes: Buffer.from(run.slice(offset), 'hex').toString('latin1'),
      locate: (index) => ({ start: offset + 2 * index, end: offset + 2 * index + 2 }),
    }));
}

/** The bytes of a run, and the characters of the run that each comes from. */
interface DecodedRun {
  readonly bytes: string;
  readonly locate: (index: number) => { readonly start: number; readonly end: number };
}

/** Keeps only what is legible of what the runs decode to. */
function decodeRuns(reading: Reading, pattern: RegExp, decode: (run: string) => DecodedRun): Reading {
  const builder = new ReadingBuilder();
  for (const { 0: run, index: offset } of reading.bytes.matchAll(pattern)) {
    const { bytes, locate } = decode(run);
    for (const { 0: part, index: skipped } of bytes.matchAll(LEGIBLE)) {
      if (part.length < MIN_LEGIBLE_BYTES) continue;
      builder.addRun(reading, offset, { bytes: part, locate: (index) => locate(skipped + index) });
      builder.add(SEPARATOR, reading.starts[offset] ?? 0, reading.starts[offset] ?? 0);
    }
  }
  return builder.build(reading.isJoined);
}

class ReadingBuilder {
  #bytes = '';
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Adds bytes that all come from the same characters of the text. */
  add(bytes: string, start: number, end: number): void {
    this.#bytes += bytes;
    for (let index = 0; index < bytes.length; index += 1) {
      this.#starts.push(start);
      this.#ends.push(end);
    }
  }

  /** Adds what a run of another reading decodes to. */
  addRun({ starts, ends }: Reading, offset: number, { bytes, locate }: DecodedRun): void {
    this.#bytes += bytes;
    for (let index = 0; index < bytes.length; index += 1) {
      const { start, end } = locate(index);
      this.#starts.push(starts[offset + start] ?? 0);
      this.#ends.push(ends[offset + end - 1] ?? 0);
    }
  }

  /** Adds a part of another reading. */
  copy({ bytes, starts, ends }: Reading, from: number, to: number): void {
    this.#bytes += bytes.slice(from, to);
    for (let index = from; index < to; index += 1) {
      this.#starts.push(starts[index] ?? 0);
      this.#ends.push(ends[index] ?? 0);
    }
  }

  build(isJoined: boolean): Reading {
    return { bytes: this.#bytes, starts: this.#starts, ends: this.#ends, isJoined };
  }
}
