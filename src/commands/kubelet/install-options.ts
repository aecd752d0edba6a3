/** Reads the options that the commands have in common that change a node. */

import { statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { UsageError } from '../../terminal/failure.ts';
import type { FileToCopy } from './install-plan.ts';
import { AKS_PLACES, K3S_PLACES, type KubeletPlaces } from './kubelet-places.ts';
import type { NodeKubelet } from './node-kubelet.ts';

/**
 * Finds where the kubelet looks, for a person who does not say it.
 * @param kubelet that of the node; `undefined` when it is not visible.
 * @returns what its flags name, if it sees the same files as this process; else the places of AKS.
 */
export function findPlaces(hostRoot: string, kubelet: NodeKubelet | undefined): KubeletPlaces {
  if (hostRoot !== '/' || kubelet === undefined || kubelet.isElsewhere) return AKS_PLACES;
  const usual = kubelet.isBuiltIn ? K3S_PLACES : AKS_PLACES;
  const configPath = kubelet.configPath ?? usual.configPath;
  return { binFolder: kubelet.binFolder ?? usual.binFolder, configPath: fileOf(configPath) };
}

/** The flag may name a folder of configurations. */
function fileOf(configPath: string): string {
  const isFolder = statSync(configPath, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? join(configPath, 'docker-credential-acr.yaml') : configPath;
}

/**
 * Checks a path of a node.
 * @returns it without a slash at the end.
 * @throws UsageError when it is relative.
 */
export function readNodePath(option: string, path: string): string {
  if (!isAbsolute(path)) throw new UsageError(`${option} needs an absolute path`, { hint: `${option} /PATH` });
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}

/** Splits the value of `--copy`. @throws UsageError when it has another form. */
export function readCopy(value: string): FileToCopy {
  const [source = '', path = '', ...rest] = value.split(':');
  if (source === '' || path === '' || rest.length > 0) {
    throw new UsageError('--copy needs two paths', { hint: '--copy SOURCE:/PATH/ON/THE/NODE' });
  }
  return { source, path: readNodePath('--copy', path) };
}

/** Checks the value of `--sha256`. @throws UsageError when it is not a sum. */
export function readSum(value: string): string {
  if (/^[0-9a-fA-F]{64}$/.test(value)) return value;
  throw new UsageError('--sha256 needs 64 hexadecimal digits', { hint: 'take the line of this version in SHA256SUMS' });
}
