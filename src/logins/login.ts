/** Stores logins in the system's keychain or in an owner-only file, and reads them back. */

import type { LoginBackend } from '../config/login-settings.ts';
import { CredentialError, describeCause } from '../errors.ts';
import { createQuote } from '../redact.ts';
import { shellWord } from '../shell-word.ts';
import {
  describeMissingKeychains,
  eraseKeychain,
  findKeychain,
  keychainEntryName,
  type Login,
  listKeychains,
  readKeychain,
  writeKeychain,
} from '../system/keychain.ts';
import { type EraseRequest, eraseEverywhere } from './erase-login.ts';
import { moveDamagedIndex, removeTemporaryCopies } from './index-copies.ts';
import { lockIndex, MAX_WAIT_MS } from './index-lock.ts';
import {
  findIndexFile,
  type KeychainEntry,
  type LoginEntry,
  readIndex,
  type UnreadableIndex,
  writeIndex,
} from './login-index.ts';

/** Which server's login, and where the configuration wants it. */
export interface LoginRequest extends EraseRequest {
  /** `undefined` means the keychain if one works, else the file. */
  readonly backend: LoginBackend | undefined;
}

/** Where a login was stored. */
export interface StoredLogin {
  /** Set when this is the first login that is stored unencrypted: the file, and why no keychain has it. */
  readonly firstInFile: { readonly file: string; readonly reason: string } | undefined;
}

/**
 * Stores a login. It replaces the server's old login, which is erased wherever it was stored.
 * @param server the server's name in `list`.
 * @throws an error without a code that says why the login cannot be stored.
 * @throws STORE_REFUSED when the index is damaged or cannot be trusted.
 */
export async function storeLogin(request: LoginRequest, server: string, login: Login): Promise<StoredLogin> {
  const file = await findIndexFile(request.runtime);
  if (file === undefined) throw new Error('there is no folder to store it in');
  request.runtime.secrets.add(login.secret);
  const lock = await lockIndex(file, MAX_WAIT_MS);
  if (lock === undefined) throw new Error('another process has been storing a credential for too long');
  try {
    removeTemporaryCopies(file);
    const index = readIndex(file);
    if (typeof index === 'string') throw rejectIndex(file, index);
    return await replaceEntry(request, file, server, login, true);
  } finally {
    lock.release();
  }
}

/**
 * Reads a stored login. If the configuration now wants it elsewhere, moves it there.
 * @returns `undefined` when the keychain no longer has it.
 * @throws KEYCHAIN_FAILED when the keychain cannot be read.
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

/**
 * Stores the new login, then writes the index that names it, and only then erases the old login.
 * @param isWarningShown whether the caller shows a warning about an unencrypted login.
 */
async function replaceEntry(
  request: LoginRequest,
  file: string,
  server: string,
  login: Login,
  isWarningShown: boolean,
): Promise<StoredLogin> {
  const { name, backend } = request;
  const tried =
    backend === 'file'
      ? { reason: '"store": "file" is configured' }
      : await tryKeychains(request, login, findBefore(file, name));
  const isInFile = 'reason' in tried;
  if (isInFile && backend === 'keychain') throw new Error(tried.reason);
  // Read only now: a process that gave up on the lock may have changed the index while the keychain was busy.
  const index = readIndex(file);
  if (typeof index === 'string') throw rejectIndex(file, index);
  const { username, secret } = login;
  const entry = isInFile ? { server, username, secret } : { server, username, keychain: tried.keychain };
  const hasWarned = index.hasWarned || (isInFile && isWarningShown);
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

/** @returns the keychain that now has the login, or the reason why none has it. */
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
      // Some keychains would keep the other user's login beside the new one.
      if (before !== undefined && 'keychain' in before && before.username !== login.username) {
        if (before.keychain === candidate) await eraseKeychain(runtime, keychain, keychainEntryName(name), log);
      }
      await writeKeychain(runtime, keychain, keychainEntryName(name), login, log);
      return { keychain: candidate };
    } catch (cause) {
      reasons.push(describeCause(cause));
    }
  }
  return { reason: reasons.length === 0 ? describeMissingKeychains(names) : reasons.join('; ') };
}

async function readEntry({ runtime, name, log }: LoginRequest, entry: KeychainEntry): Promise<Login | undefined> {
  const program = `docker-credential-${entry.keychain}`;
  const keychain = findKeychain(runtime, entry.keychain);
  try {
    if (keychain === undefined) throw new Error(`${program} is not on PATH`);
    return await readKeychain(runtime, keychain, keychainEntryName(name), log);
  } catch (cause) {
    const server = createQuote(runtime)(entry.server, 100);
    throw new CredentialError(
      'KEYCHAIN_FAILED',
      `Cannot read the stored credential for ${server}: ${describeCause(cause)}`,
      { hint: `unlock the keychain, or remove the credential: docker logout ${shellWord(entry.server)}` },
    );
  }
}

/**
 * Moves a login to the other backend, unless another process is changing the index. Never fails: `get` has the login.
 */
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

/**
 * Explains an unusable index, and keeps it: renames it if it is damaged, leaves it in place if it cannot be trusted.
 */
function rejectIndex(file: string, why: UnreadableIndex): CredentialError {
  if (why === 'untrusted') {
    return new CredentialError(
      'STORE_REFUSED',
      `Cannot use ${file}: others can open it, or it is a link or too large`,
      {
        hint: `chmod 600 ${shellWord(file)}, or move it away`,
      },
    );
  }
  const aside = moveDamagedIndex(file);
  return new CredentialError('STORE_REFUSED', `Cannot use ${file}: it is damaged; it was renamed to ${aside}`, {
    hint: 'log in to your registries again',
  });
}
