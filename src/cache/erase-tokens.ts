/** Erases tokens from the cache for good: a sign-in that is under way does not bring them back. */

import { join } from 'node:path';
import { removeFile } from '../system/files.ts';
import { listNames, listTemporaryFiles } from '../system/folders.ts';
import { type Cache, ENTRA_SERVICE, eraseCache, eraseTemporaryTokens } from './cache.ts';
import { recordErasure } from './erasure.ts';
import { eraseFailures, pruneCache } from './prune.ts';
import { FAILURE_ENDING } from './single-flight.ts';

/** How many files were removed, by what they held. */
export interface Erased {
  readonly registryTokens: number;
  readonly entraTokens: number;
  /** What killed processes left behind of tokens. */
  readonly temporaryFiles: number;
  readonly failures: number;
  readonly notes: number;
  /** Whether everything is gone that was to be erased. */
  readonly isComplete: boolean;
}

/** The name of an entry's file: the service, and a hash (see `keyFileName`). */
const TOKEN_FILE = /^(.+)_[0-9a-f]{14,}\.json$/s;
const NOTE_FILE = /^[0-9a-f]{14,}\.json$/;

/** Reads whose token is in a file of the cache, by its name. @returns `undefined` for any other file. */
export function parseTokenFileName(name: string): string | undefined {
  return TOKEN_FILE.exec(name)?.[1];
}

/**
 * Erases the tokens of a registry, whoever signed in, with the tokens of Entra, which every registry can use. Never
 * fails, and leaves locks alone.
 */
export function eraseRegistryTokens(cache: Cache, service: string, nowSeconds: number): Erased {
  return erase(cache, () => [service, ENTRA_SERVICE], [], nowSeconds);
}

/** Erases all tokens, and the facts about this machine. Never fails, and leaves locks that are held alone. */
export function eraseAllTokens(cache: Cache, nowSeconds: number): Erased {
  const listServices = () => {
    const services = listNames(cache.folder).map(parseTokenFileName);
    // Entra's even if there is no token, to learn whether the folder can be read.
    return [...new Set([ENTRA_SERVICE, ...services])].filter((service) => service !== undefined);
  };
  return erase(cache, listServices, listNotes(cache), nowSeconds);
}

function erase(
  cache: Cache,
  listServices: () => readonly string[],
  notes: readonly string[],
  nowSeconds: number,
): Erased {
  recordErasure(cache); // first, so that no sign-in that is under way brings them back
  const before = countFiles(cache);
  eraseTemporaryTokens(cache);
  eraseFailures(cache);
  const areGone = listServices().map((service) => eraseCache(cache, service));
  const areNotesGone = notes.map((name) => removeFile(join(cache.markerFolder, name)));
  const after = countFiles(cache);
  pruneCache(cache, nowSeconds);
  const count = (name: keyof Counts) => Math.max(0, before[name] - after[name]);
  return {
    registryTokens: count('registryTokens'),
    entraTokens: count('entraTokens'),
    temporaryFiles: count('temporaryFiles'),
    failures: count('failures'),
    notes: areNotesGone.filter((isGone) => isGone).length,
    isComplete: [...areGone, ...areNotesGone].every((isGone) => isGone),
  };
}

type Counts = Readonly<Record<'registryTokens' | 'entraTokens' | 'temporaryFiles' | 'failures', number>>;

function countFiles(cache: Cache): Counts {
  const services = listNames(cache.folder).map(parseTokenFileName);
  const entraTokens = services.filter((service) => service === ENTRA_SERVICE).length;
  return {
    registryTokens: services.filter((service) => service !== undefined).length - entraTokens,
    entraTokens,
    temporaryFiles: listTemporaryFiles(cache.folder).length,
    failures: listNames(cache.lockFolder).filter((name) => name.endsWith(FAILURE_ENDING)).length,
  };
}

/** Not the file of the erasures: it is what a sign-in that is under way looks at. */
function listNotes({ markerFolder }: Cache): readonly string[] {
  return listNames(markerFolder).filter((name) => NOTE_FILE.test(name));
}
