/**
 * The system's keychain. The program reaches it through the platform's own docker-credential helper, and reads and
 * changes only the entries that it names.
 *
 * @see https://github.com/docker/docker-credential-helpers
 */

import { realpathSync } from 'node:fs';
import { describeCause } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { NOT_FOUND } from '../protocol.ts';
import { createQuote } from '../redact.ts';
import { type ChildResult, findExecutable, runChild } from './child-process.ts';
import { readClockMs } from './clock.ts';
import { findOwnProgram } from './own-program.ts';
import type { Runtime } from './runtime.ts';

/** A user name and its secret. */
export interface Login {
  readonly username: string;
  readonly secret: string;
}

/** A keychain program on PATH. */
export interface Keychain {
  /** The part of its name after `docker-credential-`. */
  readonly name: string;
  readonly file: string;
}

/** A locked keychain waits for somebody to unlock it, and hangs if nobody is there. */
const TIMEOUT_MS = 5_000;
/** `CRED_MAX_CREDENTIAL_BLOB_SIZE` of Windows, which refuses a longer secret with "the stub received bad data". */
const MAX_WINDOWS_SECRET_BYTES = 2_560;
/** `docker-credential-pass` prints this instead of the protocol's text. */
const NOT_IN_PASS = /is not in the password store/;

/** The names of the platform's keychains in order of preference: the desktop's before the one for terminals. */
export function listKeychains({ platform }: Runtime): readonly string[] {
  if (platform === 'darwin') return ['osxkeychain'];
  return platform === 'win32' ? ['wincred'] : ['secretservice', 'pass'];
}

/** Says that no keychain can be used, since none of their programs is there. */
export function describeMissingKeychains(names: readonly string[]): string {
  const programs = names.map((name) => `docker-credential-${name}`);
  return programs.length === 1 ? `${programs[0]} is not on PATH` : `neither ${programs.join(' nor ')} is on PATH`;
}

/**
 * Finds the program of a keychain.
 * @returns `undefined` when the program is not on PATH, or is this program under another name.
 */
export function findKeychain(runtime: Runtime, name: string): Keychain | undefined {
  const program = `docker-credential-${name}`;
  const file = runtime.programName === program ? undefined : findExecutable(runtime, program);
  return file === undefined || isOwnFile(file) ? undefined : { name, file };
}

function isOwnFile(file: string): boolean {
  const own = findOwnProgram()?.file ?? process.execPath;
  return realpathSync(file) === realpathSync(own);
}

/**
 * Names the keychain entry of a server. Its host cannot exist, so the name cannot clash with an entry of another
 * program.
 */
export function keychainEntryName(serverName: string): string {
  // No scheme: podman gives up on a keychain that lists one. The server is encoded, so that its slashes are not a path.
  return `docker-credential-acr.invalid/${encodeURIComponent(serverName.toWellFormed())}`;
}

/** Names the keychain entry of an account's refresh token, which no server's entry can have. */
export function accountEntryName(account: string): string {
  return `docker-credential-acr-account.invalid/${encodeURIComponent(account.toWellFormed())}`;
}

/**
 * Reads an entry of the keychain.
 * @returns `undefined` when there is no such entry.
 * @throws an error without a code that says why the keychain cannot be read.
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
    throw new Error(describeExit(runtime, keychain, stdout, stderr));
  }
  const { Username: username, Secret: secret } = parseJsonObject(stdout) ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw new Error(`docker-credential-${keychain.name} did not return a credential`);
  }
  if (asText(secret) !== undefined) runtime.secrets.add(secret);
  // `docker-credential-pass` returns this for an entry that was erased.
  return username === '' && secret === '' ? undefined : { username, secret };
}

/**
 * Stores a login, and reads it back to make sure that the keychain works.
 * @throws an error without a code that says why the keychain cannot store the login. No entry is left behind.
 */
