/** Changes the index of the accounts, one process at a time. */

import { dirname } from 'node:path';
import { moveDamagedIndex, removeTemporaryCopies } from '../logins/index-copies.ts';
import { lockIndex } from '../logins/index-lock.ts';
import { overwriteOwnFile, replaceOwnFile } from '../system/files.ts';
import { makeOwnFolder } from '../system/folders.ts';
import type { Runtime } from '../system/runtime.ts';
import {
  type AccountIndex,
  findAccountFile,
  INDEX_VERSION,
  MAX_INDEX_BYTES,
  parseAccountIndex,
  readAccountIndex,
} from './account-index.ts';

/** The index, while this process may change it. */
export interface OpenIndex {
  /** Its file. The files of refresh tokens are beside it. */
  readonly file: string;
  /**
   * Reads it. A damaged index is renamed and counts as empty: it holds no secret, and its accounts can sign in again.
   * @throws an error without a code when others may have written it.
   */
  readonly read: () => AccountIndex;
  /** Replaces it. A power cut leaves the old one or the new one. @throws an error that says why it cannot be written. */
  readonly write: (index: AccountIndex) => void;
  /** Replaces it by a shorter one, even on a full disk. @throws an error that says why it is as it was. */
  readonly shrink: (index: AccountIndex) => void;
}

/** How to change the index. */
export interface ChangeOptions {
  /** How long to wait for another process that changes it. */
  readonly maxWaitMs: number;
  /** Whether to go on without the lock, if it cannot be had: what is to be removed must go. */
  readonly isRemoval?: boolean;
}

/**
 * Changes the index of the accounts under its lock.
 * @returns what `change` returns.
 * @throws an error without a code that says why the index cannot be changed; what `change` throws.
 */
export async function changeAccounts<T>(
  runtime: Runtime,
  { maxWaitMs, isRemoval = false }: ChangeOptions,
  change: (index: OpenIndex) => Promise<T>,
): Promise<T> {
  const file = findAccountFile(runtime);
  if (file === undefined) throw new Error('there is no folder to store it in');
  const locking = lockIndex(file, maxWaitMs);
  const lock = await (isRemoval ? locking.catch(() => undefined) : locking);
  if (lock === undefined && !isRemoval) throw new Error('another process has been changing the accounts for too long');
  try {
    if (lock !== undefined) removeTemporaryCopies(file);
    return await change(openIndex(file));
  } finally {
    lock?.release();
  }
}

function openIndex(file: string): OpenIndex {
  const write = (index: AccountIndex) => {
    const text = formatIndex(index);
    if (parseAccountIndex(text) === undefined) throw new Error('an account has an invalid value');
    if (Buffer.byteLength(text) > MAX_INDEX_BYTES) throw new Error(`${file} would become too large`);
    const folder = dirname(file);
    if (!makeOwnFolder(folder)) throw new Error(`${folder} is not a folder that only you can write to`);
    replaceOwnFile(file, text, { isDurable: true });
  };
  return {
    file,
    write,
    read: () => {
      const index = readAccountIndex(file);
      if (index === 'untrusted') throw new Error(`others can open ${file}, or it is a link or too large`);
      if (index !== 'damaged') return index;
      moveDamagedIndex(file);
      return { accounts: [], hasWarned: false };
    },
    shrink: (index) => {
      try {
        write(index);
      } catch (cause) {
        try {
          overwriteOwnFile(file, formatIndex(index));
        } catch {
          throw cause;
        }
      }
    },
  };
}

function formatIndex({ accounts, hasWarned }: AccountIndex): string {
  const entries = accounts.map((account) => ({ ...account, tenants: Object.fromEntries(account.tenants) }));
  return `${JSON.stringify({ version: INDEX_VERSION, hasWarned, accounts: entries }, null, 2)}\n`;
}
