/**
 * The system's keychain, by way of the platform's own docker-credential helper: where it keeps secrets is what people
 * chose, and nothing of theirs is read or changed but by its name.
 *
 * @see https://github.com/docker/docker-credential-helpers
 */

import { realpathSync } from 'node:fs';
import { describeCause } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { NOT_FOUND } from '../protocol.ts';
import { quoteForeignText } from '../redact.ts';
import { type ChildResult, findExecutable, runChild } from './child-process.ts';
import { readClockMs } from './clock.ts';
import type { Runtime } from './runtime.ts';

export interface Login {
  readonly username: string;
  readonly secret: string;
}

/** A keychain program that is on PATH. */
export interface Keychain {
  /** What follows `docker-credential-` in its name. */
  readonly name: string;
  readonly file: string;
}

/** A keychain hangs when it waits for somebody to unlock it who is not there. */
const TIMEOUT_MS = 5_000;
/** `CRED_MAX_CREDENTIAL_BLOB_SIZE` of Windows: what is longer is refused with "the stub received bad data". */
const MAX_WINDOWS_SECRET_BYTES = 2_560;
/** What `docker-credential-pass` says instead of the protocol's text. */
const NOT_IN_PASS = /is not in the password store/;

/** The platform's keychains, the one that people see before the one for terminals. */
export function listKeychains({ platform }: Runtime): readonly string[] {
  if (platform === 'darwin') return ['osxkeychain'];
  return platform === 'win32' ? ['wincred'] : ['secretservice', 'pass'];
}

/** @returns `undefined` when its program is not on PATH, or is this program by another name. */
export function findKeychain(runtime: Runtime, name: string): Keychain | undefined {
  const program = `docker-credential-${name}`;
  const file = runtime.programName === program ? undefined : findExecutable(runtime, program);
  return file === undefined || realpathSync(file) === realpathSync(process.execPath) ? undefined : { name, file };
}

/** The name of an entry of ours: of a host that cannot exist, so that it is nobody's own entry. */
export function keychainEntryName(serverName: string): string {
  // Without a scheme: podman gives up on a keychain whose list has one. And no slash of a URL may be read as a path.
  return `docker-credential-acr.invalid/${encodeURIComponent(serverName.toWellFormed())}`;
}

/**
 * @returns `undefined` when there is no such entry.
 * @throws an error that tells why the keychain cannot be asked.
 */
export async function readKeychain(
  runtime: Runtime,
  keychain: Keychain,
  entry: string,
  log: Log | undefined,
): Promise<Login | undefined> {
  const { exitCode, stdout, stderr } = await call(runtime, keychain, 'get', entry, log);
  if (exitCode !== 0) {
    if (stdout.trim() === NOT_FOUND || NOT_IN_PASS.test(stdout)) return undefined;
    throw new Error(describeExit(keychain, stdout, stderr));
  }
  const { Username: username, Secret: secret } = parseJsonObject(stdout) ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw new Error(`docker-credential-${keychain.name} answered with something that is no credential`);
  }
  if (asText(secret) !== undefined) runtime.secrets.add(secret);
  // `docker-credential-pass` answers so for an entry that was erased.
  return username === '' && secret === '' ? undefined : { username, secret };
}

/**
 * Keeps a login, and makes sure that it can be had again: a keychain that takes what it cannot give is broken.
 * @throws an error that tells why the keychain cannot keep it, with nothing of it left there.
 */
export async function writeKeychain(
  runtime: Runtime,
  keychain: Keychain,
  entry: string,
  login: Login,
  log: Log | undefined,
): Promise<void> {
  if (keychain.name === 'wincred' && Buffer.byteLength(login.secret) > MAX_WINDOWS_SECRET_BYTES) {
    throw new Error(`the secret is longer than the ${MAX_WINDOWS_SECRET_BYTES} bytes that Windows keeps`);
  }
  const payload = `${JSON.stringify({ ServerURL: entry, Username: login.username, Secret: login.secret })}\n`;
  // A second time without what was there: `docker-credential-pass` keeps one login beside another.
  for (const isLast of [false, true]) {
    const { exitCode, stdout, stderr } = await call(runtime, keychain, 'store', payload, log);
    if (exitCode !== 0) throw new Error(describeExit(keychain, stdout, stderr));
    let kept: Login | undefined;
    try {
      kept = await readKeychain(runtime, keychain, entry, log);
    } catch (cause) {
      await eraseKeychain(runtime, keychain, entry, log);
      throw cause;
    }
    if (kept?.username === login.username && kept.secret === login.secret) return;
    await eraseKeychain(runtime, keychain, entry, log);
    if (isLast) throw new Error(`docker-credential-${keychain.name} does not give back what it was given`);
  }
}

/** Removes an entry that may not be there. Never fails: what cannot be removed is not looked for any more. */
export async function eraseKeychain(
  runtime: Runtime,
  keychain: Keychain,
  entry: string,
  log: Log | undefined,
): Promise<void> {
  try {
    await call(runtime, keychain, 'erase', entry, log);
  } catch {
    // Logged where it happened.
  }
}

/** @throws when the program cannot be started, or does not end. */
async function call(
  runtime: Runtime,
  { name, file }: Keychain,
  verb: 'get' | 'store' | 'erase',
  input: string,
  log: Log | undefined,
): Promise<ChildResult> {
  const startedAtMs = readClockMs();
  const tell = (outcome: string, reason?: string) => {
    const durationMs = Math.round(readClockMs() - startedAtMs);
    const step = { step: 'program', outcome, source: `docker-credential-${name} ${verb}`, durationMs } as const;
    log?.(reason === undefined ? step : { ...step, reason });
  };
  let result: ChildResult;
  try {
    result = await runChild(runtime, { file, args: [verb], timeoutMs: TIMEOUT_MS, input });
  } catch (cause) {
    const reason = describeCause(cause);
    tell('failed', reason);
    throw new Error(`docker-credential-${name}: ${reason}`);
  }
  if (result.timedOut) {
    const reason = `no answer within ${TIMEOUT_MS / 1000} seconds; it may be locked`;
    tell('failed', reason);
    throw new Error(`docker-credential-${name}: ${reason}`);
  }
  if (result.exitCode === 0) tell('ended');
  else tell('failed', quoteForeignText(result.stdout || result.stderr, 200));
  return result;
}

function describeExit({ name }: Keychain, stdout: string, stderr: string): string {
  return `docker-credential-${name}: ${quoteForeignText(stdout.trim() || stderr.trim() || 'it failed in silence', 200)}`;
}