export async function writeKeychain(
  runtime: Runtime,
  keychain: Keychain,
  entry: string,
  login: Login,
  log: Log | undefined,
): Promise<void> {
  // `docker-credential-pass` may keep an older login beside the new one. Then erase both and store once more.
  for (const isLast of [false, true]) {
    await replaceInKeychain(runtime, keychain, entry, login, log);
    let kept: Login | undefined;
    try {
      kept = await readKeychain(runtime, keychain, entry, log);
    } catch (cause) {
      await eraseKeychain(runtime, keychain, entry, log);
      throw cause;
    }
    if (kept?.username === login.username && kept.secret === login.secret) return;
    await eraseKeychain(runtime, keychain, entry, log);
    if (isLast) throw new Error(`docker-credential-${keychain.name} does not return what was stored in it`);
  }
}

/**
 * Erases an entry, if there is one. Never fails: an entry that cannot be erased is simply no longer used.
 * @returns why the entry may still be there; `undefined` when it is gone.
 */
export async function eraseKeychain(
  runtime: Runtime,
  keychain: Keychain,
  entry: string,
  log: Log | undefined,
): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await call(runtime, keychain, 'erase', entry, log);
    if (exitCode === 0 || stdout.trim() === NOT_FOUND || NOT_IN_PASS.test(stdout)) return undefined;
    return describeExit(runtime, keychain, stdout, stderr);
  } catch (cause) {
    return describeCause(cause); // `call` has logged it
  }
}

/**
 * Replaces the secret of an entry that the keychain has returned, for the same user name. Other than `writeKeychain`, it
 * starts the program only once, and the old secret stays if that fails.
 * @throws an error without a code that says why the keychain cannot store the login.
 */
export async function replaceInKeychain(
  runtime: Runtime,
  keychain: Keychain,
  entry: string,
  login: Login,
  log: Log | undefined,
): Promise<void> {
  if (keychain.name === 'wincred' && Buffer.byteLength(login.secret) > MAX_WINDOWS_SECRET_BYTES) {
    throw new Error(`the secret is longer than the ${MAX_WINDOWS_SECRET_BYTES} bytes that Windows can store`);
  }
  const payload = `${JSON.stringify({ ServerURL: entry, Username: login.username, Secret: login.secret })}\n`;
  const { exitCode, stdout, stderr } = await call(runtime, keychain, 'store', payload, log);
  if (exitCode !== 0) throw new Error(describeExit(runtime, keychain, stdout, stderr));
}

/** @throws when the program cannot be started or does not end in time. */
async function call(
  runtime: Runtime,
  { name, file }: Keychain,
  verb: 'get' | 'store' | 'erase',
  input: string,
  log: Log | undefined,
): Promise<ChildResult> {
  const startedAtMs = readClockMs();
  const logCall = (outcome: string, reason?: string) => {
    const durationMs = Math.round(readClockMs() - startedAtMs);
    const step = { step: 'program', outcome, source: `docker-credential-${name} ${verb}`, durationMs } as const;
    log?.(reason === undefined ? step : { ...step, reason });
  };
  let result: ChildResult;
  try {
    result = await runChild(runtime, { file, args: [verb], timeoutMs: TIMEOUT_MS, input });
  } catch (cause) {
    const reason = describeCause(cause);
    logCall('failed', reason);
    throw new Error(`docker-credential-${name}: ${reason}`);
  }
  if (result.timedOut) {
    const reason = `no response within ${TIMEOUT_MS / 1000} seconds; it may be locked`;
    logCall('failed', reason);
    throw new Error(`docker-credential-${name}: ${reason}`);
  }
  if (result.exitCode === 0) logCall('ended');
  else logCall('failed', createQuote(runtime)(result.stdout || result.stderr, 200));
  return result;
}

function describeExit(runtime: Runtime, { name }: Keychain, stdout: string, stderr: string): string {
  const message = stdout.trim() || stderr.trim() || 'it failed without a message';
  return `docker-credential-${name}: ${createQuote(runtime)(message, 200)}`;
}
