/** Finds the kubelet that runs on this machine: its flags, its environment, and which files it sees. */

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listNames } from '../../../system/folders.ts';

/** A kubelet that runs. */
export interface RunningKubelet {
  readonly processId: number;
  /** The program that it is a part of. */
  readonly distribution: 'kubelet' | 'k3s';
  readonly flags: ReadonlyMap<string, string>;
  /** Its environment, which plug-ins inherit; `undefined` when only root may read it. */
  readonly environment: Readonly<Record<string, string>> | undefined;
  /** When it started, in milliseconds since the epoch; `undefined` when that cannot be read. */
  readonly startedAtMs: number | undefined;
  /** Whether it runs in another container, and sees other files than this process. */
  readonly isElsewhere: boolean;
  /** Its executable, as a path to run. */
  readonly executable: string;
}

/** Linux counts the start of a process in these, on every machine. */
const TICKS_PER_SECOND = 100;

/**
 * Lists the kubelets, those that see the same files first. A process of another user than root or oneself is none: its
 * flags could name any program.
 * @param folder where the system describes its processes: `/proc`.
 */
export function listKubelets(folder: string): readonly RunningKubelet[] {
  const found = listNames(folder).flatMap((name) => (/^\d{1,10}$/.test(name) ? readKubelet(folder, name) : []));
  return found.sort((one, other) => Number(one.isElsewhere) - Number(other.isElsewhere));
}

function readKubelet(folder: string, processId: string): readonly RunningKubelet[] {
  const own = (...names: readonly string[]) => join(folder, processId, ...names);
  const words = splitZeros(readText(own('cmdline')));
  // Some programs write their whole command line as one word.
  const args = words.length === 1 ? (words[0] ?? '').split(' ') : words;
  const distribution = findDistribution(args);
  if (distribution === undefined) return [];
  try {
    const { uid } = statSync(own());
    if (uid !== 0 && uid !== process.geteuid?.()) return [];
  } catch {
    return []; // it has ended
  }
  const environment = readText(own('environ'));
  return [
    {
      processId: Number(processId),
      distribution,
      flags: readFlags(args.slice(1)),
      environment: environment === undefined ? undefined : readEnvironment(environment),
      startedAtMs: readStart(readText(join(folder, 'stat')), readText(own('stat'))),
      isElsewhere: isDifferent(readLink(own('ns', 'mnt')), readLink(join(folder, 'self', 'ns', 'mnt'))),
      executable: own('exe'),
    },
  ];
}

function findDistribution([program = '', command = '']: readonly string[]): RunningKubelet['distribution'] | undefined {
  const name = basename(program);
  if (name === 'kubelet') return 'kubelet';
  const isK3s = name === 'k3s-agent' || name === 'k3s-server' || (name === 'k3s' && /^(?:agent|server)$/.test(command));
  return isK3s ? 'k3s' : undefined;
}

/**
 * Reads flags: `--name=value` or `--name value`. The last one counts; those of `feature-gates` are joined.
 * @returns the values by name, with the flags that k3s passes on.
 */
function readFlags(args: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  const set = (name: string, value: string) => {
    const before = flags.get(name);
    flags.set(name, name === 'feature-gates' && before !== undefined ? `${before},${value}` : value);
  };
  args.forEach((arg, index) => {
    const { name, value } = /^--?(?<name>[a-z][a-z0-9-]*)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {};
    if (name === undefined) return;
    const next = args[index + 1];
    const given = value ?? (next?.startsWith('-') === false ? next : '');
    if (name !== 'kubelet-arg') {
      set(name, given);
      return;
    }
    const [own = '', ...rest] = given.split('=');
    set(own, rest.join('='));
  });
  return flags;
}

/** Whether two links are known and differ. */
function isDifferent(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

function readEnvironment(text: string): Readonly<Record<string, string>> {
  const entries = splitZeros(text).map((entry): [string, string] => {
    const end = entry.indexOf('=');
    return end < 0 ? [entry, ''] : [entry.slice(0, end), entry.slice(end + 1)];
  });
  return Object.fromEntries(entries);
}

/**
 * Computes when a process started.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
function readStart(system: string | undefined, own: string | undefined): number | undefined {
  const bootSeconds = Number(/^btime (\d{1,15})$/m.exec(system ?? '')?.[1]);
  // The name of the program, in parentheses, may hold anything.
  const fields = own?.slice(own.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields?.[19]);
  const startedAtMs = (bootSeconds + ticks / TICKS_PER_SECOND) * 1000;
  return Number.isFinite(startedAtMs) ? startedAtMs : undefined;
}

function splitZeros(text: string | undefined): readonly string[] {
  return (text ?? '').split('\0').filter((word) => word !== '');
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Reads a link. @returns `undefined` when there is none. */
export function readLink(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}
