/**
 * The index of what people typed at a login: which server has a credential, and where it is kept.
 *
 * One small file that only its owner can open, so that `get` asks a keychain only for what is in it.
 */

import { lstatSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../json.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../system/files.ts';
import { findDataFolder } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';

interface Entry {
  /** The server as clients name it: a bare host for Azure's registries, else as it was typed. */
  readonly server: string;
  readonly username: string;
}

/** Kept in the index itself, for want of a keychain. */
export interface FileEntry extends Entry {
  readonly secret: string;
}

/** Kept by the program `docker-credential-<keychain>`. */
export interface KeychainEntry extends Entry {
  readonly keychain: string;
}

export type LoginEntry = FileEntry | KeychainEntry;

export interface LoginIndex {
  /** By the name of the server. */
  readonly entries: ReadonlyMap<string, LoginEntry>;
  /** Whether the person was told that secrets are kept in this file. */
  readonly hasWarned: boolean;
}

/** There, and not to be read: `damaged` by what is in it, `untrusted` by who could have written it. */
export type UnreadableIndex = 'damaged' | 'untrusted';

const MAX_INDEX_BYTES = 4 * 1024 * 1024;
const EMPTY_INDEX: LoginIndex = { entries: new Map(), hasWarned: false };
const VERSION = 1;

/** @returns `undefined` where there is no folder to keep anything in. */
export async function findIndexFile(runtime: Runtime): Promise<string | undefined> {
  const folder = await findDataFolder(runtime);
  return folder === undefined ? undefined : `${folder}${sep}credentials.json`;
}

/** Reads the index; a file that is not there is an empty one. */
export function readIndex(file: string): LoginIndex | UnreadableIndex {
  const text = readOwnFile(file, MAX_INDEX_BYTES);
  if (text === undefined) return exists(file) ? 'untrusted' : EMPTY_INDEX;
  return parseIndex(text) ?? 'damaged';
}

/** What is kept for a server; nothing where the index cannot be read. */
export async function findEntry(runtime: Runtime, name: string): Promise<LoginEntry | undefined> {
  return (await listEntries(runtime)).get(name);
}

/** Everything that is kept, by the name of the server. */
export async function listEntries(runtime: Runtime): Promise<LoginIndex['entries']> {
  const file = await findIndexFile(runtime);
  const index = file === undefined ? EMPTY_INDEX : readIndex(file);
  return typeof index === 'string' ? EMPTY_INDEX.entries : index.entries;
}

/** @throws an error that tells why the index cannot be kept, with the old one untouched. */
export function writeIndex(file: string, { entries, hasWarned }: LoginIndex): void {
  const text = `${JSON.stringify({ version: VERSION, hasWarned, credentials: Object.fromEntries(entries) }, null, 2)}\n`;
  if (Buffer.byteLength(text) > MAX_INDEX_BYTES) throw new Error(`${file} would get too large`);
  const folder = dirname(file);
  if (!makeOwnFolder(folder)) throw new Error(`${folder} is not a folder that only you can write in`);
  replaceOwnFile(file, text);
}

function exists(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // or its folder is none, which whoever writes to it finds out
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
  // It becomes the name of a program.
  return program !== undefined && /^[a-z0-9]+$/.test(program) ? { server, username, keychain: program } : undefined;
}
