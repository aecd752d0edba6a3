/** Erases logins: from the index, from the keychains, and from what a crash or damage has left of the index. */

import { describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { eraseKeychain, findKeychain, keychainEntryName, listKeychains } from '../system/keychain.ts';
import type { Runtime } from '../system/runtime.ts';
import { hasCopies, removeDamagedCopies, removeDamagedIndex, removeTemporaryCopies } from './index-copies.ts';
import { lockIndex, MAX_WAIT_MS } from './index-lock.ts';
import { findIndexFile, readIndex, shrinkIndex } from './login-index.ts';

/** Which server's login. */
export interface EraseRequest {
  readonly runtime: Runtime;
  /** The server name (see `parseServerName`). */
  readonly name: string;
  readonly log: Log | undefined;
}

/**
 * Removes a login from the index and from its keychain, and every copy of the index that a crash or damage has left
 * behind. Never fails, even if the keychain does not respond.
 * @returns why the login is still in the index; `undefined` when it is gone.
 */
export async function eraseLogin(request: EraseRequest): Promise<string | undefined> {
  const { runtime, name, log } = request;
  try {
    const file = await findIndexFile(runtime);
    if (file === undefined || !mayHold(file, name)) return undefined;
    // Goes on without the lock if a process holds it for too long, or if the disk is full: the index is read again and
    // replaced as a whole.
    const lock = await lockIndex(file, MAX_WAIT_MS).catch(() => undefined);
    try {
      if (lock !== undefined) removeTemporaryCopies(file);
      removeDamagedCopies(file);
      const index = readIndex(file);
      if (index === 'damaged') removeDamagedIndex(file);
      if (typeof index === 'string') {
        await eraseEverywhere(request, listKeychains(runtime));
        return index === 'untrusted' ? `${file} cannot be read, or others can open it` : undefined;
      }
      const entry = index.entries.get(name);
      if (entry === undefined) return undefined;
      shrinkIndex(file, { ...index, entries: new Map([...index.entries].filter(([other]) => other !== name)) });
      if ('keychain' in entry) await eraseEverywhere(request, [entry.keychain]);
    } finally {
      lock?.release();
    }
    return undefined;
  } catch (cause) {
    const reason = describeCause(cause);
    log?.({ step: 'end', outcome: 'not-erased', reason });
    return reason;
  }
}

/** Whether a login may be in the index or in a copy of it. */
function mayHold(file: string, name: string): boolean {
  const index = readIndex(file);
  return typeof index === 'string' || index.entries.has(name) || hasCopies(file);
}

/** Erases a server's login from these keychains. Never fails. */
export async function eraseEverywhere(
  { runtime, name, log }: EraseRequest,
  keychains: readonly string[],
): Promise<void> {
  for (const candidate of keychains) {
    const keychain = findKeychain(runtime, candidate);
    if (keychain !== undefined) await eraseKeychain(runtime, keychain, keychainEntryName(name), log);
  }
}
