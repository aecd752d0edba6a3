/**
 * Markers: small facts about this machine that are remembered for a while, so that the next sign-in need not check
 * again.
 */

import { join } from 'node:path';
import { asText, parseJsonObject } from '../json.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../system/files.ts';
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
  if (marker?.['name'] !== name) return undefined;
  const { value, fromSeconds, untilSeconds } = marker;
  if (typeof fromSeconds !== 'number' || typeof untilSeconds !== 'number') return undefined;
  return nowSeconds >= fromSeconds && nowSeconds < untilSeconds ? asText(value) : undefined;
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
