/**
 * The index of the stored logins: which server has a login, and where it is stored.
 *
 * The index is one small file that only its owner can open. With it, `get` asks a keychain only for logins that exist.
 */

import { lstatSync, rmSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../json.ts';
import { overwriteOwnFile, readOwnFile, replaceOwnFile } from '../system/files.ts';
import { makeOwnFolder } from '../system/folders.ts';
import { findDataFolder } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';

interface Entry {
  /** The server for `list`: the bare login server of a registry of Azure, else the server URL as the client sent it. */
  readonly server: string;
  readonly username: string;
}

/** A login in the index itself, used when there is no keychain or when the configuration asks for it. */
export interface FileEntry extends Entry {
  readonly secret: string;
}

/** A login in the keychain of the program `docker-credential-<keychain>`. */
export interface KeychainEntry extends Entry {
  readonly keychain: string;
}

/** A stored login, wherever its secret is. */
export type LoginEntry = FileEntry | KeychainEntry;

/** The content of the index. */
export interface LoginIndex {
  /** The logins by server name (see `parseServerName`). */
  readonly entries: ReadonlyMap<string, LoginEntry>;
  /** Whether the person has been warned that this file holds secrets. */
  readonly hasWarned: boolean;
}

/**
 * Why an existing index cannot be used: its content is `damaged`, or it is `untrusted` since others may have written
 * it.
 */
export type UnreadableIndex = 'damaged' | 'untrusted';

const MAX_INDEX_BYTES = 4 * 1024 * 1024;
const EMPTY_INDEX: LoginIndex = { entries: new Map(), hasWarned: false };
const VERSION = 1;

/**
 * Finds the file of the index. It may not exist yet.
 * @returns `undefined` when there is no data folder.
 */
export async function findIndexFile(runtime: Runtime): Promise<string | undefined> {
  const folder = await findDataFolder(runtime);
  return folder === undefined ? undefined : `${folder}${sep}credentials.json`;
}

/** Reads the index. A missing file counts as an empty index. */
export function readIndex(file: string): LoginIndex | UnreadableIndex {
  const text = readOwnFile(file, MAX_INDEX_BYTES);
  if (text === undefined) return exists(file) ? 'untrusted' : EMPTY_INDEX;
  return parseIndex(text) ?? 'damaged';
}

/**
 * Finds the entry of a server.
 * @param name the server name (see `parseServerName`).
 * @returns `undefined` when there is no entry, or when the index cannot be used.
 */
export async function findEntry(runtime: Runtime, name: string): Promise<LoginEntry | undefined> {
  return (await listEntries(runtime)).get(name);
}

/** Lists all entries by server name. An index that cannot be used counts as empty. */
export async function listEntries(runtime: Runtime): Promise<LoginIndex['entries']> {
  const file = await findIndexFile(runtime);
  const index = file === undefined ? EMPTY_INDEX : readIndex(file);
  return typeof index === 'string' ? EMPTY_INDEX.entries : index.entries;
}

/**
 * Replaces the index. A power cut leaves the old one or the new one.
 * @throws an error that says why the index cannot be written. The old index is then unchanged.
 */
export function writeIndex(file: string, index: LoginIndex): void {
  const text = formatIndex(index);
  if (Buffer.byteLength(text) > MAX_INDEX_BYTES) throw new Error(`${file} would become too large`);
  const folder = dirname(file);
  if (!makeOwnFolder(folder)) throw new Error(`${folder} is not a folder that only you can write to`);
  replaceOwnFile(file, text, { isDurable: true });
}

/**
 * Writes an index with fewer entries. Where no new file can be written, as on a full disk, overwrites the old one: the
 * secrets in it must go.
 * @throws an error that says why the entries are still there.
 */
export function shrinkIndex(file: string, index: LoginIndex): void {
  try {
    writeIndex(file, index);
  } catch (cause) {
    try {
      if (index.entries.size > 0) overwriteOwnFile(file, formatIndex(index));
      else rmSync(file);
    } catch {
      throw cause;
    }
  }
}

function formatIndex({ entries, hasWarned }: LoginIndex): string {
  return `${JSON.stringify({ version: VERSION, hasWarned, credentials: Object.fromEntries(entries) }, null, 2)}\n`;
}

function exists(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // its folder may be a file: the next write reports that
  }
}

function parseIndex(text: string): LoginIndex | undefined {
  const { version, hasWarned, credentials } = parseJsonObject(text) ?? {};
  const entries = new Map<string, LoginEntry>();
  if (version !== VERSION || asJsonObject(credentials) === undefined) return undefined;
  for (const [name, value] of Object.entries(asJsonObject(credentials) ?? {})) {
    const entry = parseEntry(asJsonObject(value) ?? {});
    if (entry === undefined) return undefined;
    entries.set(name, entry);
  }
  return { entries, hasWarned: hasWarned === true };
}

function parseEntry({ server, username, secret, keychain }: JsonObject): LoginEntry | undefined {
  if (asText(server) === undefined || typeof server !== 'string' || typeof username !== 'string') return undefined;
  if (typeof secret === 'string') return { server, username, secret };
  const program = asText(keychain);
  // The keychain's name becomes part of a program's name.
  return program !== undefined && /^[a-z0-9]+$/.test(program) ? { server, username, keychain: program } : undefined;
}
