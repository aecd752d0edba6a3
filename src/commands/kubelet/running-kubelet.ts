/** Finds the kubelet that runs on a node, in the node's process table: its flags, and what would start it again. */

import { lstatSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { listNames, MISSING_IS_UNDEFINED } from '../../system/folders.ts';
import { locateOnNode } from './node-path.ts';

/** A kubelet, or a program of which the kubelet is a part. */
export interface RunningKubelet {
  readonly processId: number;
  /** The name of the program: `kubelet`, or `k3s` and others that contain one. */
  readonly program: string;
  /** Whether the kubelet is a part of this process, which sets the flags itself. */
  readonly isBuiltIn: boolean;
  /** What `--image-credential-provider-config` says; `undefined` without it. */
  readonly configPath: string | undefined;
  /** What `--image-credential-provider-bin-dir` says; `undefined` without it. */
  readonly binFolder: string | undefined;
  /** The unit of systemd that starts it again, such as `kubelet.service`. */
  readonly unit: string | undefined;
  /** When it started, in seconds since the epoch. */
  readonly startedAtSeconds: number | undefined;
}

/** Where the system shows its processes. */
export const PROCESS_TABLE = '/proc';

const BUILT_IN = ['k3s', 'rke2', 'k0s', 'microk8s', 'kubelite'];
/** A part of the name of the control group of every container that a kubelet starts. */
const POD_GROUP = 'kubepods';
/** Linux shows times to programs in this unit, on every processor that it supports here. */
const TICKS_PER_SECOND = 100;
/** In the file `stat`, counted behind the name, which may hold spaces. */
const START_TIME_FIELD = 19;

/**
 * Finds the kubelet of the node. Never fails.
 * @param processTable the folder of the node's processes. In a container it shows them only with `hostPID`.
 * @returns `undefined` when none is visible.
 */
export function findKubelet(processTable: string): RunningKubelet | undefined {
  const found = listNames(processTable)
    .filter((name) => /^\d{1,10}$/.test(name))
    .map((name) => readKubelet(processTable, Number(name)))
    .filter((one) => one !== undefined);
  // Of k3s and a kubelet that somebody started beside it, only the second has flags.
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

function readKubelet(processTable: string, processId: number): RunningKubelet | undefined {
  const folder = join(processTable, String(processId));
  const words = readProcessFile(folder, 'cmdline').split('\0');
  const program = basename(words[0] ?? '');
  const isBuiltIn = BUILT_IN.includes(program) && words.some((word) => ['server', 'agent', 'worker'].includes(word));
  const isWhole = program === 'kubelet' || (program === 'hyperkube' && words[1] === 'kubelet');
  if (!isWhole && !isBuiltIn && program !== 'kubelite') return undefined;
  const group = readProcessFile(folder, 'cgroup');
  if (group.includes(POD_GROUP) || lstatSync(folder, MISSING_IS_UNDEFINED)?.uid !== lstatRoot(processTable)) {
    return undefined; // a program of a pod, which may call itself anything
  }
  return {
    processId,
    program,
    isBuiltIn: !isWhole,
    configPath: readFlag(words, 'image-credential-provider-config'),
    binFolder: readFlag(words, 'image-credential-provider-bin-dir'),
    unit: /\/([\w@.-]{1,100}\.service)(?:\n|$)/.exec(group)?.[1],
    startedAtSeconds: readStart(processTable, folder),
  };
}

/** The kubelet runs as the owner of the process table: root. */
function lstatRoot(processTable: string): number | undefined {
  return lstatSync(processTable, MISSING_IS_UNDEFINED)?.uid;
}

/** Reads a flag in either form, with one hyphen or two; the last one counts. */
function readFlag(words: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (const [index, word] of words.entries()) {
    const [flag = '', ...rest] = word.split('=');
    if (flag !== `--${name}` && flag !== `-${name}`) continue;
    value = rest.length > 0 ? rest.join('=') : words[index + 1];
  }
  return value === '' ? undefined : value;
}

function readStart(processTable: string, folder: string): number | undefined {
  const stat = readProcessFile(folder, 'stat');
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD]);
  const boot = Number(/^btime (\d{1,15})$/m.exec(readProcessFile(processTable, 'stat'))?.[1]);
  return Number.isFinite(ticks) && Number.isFinite(boot) ? boot + ticks / TICKS_PER_SECOND : undefined;
}

function readProcessFile(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
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
export function checkFlags(kubelet: RunningKubelet, binFolder: string, configPath: string | undefined): FlagCheck {
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

/** Since Kubernetes 1.36 the flag may also name a folder, of which every YAML and JSON file counts. */
function isSamePlace(flag: string, configPath: string | undefined): boolean {
  if (configPath === undefined) return true;
  const named = trimSlash(flag);
  return named === configPath || (named === dirname(configPath) && /\.(?:json|ya?ml)$/.test(configPath));
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
