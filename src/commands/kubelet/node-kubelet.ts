/** The kubelet of a node: its flags for plug-ins, and what starts it again. */

import { lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MISSING_IS_UNDEFINED } from '../../system/folders.ts';
import { listKubelets, type RunningKubelet } from './doctor/running-kubelet.ts';
import { locateOnNode } from './node-path.ts';

/** A kubelet, or a program of which the kubelet is a part. */
export interface NodeKubelet {
  readonly processId: number;
  /** The name of the program: `kubelet`, or `k3s`, which contains one. */
  readonly program: string;
  /** Whether the kubelet is a part of this process, which sets the flags itself. */
  readonly isBuiltIn: boolean;
  /** What `--image-credential-provider-config` says; `undefined` without it. */
  readonly configPath: string | undefined;
  /** What `--image-credential-provider-bin-dir` says; `undefined` without it. */
  readonly binFolder: string | undefined;
  /** The unit of systemd that it belongs to, such as `kubelet.service`. */
  readonly unit: string | undefined;
  /** When it started, in seconds since the epoch. */
  readonly startedAtSeconds: number | undefined;
  /** Whether it sees other files than this process: it or this process is in a container. */
  readonly isElsewhere: boolean;
}

/** Where the system shows its processes. */
export const PROCESS_TABLE = '/proc';
/** A part of the name of the control group of every container that a kubelet starts. */
const POD_GROUP = 'kubepods';

/**
 * Finds the kubelet of the node. Never fails.
 * @param processTable the folder of the node's processes. In a container it shows them only with `hostPID`.
 * @returns `undefined` when none is visible.
 */
export function findKubelet(processTable: string): NodeKubelet | undefined {
  const found = listKubelets(processTable).flatMap((one) => {
    const group = readGroup(processTable, one);
    // A program of a pod may call itself anything.
    return group.includes(POD_GROUP) ? [] : [describeKubelet(one, group)];
  });
  return found.find(({ isBuiltIn }) => !isBuiltIn) ?? found[0];
}

/**
 * Reads when the configuration of a node was last changed.
 * @returns seconds since the epoch; `undefined` when there is none.
 */
export function readConfigTime(hostRoot: string, path: string | undefined): number | undefined {
  if (path === undefined) return undefined;
  const stats = lstatSync(locateOnNode(hostRoot, path).file, MISSING_IS_UNDEFINED);
  return stats === undefined ? undefined : stats.mtimeMs / 1000;
}

function describeKubelet(kubelet: RunningKubelet, group: string): NodeKubelet {
  const { processId, distribution, flags, startedAtMs, isElsewhere } = kubelet;
  return {
    isElsewhere,
    processId,
    program: distribution,
    isBuiltIn: distribution !== 'kubelet',
    configPath: flags.get('image-credential-provider-config') || undefined,
    binFolder: flags.get('image-credential-provider-bin-dir') || undefined,
    unit: /\/([\w@.-]{1,100}\.service)(?:\n|$)/.exec(group)?.[1],
    startedAtSeconds: startedAtMs === undefined ? undefined : startedAtMs / 1000,
  };
}

/** @see https://man7.org/linux/man-pages/man7/cgroups.7.html */
function readGroup(processTable: string, { processId }: RunningKubelet): string {
  try {
    return readFileSync(join(processTable, String(processId), 'cgroup'), 'utf8');
  } catch {
    return ''; // it has ended
  }
}

/** How the flags of a kubelet relate to the files that were installed. */
export interface FlagCheck {
  /** Flags to give the kubelet, such as `--image-credential-provider-bin-dir=/opt/bin`. Empty when all is right. */
  readonly missing: readonly string[];
}

/**
 * Compares the kubelet's flags with what is installed. What k3s and others set by themselves is not known here.
 * @param configPath `undefined` when no configuration was installed.
 */
export function checkFlags(kubelet: NodeKubelet, binFolder: string, configPath: string | undefined): FlagCheck {
  const missing: string[] = [];
  const isNamed = kubelet.configPath !== undefined && isSamePlace(kubelet.configPath, configPath);
  if (configPath !== undefined && !isNamed) missing.push(`--image-credential-provider-config=${configPath}`);
  if (configPath === undefined && kubelet.configPath === undefined) {
    missing.push('--image-credential-provider-config=FILE');
  }
  if (trimSlash(kubelet.binFolder ?? '') !== trimSlash(binFolder)) {
    missing.push(`--image-credential-provider-bin-dir=${binFolder}`);
  }
  return { missing };
}

/** Whether the kubelet reads a file of this name, where its flag names the folder. */
export function isReadFromFolder(name: string): boolean {
  return /\.(?:json|ya?ml)$/.test(name);
}

/** The flag may also name a folder, of which every YAML and JSON file counts. */
function isSamePlace(flag: string, configPath: string | undefined): boolean {
  if (configPath === undefined) return true;
  const named = trimSlash(flag);
  return named === configPath || (named === dirname(configPath) && isReadFromFolder(configPath));
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
