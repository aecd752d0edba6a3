/** What a machine needs for a cluster. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { findPart } from '../../e2e/world/parts.ts';
import { API_SERVER_PARTS } from './api-server.ts';

const PARTS = [
  ...API_SERVER_PARTS,
  ...['kubelet', 'containerd', 'runc', 'ctr', 'pause', 'acr-credential-provider', 'unshare', 'mount'],
];
/** Namespaces of their own, which end with the first process in them. */
export const NAMESPACES = ['--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL'] as const;
/** The groups of processes: a folder for each controller, or one for all. */
const CGROUPS = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'];

let known: { readonly obstacle: string | undefined } | undefined;

/** @returns why no cluster can run here; `undefined` when one can. */
export function findObstacle(): string | undefined {
  known ??= { obstacle: lookForObstacle() };
  return known.obstacle;
}

function lookForObstacle(): string | undefined {
  const absent = PARTS.filter((name) => findPart(name) === undefined);
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`;
  if (process.getuid?.() !== 0) return 'a kubelet needs root';
  if (spawnSync('unshare', [...NAMESPACES, 'mount', '-t', 'tmpfs', 'none', '/run']).status !== 0) {
    return 'nothing can be mounted in namespaces of their own';
  }
  return CGROUPS.some(isWritable) ? undefined : 'no cgroup can be created';
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
