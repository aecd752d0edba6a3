/** Reads the options that the commands have in common that change a node. */

import { isAbsolute } from 'node:path';
import { UsageError } from '../../terminal/failure.ts';
import type { FileToCopy } from './install-plan.ts';

/** Where the kubelet of AKS looks, unless its flags say otherwise. */
export const DEFAULT_BIN_FOLDER = '/var/lib/kubelet/credential-provider';
/** Where the kubelet of AKS finds its configuration. */
export const DEFAULT_CONFIG_PATH = '/var/lib/kubelet/credential-provider-config.yaml';

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
