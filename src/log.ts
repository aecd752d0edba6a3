/**
 * The log that a person can turn on: one JSON line per step, in a small owner-only file.
 *
 * A step has only named fields of known types. None is meant for a token or a secret, and every text is redacted.
 */

import { closeSync, constants, fchmodSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { ErrorCode } from './errors.ts';
import { createQuote, type Quote } from './redact.ts';
import { isOwnFile } from './system/files.ts';
import { type Runtime, readVariable } from './system/runtime.ts';

/** One line of the log. */
export interface LogStep {
  readonly step:
    | 'command'
    | 'start'
    | 'config'
    | 'identity'
    | 'cache'
    | 'lock'
    | 'request'
    | 'program'
    | 'sign-in'
    | 'end';
  readonly outcome: string;
  readonly host?: string;
  readonly path?: string;
  readonly source?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly correlationId?: string | undefined;
  /** The kind of failure that ended the run. */
  readonly code?: ErrorCode;
  readonly reason?: string;
  readonly expiresAtSeconds?: number;
}

/** Writes a step to the log. Never fails. */
export type Log = (step: LogStep) => void;

const MAX_LOG_BYTES = 1024 * 1024;
const MAX_TEXT_LENGTH = 1000;
const STANDARD_ERROR = 2;
/** The fields with a text of somebody else's. */
const TEXTS = ['outcome', 'host', 'path', 'source', 'correlationId', 'reason'] as const;
const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_WRONLY } = constants;

/** Opens the log that the person requested with `DOCKER_CREDENTIAL_ACR_LOG`, if any. */
export function openRequestedLog(runtime: Runtime): Log | undefined {
  const target = readVariable(runtime, 'DOCKER_CREDENTIAL_ACR_LOG');
  return target === undefined ? undefined : openLog(runtime, target, createQuote(runtime));
}

/**
 * Opens the log. Renames a file that has become too large to `<file>.1` first.
 * @param target a file, or `stderr`.
 * @param quote shortens each text and removes secrets from it, before it is written as JSON.
 * @returns `undefined` when the log cannot be written safely. The program then runs without it.
 */
export function openLog(runtime: Runtime, target: string, quote: Quote): Log | undefined {
  const descriptor = target === 'stderr' ? STANDARD_ERROR : openFile(target);
  if (descriptor === undefined) return undefined;
  return (step) => {
    const common = { time: new Date(runtime.now()).toISOString(), process: process.pid };
    const line = JSON.stringify({ ...common, ...cleanStep(step, quote) });
    try {
      writeSync(descriptor, `${line}\n`);
    } catch {
      // On a full disk, the program runs without the log.
    }
  };
}

/** Creates the function that shortens the texts of a step and removes secrets from them. */
export function createStepCleaner(runtime: Runtime): (step: LogStep) => LogStep {
  const quote = createQuote(runtime);
  return (step) => cleanStep(step, quote);
}

function cleanStep(step: LogStep, quote: Quote): LogStep {
  const clean = (text: string | undefined) => (text === undefined ? undefined : quote(text, MAX_TEXT_LENGTH));
  const texts = TEXTS.flatMap((name) => (step[name] === undefined ? [] : [[name, clean(step[name])] as const]));
  return { ...step, ...Object.fromEntries(texts) };
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
