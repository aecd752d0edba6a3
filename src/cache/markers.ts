/**
 * Markers: small facts about this machine that are remembered for a while, so that the next sign-in need not check
 * again.
 */

import { join } from 'node:path';
import { asText, type JsonObject, parseJsonObject } from '../json.ts';
import { readOwnFile, replaceOwnFile } from '../system/files.ts';
import { makeOwnFolder } from '../system/folders.ts';
import type { Cache } from './cache.ts';
import { hashText } from './hash.ts';

const MAX_MARKER_BYTES = 16 * 1024;

/**
 * Reads the value of a marker.
 * @returns `undefined` when there is no marker of this name, or when it has expired.
 */
export function readMarker(cache: Cache | undefined, name: string, nowSeconds: number): string | undefined {
  if (cache === undefined) return undefined;
  const marker = parseJsonObject(readOwnFile(markerFile(cache, name), MAX_MARKER_BYTES) ?? '');
  return marker?.['name'] === name && isValid(marker, nowSeconds) ? asText(marker['value']) : undefined;
}

/** Whether a marker file can be removed: it is one of ours, and its marker has expired or is damaged. */
export function isMarkerOver(file: string, nowSeconds: number): boolean {
  const text = readOwnFile(file, MAX_MARKER_BYTES);
  return text !== undefined && !isValid(parseJsonObject(text) ?? {}, nowSeconds);
}

function isValid({ fromSeconds, untilSeconds }: JsonObject, nowSeconds: number): boolean {
  if (typeof fromSeconds !== 'number' || typeof untilSeconds !== 'number') return false;
  return nowSeconds >= fromSeconds && nowSeconds < untilSeconds;
}

/** Writes a marker that expires after `lifeSeconds`. Never fails: without the marker, the next sign-in checks again. */
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
    // On a full disk, the next sign-in checks again.
  }
}

function markerFile(cache: Cache, name: string): string {
  return join(cache.markerFolder, `${hashText(name)}.json`);
}
