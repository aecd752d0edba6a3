/** Keeps what people typed at a login, in the system's keychain or else in a file of their own, and gives it back. */

import { existsSync, renameSync } from 'node:fs';
import type { LoginBackend } from '../config/login-settings.ts';
import { CredentialError, describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { quoteForeignText } from '../redact.ts';
import {
  eraseKeychain,
  findKeychain,
  keychainEntryName,
  type Login,
  listKeychains,
  readKeychain,
  writeKeychain,
} from '../system/keychain.ts';
import type { Runtime } from '../system/runtime.ts';
import { lockIndex, MAX_WAIT_MS } from './index-lock.ts';
import {
  findIndexFile,
  type KeychainEntry,
  type LoginEntry,
  readIndex,
  type UnreadableIndex,
  writeIndex,
} from './login-index.ts';

/** Whose credential, and what the configuration says of the place. */
export interface LoginRequest {
  readonly runtime: Runtime;
  /** The server's one name. */
  readonly name: string;
  /** `undefined` is the keychain where one works, else the file. */
  readonly backend: LoginBackend | undefined;
  readonly log: Log | undefined;
}

/** Where a login was kept. */
export interface Kept {
  /** Set when it is the first one that is kept in the clear: the file, and why not in a keychain. */
  readonly firstInFile: { readonly file: string; readonly reason: string } | undefined;
}

/**
 * Keeps a login in the place of the one before, which is forgotten wherever it was.
 * @param server as it is to be listed.
 * @throws an error that tells why it cannot be kept, in no place.
 */
export async function keepLogin(request: LoginRequest, server: string, login: Login): Promise<Kept> {
  const file = await findIndexFile(request.runtime);
  if (file === undefined) throw new Error('there is no folder to keep it in');
  request.runtime.secrets.add(login.secret);
  const lock = await lockIndex(file, MAX_WAIT_MS);
  if (lock === undefined) throw new Error('another process has been storing one for too long');
  try {
    const index = readIndex(file);
    if (typeof index === 'string') throw explainUnreadable(file, index);
    return await replaceEntry(request, file, server, login, true);
  } finally {
    lock.release();
  }
}

/**
 * Gets a login back; moves it where the configuration wants it by now.
 * @returns `undefined` when somebody took it out of the keychain.
 * @throws KEYCHAIN_FAILED
 */
export async function readLogin(request: LoginRequest, entry: LoginEntry): Promise<Login | undefined> {
  const { runtime, backend, log } = request;
  const isInFile = 'secret' in entry;
  const login = isInFile ? entry : await readEntry(request, entry);
  log?.({ step: 'cache', outcome: login === undefined ? 'gone' : 'typed', source: isInFile ? 'file' : entry.keychain });
  if (login === undefined) return undefined;
  runtime.secrets.add(login.secret);
  if (backend !== undefined && (backend === 'file') !== isInFile) await moveEntry(request, entry);
  return { username: login.username, secret: login.secret };
}

/** Forgets a login, also where the keychain does not answer. Never fails. */
export async function forgetLogin(request: Omit<LoginRequest, 'backend'>): Promise<void> {
  const { runtime, name, log } = request;
  try {
    const file = await findIndexFile(runtime);
    const seen = file === undefined ? undefined : readIndex(file);
    if (file === undefined || seen === undefined || (typeof seen === 'object' && !seen.entries.has(name))) return;
    // Whoever holds it for so long is not worth an answer: the index is replaced as a whole, after one more look.
    const lock = await lockIndex(file, MAX_WAIT_MS);
    try {
      const index = readIndex(file);
      if (typeof index === 'string') return await eraseEverywhere(request, listKeychains(runtime));
      const entry = index.entries.get(name);
      if (entry === undefined) return;
      writeIndex(file, { ...index, entries: new Map([...index.entries].filter(([other]) => other !== name)) });
      if ('keychain' in entry) await eraseEverywhere(request, [entry.keychain]);
    } finally {
      lock?.release();
    }
  } catch (cause) {
    log?.({ step: 'end', outcome: 'not-erased', reason: describeCause(cause) });
  }
}

/**
 * Keeps the new one, then the index that names it, and only then lets the old one go.
 * @param isTold whether the person will read a warning.
 */
async function replaceEntry(
  request: LoginRequest,
  file: string,
  server: string,
  login: Login,
  isTold: boolean,
): Promise<Kept> {
  const { name, backend } = request;
  const tried =
    backend === 'file'
      ? { reason: '"store": "file" is configured' }
      : await tryKeychains(request, login, findBefore(file, name));
  const isInFile = 'reason' in tried;
  if (isInFile && backend === 'keychain') throw new Error(tried.reason);
  // Read only now: whoever gave up on the lock may have changed it while a keychain took its time.
  const index = readIndex(file);
  if (typeof index === 'string') throw explainUnreadable(file, index);
  const { username, secret } = login;
  const entry = isInFile ? { server, username, secret } : { server, username, keychain: tried.keychain };
  const hasWarned = index.hasWarned || (isInFile && isTold);
  const before = index.entries.get(name);
  writeIndex(file, { entries: new Map([...index.entries, [name, entry]]), hasWarned });
  if (before !== undefined && 'keychain' in before && (isInFile || before.keychain !== tried.keychain)) {
    await eraseEverywhere(request, [before.keychain]);
  }
  return { firstInFile: isInFile && !index.hasWarned ? { file, reason: tried.reason } : undefined };
}

function findBefore(file: string, name: string): LoginEntry | undefined {
  const index = readIndex(file);
  return typeof index === 'string' ? undefined : index.entries.get(name);
}

/** @returns the keychain that has it now, or why none has. */
async function tryKeychains(
  { runtime, name, log }: LoginRequest,
  login: Login,
  before: LoginEntry | undefined,
): Promise<{ keychain: string } | { reason: string }> {
  const reasons: string[] = [];
  const names = listKeychains(runtime);
  for (const candidate of names) {
    const keychain = findKeychain(runtime, candidate);
    if (keychain === undefined) continue;
    try {
      // Some keep the login of another user beside the new one.
      if (before !== undefined && 'keychain' in before && before.username !== login.username) {
        if (before.keychain === candidate) await eraseKeychain(runtime, keychain, keychainEntryName(name), log);
      }
      await writeKeychain(runtime, keychain, keychainEntryName(name), login, log);
      return { keychain: candidate };
    } catch (cause) {
      reasons.push(describeCause(cause));
    }
  }
  const programs = names.map((candidate) => `docker-credential-${candidate}`).join(' or ');
  return { reason: reasons.length === 0 ? `${programs} is not on PATH` : reasons.join('; ') };
}

async function readEntry({ runtime, name, log }: LoginRequest, entry: KeychainEntry): Promise<Login | undefined> {
  const program = `docker-credential-${entry.keychain}`;
  const keychain = findKeychain(runtime, entry.keychain);
  try {
    if (keychain === undefined) throw new Error(`${program} is not on PATH`);
    return await readKeychain(runtime, keychain, keychainEntryName(name), log);
  } catch (cause) {
    const server = quoteForeignText(entry.server, 100);
    throw new CredentialError(
      'KEYCHAIN_FAILED',
      `Cannot read the stored credential of ${server}: ${describeCause(cause)}`,
      { hint: `unlock the keychain, or forget the credential: docker logout ${server}` },
    );
  }
}

/** Moves a login to the other place, unless somebody else changes the index just now. Its answer is not at stake. */
async function moveEntry(request: LoginRequest, seen: LoginEntry): Promise<void> {
  const { runtime, name, log } = request;
  try {
    const file = await findIndexFile(runtime);
    const lock = file === undefined ? undefined : await lockIndex(file, 0);
    if (file === undefined || lock === undefined) return;
    try {
      const index = readIndex(file);
      const entry = typeof index === 'string' ? undefined : index.entries.get(name);
      if (typeof index === 'string' || JSON.stringify(entry) !== JSON.stringify(seen)) return;
      const login = 'secret' in seen ? seen : await readEntry(request, seen);
      if (login === undefined) return;
      await replaceEntry(request, file, seen.server, login, false);
      log?.({ step: 'end', outcome: 'moved', source: request.backend ?? '' });
    } finally {
      lock.release();
    }
  } catch (cause) {
    log?.({ step: 'end', outcome: 'not-moved', reason: describeCause(cause) });
  }
}

async function eraseEverywhere(
  { runtime, name, log }: Omit<LoginRequest, 'backend'>,
  keychains: readonly string[],
): Promise<void> {
  for (const candidate of keychains) {
    const keychain = findKeychain(runtime, candidate);
    if (keychain !== undefined) await eraseKeychain(runtime, keychain, keychainEntryName(name), log);
  }
}

/** What cannot be read is never lost: a damaged index is put aside, one that others could have written stays. */
function explainUnreadable(file: string, why: UnreadableIndex): CredentialError {
  if (why === 'untrusted') {
    return new CredentialError('STORE_REFUSED', `Cannot use ${file}: it is open to others, a link, or too large`, {
      hint: `chmod 600 ${file}, or move it away`,
    });
  }
  const aside = findFreeName(`${file}.broken`);
  renameSync(file, aside);
  return new CredentialError('STORE_REFUSED', `Cannot use ${file}: it is damaged, and is now ${aside}`, {
    hint: `log in again, to each registry that was logged in to`,
  });
}

function findFreeName(name: string): string {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : `${name}.${count}`;
    if (!existsSync(candidate)) return candidate;
  }
}
