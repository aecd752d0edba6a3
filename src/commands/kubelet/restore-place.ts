/** Makes one place of a node what it was before this program was installed. */

import { lstatSync } from 'node:fs';
import { type Installation, type InstalledPlace, isInstalled } from './installation.ts';
import { findConfigBefore } from './node-configuration.ts';
import { bytesOf, identifyFile, isKept, KEPT_SUFFIX, putBack, putInPlace, removeNodeFile } from './node-files.ts';
import { locateOnNode } from './node-path.ts';

/** Which place. */
export interface RestoreRequest {
  readonly hostRoot: string;
  readonly place: InstalledPlace;
  readonly installation: Installation | undefined;
}

/** What became of a place. `left` is what somebody else has put there since. */
export type Restored = 'restored' | 'removed' | 'left' | 'edited';

const PERMISSIONS = 0o7777;

/**
 * Restores a place.
 * @returns `undefined` when it already was as before.
 * @throws MergeError for a configuration that cannot be understood; the system's error.
 */
export function restorePlace(request: RestoreRequest): Restored | undefined {
  const { hostRoot, place } = request;
  const { file } = locateOnNode(hostRoot, place.path);
  if (place.role === 'config') return restoreConfig(request, file);
  const now = identifyFile(file);
  if (now === undefined || isInstalled(place, now)) {
    if (putBack(file)) return 'restored';
    if (now === undefined) return undefined;
    if (place.isKept) throw new Error(`what was there before, ${file}${KEPT_SUFFIX}, is missing`);
    removeNodeFile(file);
    return 'removed';
  }
  if (!isKept(file)) return place.isKept ? undefined : 'left';
  if (identifyFile(`${file}${KEPT_SUFFIX}`) === now) {
    putBack(file);
    return 'restored';
  }
  // What somebody has put there since replaces what was there before.
  removeNodeFile(`${file}${KEPT_SUFFIX}`);
  return 'left';
}

function restoreConfig({ hostRoot, place, installation }: RestoreRequest, file: string): Restored | undefined {
  const now = identifyFile(file);
  const { text, isKeptFile } = findConfigBefore(hostRoot, place.path, installation);
  if (isKeptFile && isKept(file)) {
    putBack(file);
    return 'restored';
  }
  if (text === undefined) {
    if (now === undefined) return undefined;
    removeNodeFile(file);
    return 'removed';
  }
  const content = bytesOf(Buffer.from(text), lstatSync(file).mode & PERMISSIONS);
  if (content.kind === 'bytes' && content.sha256 === now) return undefined;
  putInPlace(file, content);
  if (isKept(file)) removeNodeFile(`${file}${KEPT_SUFFIX}`);
  return 'edited';
}
