/**
 * The log that a person asks for: one JSON line a step, in an owner-only file that stays small.
 *
 * A step has named fields of known kinds and none that could hold a token or a secret.
 */

import { closeSync, constants, fchmodSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { ErrorCode } from './errors.ts';
import { isOwnFile } from './system/files.ts';
import type { Runtime } from './system/runtime.ts';

export interface LogStep {
  readonly step: 'start' | 'config' | 'identity' | 'cache' | 'lock' | 'request' | 'program' | 'sign-in' | 'end';
  readonly outcome: string;
  readonly host?: string;
  readonly path?: string;
  readonly source?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly correlationId?: string | undefined;
  /** What kind of failure ended the call. */
  readonly code?: ErrorCode;
  readonly reason?: string;
  readonly expiresAtSeconds?: number;
}

export type Log = (step: LogStep) => void;

const MAX_LOG_BYTES = 1024 * 1024;
const STANDARD_ERROR = 2;
const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_WRONLY } = constants;

/**
 * Opens the log.
 * @param target a file, or `stderr`.
 * @param redact what each line goes through before it is written.
 * @returns `undefined` where it cannot be written safely: a log is never worth an answer.
 */
export function openLog(runtime: Runtime, target: string, redact: (text: string) => string): Log | undefined {
  const descriptor = target === 'stderr' ? STANDARD_ERROR : openFile(target);
  if (descriptor === undefined) return undefined;
  return (step) => {
    const line = JSON.stringify({ time: new Date(runtime.now()).toISOString(), process: process.pid, ...step });
    try {
      writeSync(descriptor, `${redact(line)}\n`);
    } catch {
      // A full disk costs the log, not the answer.
    }
  };
}

function openFile(file: string): number | undefined {
  try {
    const descriptor = openOwnLog(file);
    if (descriptor === undefined || fstatSync(descriptor).size < MAX_LOG_BYTES) return descriptor;
    closeSync(descriptor);
    renameSync(file, `${file}.1`);
    return openOwnLog(file);
  } catch {
    return undefined;
  }
}

function openOwnLog(file: string): number | undefined {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
  const descriptor = openSync(file, flags, 0o600);
  if (fstatSync(descriptor).size === 0 && fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600);
  if (isOwnFile(descriptor)) return descriptor;
  closeSync(descriptor);
  return undefined;
}
