/** Erases the tokens of one identity from the cache, for whichever registries they are. */

import { join } from 'node:path';
import { readOwnFile, removeFile } from '../system/files.ts';
import { listNames } from '../system/folders.ts';
import { type Cache, eraseTemporaryTokens, MAX_ENTRY_BYTES, parseEntry } from './cache.ts';
import { recordErasure } from './erasure.ts';
import { eraseFailures } from './prune.ts';

/**
 * Erases what an identity has earned. A sign-in that is under way brings nothing back. Never fails.
 * @param isErased whether the description of an identity is the one to erase.
 * @returns how many tokens are still there.
 */
export function eraseIdentity(cache: Cache, isErased: (description: string) => boolean): number {
  recordErasure(cache); // first, so that no sign-in that is under way brings them back
  eraseTemporaryTokens(cache);
  eraseFailures(cache);
  let left = 0;
  for (const name of listNames(cache.folder)) {
    if (!name.endsWith('.json')) continue;
    const file = join(cache.folder, name);
    const entry = parseEntry(readOwnFile(file, MAX_ENTRY_BYTES) ?? '');
    if (entry !== undefined && isErased(entry.identity) && !removeFile(file)) left += 1;
  }
  return left;
}
