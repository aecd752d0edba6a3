/** Takes this program off a node, and puts back what was there before. */

import { rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CredentialError } from '../../errors.ts';
import type { Runtime } from '../../system/runtime.ts';
import { type Installation, type InstalledPlace, RECORD_NAME, readInstallation } from './installation.ts';
import { K3S_FOLDER } from './kubelet-places.ts';
import { findConfigBefore } from './node-configuration.ts';
import { withNodeFile } from './node-failure.ts';
import { removeNodeFile } from './node-files.ts';
import type { NodeKubelet } from './node-kubelet.ts';
import { locateOnNode } from './node-path.ts';
import { type Restored, restorePlace } from './restore-place.ts';

/** What to take away. All paths are paths on the node. */
export interface UninstallRequest {
  readonly runtime: Runtime;
  readonly hostRoot: string;
  readonly binFolder: string;
  /** The node's kubelet; `undefined` when it is not visible. */
  readonly kubelet: NodeKubelet | undefined;
  /** Whether the person says that the kubelet's flags no longer name the configuration. */
  readonly areFlagsGone: boolean;
}

/** What became of the places of an installation. */
export interface UninstallResult {
  readonly places: readonly { readonly path: string; readonly outcome: Restored }[];
  /** Whether the configuration was changed, which the kubelet reads only when it starts. */
  readonly isConfigChanged: boolean;
}

/** What the kubelet needs last goes last. */
const ORDER: readonly InstalledPlace['role'][] = ['config', 'name', 'file', 'program'];

/**
 * Uninstalls the program. It can be repeated.
 * @returns `undefined` when nothing is installed there.
 * @throws INSTALL_FAILED when a place cannot be restored, or the kubelet could then not start again.
 */
export function uninstallFromNode(request: UninstallRequest): UninstallResult | undefined {
  const { runtime, hostRoot, binFolder } = request;
  const recordPath = join(binFolder, RECORD_NAME);
  const { record, installation } = withNodeFile(runtime, recordPath, 'read', () => {
    const { file } = locateOnNode(hostRoot, recordPath);
    return { record: file, installation: readInstallation(file) };
  });
  if (installation === undefined) return undefined;
  assertStartable(request, installation);
  const places = [];
  for (const place of sortPlaces(installation.places)) {
    const outcome = withNodeFile(runtime, place.path, 'restore', () => restorePlace({ hostRoot, place, installation }));
    if (outcome !== undefined) places.push({ path: place.path, role: place.role, outcome });
  }
  withNodeFile(runtime, recordPath, 'restore', () => removeNodeFile(record));
  for (const folder of installation.folders.toReversed()) removeEmptyFolder(hostRoot, folder);
  return {
    places: places.map(({ path, outcome }) => ({ path, outcome })),
    isConfigChanged: places.some(({ role }) => role === 'config'),
  };
}

function sortPlaces(places: readonly InstalledPlace[]): readonly InstalledPlace[] {
  return ORDER.flatMap((role) => places.filter((one) => one.role === role));
}

/** A kubelet whose flags name a configuration that does not exist cannot start. */
function assertStartable(request: UninstallRequest, installation: Installation): void {
  const { runtime, hostRoot, kubelet, areFlagsGone } = request;
  const config = installation.places.find(({ role }) => role === 'config');
  // k3s and rke2 use the configuration only while it exists.
  if (config === undefined || areFlagsGone || config.path.startsWith(`${K3S_FOLDER}/`)) return;
  const { path } = config;
  const before = withNodeFile(runtime, path, 'restore', () => findConfigBefore(hostRoot, path, installation));
  if (before.text !== undefined) return;
  if (kubelet === undefined) {
    throw new CredentialError('INSTALL_FAILED', `Cannot remove ${path}: whether the kubelet needs it cannot be seen`, {
      hint: 'take the --image-credential-provider flags from the kubelet first, then add --flags-removed',
    });
  }
  const named = [path, dirname(path)].includes(kubelet.configPath ?? '');
  if (!named) return;
  throw new CredentialError(
    'INSTALL_FAILED',
    `Cannot remove ${path}: the kubelet (process ${kubelet.processId}) is started with it, and would not start without`,
    { hint: `take --image-credential-provider-config=${kubelet.configPath} from its flags, and restart it` },
  );
}

function removeEmptyFolder(hostRoot: string, folder: string): void {
  try {
    const { file } = locateOnNode(hostRoot, folder);
    if (basename(file) !== '') rmdirSync(file);
  } catch {
    // Somebody uses it.
  }
}
