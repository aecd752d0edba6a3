/** Small facts about this machine that are worth remembering for a while, so that the next sign-in does not find them out again. */

import { join } from 'node:path';
import { asText, parseJsonObject } from '../json.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../system/files.ts';
import type { Cache } from './cache.ts';
import { hashText } from './hash.ts';

const MAX_NOTE_BYTES = 16 * 1024;

/** @returns the fact, or `undefined` when it is not known or not fresh any more. */
export function readMarker(cache: Cache | undefined, name: string, nowSeconds: number): string | undefined {
  if (cache === undefined) return undefined;
  const marker = parseJsonObject(readOwnFile(markerFile(cache, name), MAX_NOTE_BYTES) ?? '');
  if (marker?.['name'] !== name) return undefined;
  const { value, fromSeconds, untilSeconds } = marker;
  if (typeof fromSeconds !== 'number' || typeof untilSeconds !== 'number') return undefined;
  return nowSeconds >= fromSeconds && nowSeconds < untilSeconds ? asText(value) : undefined;
}

/** Remembers a fact for some seconds; where nothing can be kept it is found out again. */
export function writeMarker(
  cache: Cache | undefined,
  name: string,
  value: string,
  nowSeconds: number,
  lifeSeconds: number,
): void {
  if (cache === undefined || !makeOwnFolder(cache.markerFolder)) return;
  const marker = {
    name,
    value,
    fromSeconds: Math.floor(nowSeconds),
    untilSeconds: Math.floor(nowSeconds) + lifeSeconds,
  };
  try {
    replaceOwnFile(markerFile(cache, name), `${JSON.stringify(marker)}\n`);
  } catch {
    // A full disk costs a request, not the answer.
  }
}

function markerFile(cache: Cache, name: string): string {
  return join(cache.markerFolder, `${hashText(name)}.json`);
}
