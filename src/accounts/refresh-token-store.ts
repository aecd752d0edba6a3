/** Stores the refresh tokens of accounts in the system's keychain, or each in an owner-only file beside the index. */

import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { describeCause } from '../errors.ts';
import { asText, parseJsonObject } from '../json.ts';
import type { Log } from '../log.ts';
import { readOwnFile, removeFile, replaceOwnFile } from '../system/files.ts';
import { listNames } from '../system/folders.ts';
import {
  accountEntryName,
  describeMissingKeychains,
  eraseKeychain,
  findKeychain,
  type Keychain,
  listKeychains,
  readKeychain,
  replaceInKeychain,
  writeKeychain,
} from '../system/keychain.ts';
import type { Runtime } from '../system/runtime.ts';
import { type Account, isSameAccount, type StoredAccount } from './account-index.ts';

/** Whose refresh token, and where the index is. */
export interface TokenPlace {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
  /** The file of the index. */
  readonly file: string;
}

/** Where a refresh token is. */
export type Placed =
  | { readonly keychain: string }
  /** In a file, since no keychain has it for this reason. */
  | { readonly keychain: undefined; readonly reason: string };

/** How to store a refresh token. */
export interface PlaceOptions {
  readonly backend: 'keychain' | 'file' | undefined;
  readonly announce: (keychain: string) => void;
}

const MAX_TOKEN_BYTES = 64 * 1024;
const FILE_NAME = /^token-[0-9a-f]{40}\.json$/;

/**
 * Stores a refresh token.
 * @param options `backend` is where the configuration wants it; `undefined` means the keychain if one works, else the
 * file. `announce` is called before a keychain gets it.
 * @throws an error that says why it cannot be stored; what `announce` throws.
 */
export async function placeRefreshToken(
  place: TokenPlace,
  account: Account,
  refreshToken: string,
  { backend, announce }: PlaceOptions,
): Promise<Placed> {
  let reason = '"store": "file" is configured';
  if (backend !== 'file') {
    const tried = await tryKeychains(place, account, refreshToken, announce);
    if ('keychain' in tried) return tried;
    if (backend === 'keychain') throw new Error(tried.reason);
    reason = tried.reason;
  }
  writeTokenFile(place, account, refreshToken);
  return { keychain: undefined, reason };
}

/**
 * Replaces a stored refresh token where it is.
 * @throws an error that says why it cannot be stored. The old one is then still there.
 */
export async function replaceRefreshToken(
  place: TokenPlace,
  account: StoredAccount,
  refreshToken: string,
): Promise<void> {
  if (account.keychain === undefined) {
    writeTokenFile(place, account, refreshToken);
    return;
  }
  const keychain = openKeychain(place, account.keychain);
  const login = { username: account.username, secret: refreshToken };
  await replaceInKeychain(place.runtime, keychain, entryOf(account), login, place.log);
}

/**
 * Reads the refresh token of an account.
 * @returns `undefined` when it is gone.
 * @throws an error without a code that says why the keychain cannot be read.
 */
export async function readRefreshToken(place: TokenPlace, account: StoredAccount): Promise<string | undefined> {
  const { runtime, log } = place;
  const token =
    account.keychain === undefined
      ? readTokenFile(tokenFile(place, account), account)
      : (await readKeychain(runtime, openKeychain(place, account.keychain), entryOf(account), log))?.secret;
  if (token === undefined || token === '') return undefined;
  runtime.secrets.add(token);
  return token;
}

/**
 * Erases the refresh token of an account from one place. Never fails.
 * @param keychain the keychain that has it; `undefined` for the file.
 * @returns why it may still be there; `undefined` when it is gone.
 */
export async function eraseRefreshToken(
  place: TokenPlace,
  account: Account,
  keychain: string | undefined,
): Promise<string | undefined> {
  if (keychain === undefined) {
    const file = tokenFile(place, account);
    return removeFile(file) ? undefined : `${file} cannot be removed`;
  }
  try {
    return await eraseKeychain(place.runtime, openKeychain(place, keychain), entryOf(account), place.log);
  } catch (cause) {
    return describeCause(cause);
  }
}

/** Removes the files of refresh tokens that the index does not name. Only for the holder of the lock. Never fails. */
export function removeOtherTokenFiles({ file }: TokenPlace, accounts: readonly StoredAccount[]): void {
  const used = accounts
    .filter(({ keychain, state }) => keychain === undefined && state === 'active')
    .map((account) => tokenFileName(account));
  const folder = dirname(file);
  for (const name of listNames(folder)) {
    if (FILE_NAME.test(name) && !used.includes(name)) removeFile(join(folder, name));
  }
}

async function tryKeychains(
  { runtime, log }: TokenPlace,
  account: Account,
  refreshToken: string,
  announce: PlaceOptions['announce'],
): Promise<{ readonly keychain: string } | { readonly reason: string }> {
  const reasons: string[] = [];
  const names = listKeychains(runtime);
  for (const name of names) {
    const keychain = findKeychain(runtime, name);
    if (keychain === undefined) continue;
    announce(name);
    try {
      const login = { username: account.username, secret: refreshToken };
      await writeKeychain(runtime, keychain, entryOf(account), login, log);
      return { keychain: name };
    } catch (cause) {
      reasons.push(describeCause(cause));
    }
  }
  return { reason: reasons.length === 0 ? describeMissingKeychains(names) : reasons.join('; ') };
}

/** @throws an error without a code when its program is not on PATH. */
function openKeychain({ runtime }: TokenPlace, name: string): Keychain {
  const keychain = findKeychain(runtime, name);
  if (keychain === undefined) throw new Error(`docker-credential-${name} is not on PATH`);
  return keychain;
}

function entryOf({ id, authority, clientId }: Account): string {
  return accountEntryName([new URL(authority).host, id, clientId].join(' '));
}

function writeTokenFile(place: TokenPlace, account: Account, refreshToken: string): void {
  const { id, authority, clientId } = account;
  const text = `${JSON.stringify({ id, authority, clientId, refreshToken })}\n`;
  if (Buffer.byteLength(text) > MAX_TOKEN_BYTES) throw new Error('the refresh token is too long');
  replaceOwnFile(tokenFile(place, account), text, { isDurable: true });
}

function readTokenFile(file: string, account: Account): string | undefined {
  const { id, authority, clientId, refreshToken } = parseJsonObject(readOwnFile(file, MAX_TOKEN_BYTES) ?? '') ?? {};
  if (typeof id !== 'string' || typeof authority !== 'string' || typeof clientId !== 'string') return undefined;
  return isSameAccount({ ...account, id, authority, clientId }, account) ? asText(refreshToken) : undefined;
}

function tokenFile({ file }: TokenPlace, account: Account): string {
  return join(dirname(file), tokenFileName(account));
}

function tokenFileName({ id, authority, clientId }: Account): string {
  const hash = createHash('sha256').update([id, authority, clientId].join('\n')).digest('hex');
  return `token-${hash.slice(0, 40)}.json`;
}
