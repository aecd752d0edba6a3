/** The CredentialProviderConfig of a node: what it was before, and what it becomes. */

import { type Installation, isInstalled } from './installation.ts';
import { removeProviders } from './merge-providers.ts';
import { KEPT_SUFFIX } from './node-files.ts';
import { followOnNode } from './node-path.ts';
import { hashText, readText } from './node-text.ts';

/** The configuration without what this program added. */
export interface ConfigBefore {
  /** `undefined` when there would be none. */
  readonly text: string | undefined;
  /** Whether that is, byte for byte, the file that is kept (or that there was none). */
  readonly isKeptFile: boolean;
}

/**
 * Finds what the configuration is without this program. What others have changed in it since stays.
 * @param path the path on the node.
 * @param installation what is installed; `undefined` for nothing.
 * @throws MergeError when the configuration cannot be understood; the system's error; an error without a code when a
 * file is too large, or is no text.
 */
export function findConfigBefore(hostRoot: string, path: string, installation: Installation | undefined): ConfigBefore {
  const current = readText(followOnNode(hostRoot, path));
  const kept = readText(followOnNode(hostRoot, `${path}${KEPT_SUFFIX}`));
  if (current === undefined || current === kept) return { text: kept, isKeptFile: true };
  const place = installation?.places.find((one) => one.role === 'config' && one.path === path);
  if (installation === undefined || place === undefined) return { text: current, isKeptFile: false };
  const isOurs = isInstalled(place, hashText(current));
  // It was killed before it had kept anything.
  if (place.isKept && kept === undefined && !isOurs) return { text: current, isKeptFile: false };
  const isUnchanged = installation.configBefore === (kept === undefined ? undefined : hashText(kept));
  if (isOurs && isUnchanged && place.isKept === (kept !== undefined)) return { text: kept, isKeptFile: true };
  return { text: removeProviders(current, kept, installation.providers), isKeptFile: false };
}
