/** Small facts about this machine that are worth remembering for a while, so that the next sign-in does not find them out again. */

import { join } from 'node:path';
import { asText, parseJsonObject } from '../json.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../system/files.ts';
import type { Cache } from './cache.ts';
import { hashText } from './hash.ts';

const LARGEST_NOTE_BYTES = 16 * 1024;

/** @returns the fact, or `undefined` when it is not known or not fresh any more. */
export function readNote(cache: Cache | undefined, name: string, nowSeconds: number): string | undefined {
  if (cache === undefined) return undefined;
  const note = parseJsonObject(readOwnFile(noteFile(cache, name), LARGEST_NOTE_BYTES) ?? '');
  if (note?.['name'] !== name) return undefined;
  const { value, fromSeconds, untilSeconds } = note;
  if (typeof fromSeconds !== 'number' || typeof untilSeconds !== 'number') return undefined;
  return nowSeconds >= fromSeconds && nowSeconds < untilSeconds ? asText(value) : undefined;
}

/** Remembers a fact for some seconds; where nothing can be kept it is found out again. */
export function writeNote(
  cache: Cache | undefined,
  name: string,
  value: string,
  nowSeconds: number,
  lifeSeconds: number,
): void {
  if (cache === undefined || !makeOwnFolder(cache.noteFolder)) return;
  const note = { name, value, fromSeconds: Math.floor(nowSeconds), untilSeconds: Math.floor(nowSeconds) + lifeSeconds };
  try {
    replaceOwnFile(noteFile(cache, name), `${JSON.stringify(note)}\n`);
  } catch {
    // A full disk costs a request, not the answer.
  }
}

function noteFile(cache: Cache, name: string): string {
  return join(cache.noteFolder, `${hashText(name)}.json`);
}
