/** Tells machines, containers and restarts apart, so that a process id is only ever compared with one of its own kind. */

import { readFileSync, readlinkSync } from 'node:fs';
import { asText, type JsonObject } from '../json.ts';

/** Where a process runs. On a system other than Linux, only the host is known. */
export interface Machine {
  /** Changes with each start of the machine. */
  readonly boot: string;
  /** The namespace of process ids. Two containers on one machine have different ones. */
  readonly processes: string;
  /** The host name, which a person can change, and which two containers may share. */
  readonly host: string;
}

/** Reads where this process runs. Never fails. */
export function readMachine(): Machine {
  return {
    boot: readKernelText('/proc/sys/kernel/random/boot_id'),
    processes: readNamespace(),
    // The system's own file on Linux, since the module takes a millisecond to load.
    host: readKernelText('/proc/sys/kernel/hostname') || process.getBuiltinModule('node:os').hostname(),
  };
}

/** Reads the machine that a process wrote down. What is missing is empty. */
export function parseMachine({ boot, processes, host }: JsonObject): Machine {
  return { boot: asText(boot) ?? '', processes: asText(processes) ?? '', host: asText(host) ?? '' };
}

/** Whether a process id means the same process on both machines. */
export function sharesProcesses(one: Machine, other: Machine): boolean {
  if (one.boot === '' && other.boot === '') return one.host === other.host;
  return one.boot === other.boot && one.processes === other.processes;
}

function readKernelText(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return ''; // not Linux, or a sandbox without /proc
  }
}

function readNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
