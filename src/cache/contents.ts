/** What is in the cache, for people. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readOwnFile } from '../system/files.ts';
import { listNames, listTemporaryFiles } from '../system/folders.ts';
import {
  type Cache,
  type CachedToken,
  type CacheKey,
  isSavedInFuture,
  keyFileName,
  MAX_ENTRY_BYTES,
  parseEntry,
} from './cache.ts';
import { parseTokenFileName } from './erase-tokens.ts';
import { FAILURE_ENDING } from './single-flight.ts';

/** A token in the cache, with the file that holds it. */
export interface CacheFile extends CacheKey {
  /** The name of the file in the folder of the tokens. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly cached: CachedToken;
}

/** The files of the cache. */
export interface CacheContents {
  /** Sorted by name. Some may have expired. */
  readonly tokens: readonly CacheFile[];
  /** Files of tokens that count as missing: damaged, or others could have written them. */
  readonly ignoredFiles: number;
  readonly temporaryFiles: number;
  readonly locks: number;
  readonly failures: number;
  /** Facts about this machine. */
  readonly notes: number;
}

/** Lists the cache, with the rules by which `get` reads it. Never fails. */
export function readContents(cache: Cache, nowSeconds: number): CacheContents {
  const names = listNames(cache.folder)
    .filter((name) => parseTokenFileName(name) !== undefined)
    .sort();
  const tokens = names.map((name) => readFile(cache, name, nowSeconds)).filter((one) => one !== undefined);
  const lockNames = listNames(cache.lockFolder);
  return {
    tokens,
    ignoredFiles: names.length - tokens.length,
    temporaryFiles: listTemporaryFiles(cache.folder).length,
    locks: lockNames.filter((name) => /\.[1-9]\d{0,8}$/.test(name)).length,
    failures: lockNames.filter((name) => name.endsWith(FAILURE_ENDING)).length,
    notes: listNames(cache.markerFolder).filter((name) => name.endsWith('.json')).length,
  };
}

function readFile(cache: Cache, name: string, nowSeconds: number): CacheFile | undefined {
  const file = join(cache.folder, name);
  const text = readOwnFile(file, MAX_ENTRY_BYTES);
  const entry = text === undefined ? undefined : parseEntry(text);
  if (entry === undefined || `${keyFileName(entry)}.json` !== name) return undefined;
  if (isSavedInFuture(entry.cached, nowSeconds)) return undefined;
  return { name, sizeBytes: readSize(file), ...entry };
}

function readSize(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0; // it was removed a moment ago
  }
}
