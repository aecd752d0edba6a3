/** Remembers what clients' files were like before hosts were added, so that they can be taken out without a trace. */

import { dirname, join } from 'node:path';
import { asJsonObject, type JsonObject, parseJsonObject } from '../../json.ts';
import { readOwnFile, removeFile, replaceOwnFile } from '../../system/files.ts';
import { makeOwnFolder } from '../../system/folders.ts';
import type { Before, EditRecord } from './config-text.ts';

/** What is remembered of a file. */
export interface FileRecord extends EditRecord {
  /** The folders that were created for it, the outermost first. */
  readonly folders: readonly string[];
}

/** What is remembered, by file. */
export type FileRecords = ReadonlyMap<string, FileRecord>;

const MAX_BYTES = 1024 * 1024;
const VERSION = 1;

/** The file of the records. */
export function recordsFileIn(dataFolder: string): string {
  return join(dataFolder, 'clients.json');
}

/** Reads the records. Never fails: records that cannot be read or trusted count as none. */
export function readRecords(file: string): FileRecords {
  const { version, files } = parseJsonObject(readOwnFile(file, MAX_BYTES) ?? '') ?? {};
  if (version !== VERSION) return new Map();
  const entries = Object.entries(asJsonObject(files) ?? {});
  return new Map(
    entries.flatMap(([path, value]) => {
      const record = parseRecord(asJsonObject(value) ?? {});
      return record === undefined ? [] : [[path, record]];
    }),
  );
}

/**
 * Replaces the records. Without any, the file goes.
 * @throws the system's error; an error without a code when others can write to the folder.
 */
export function writeRecords(file: string, records: FileRecords): void {
  if (records.size === 0) {
    removeFile(file);
    return;
  }
  const files = Object.fromEntries([...records].map(([path, record]) => [path, formatRecord(record)]));
  const text = `${JSON.stringify({ version: VERSION, files }, undefined, 2)}\n`;
  // It would not be read again. Without a record the file of a client stays valid, only its blanks may differ.
  if (Buffer.byteLength(text) > MAX_BYTES) return;
  if (!makeOwnFolder(dirname(file))) throw new Error(`${dirname(file)} is not a folder that only you can write to`);
  replaceOwnFile(file, text, { isDurable: true });
}

function formatRecord({ isCreated, before, hosts, helpers, folders }: FileRecord): JsonObject {
  return {
    isCreated,
    ...before,
    hosts: Object.fromEntries([...hosts].map(([host, value]) => [host, value ?? null])),
    helpers: Object.fromEntries(helpers),
    folders,
  };
}

function parseRecord({ isCreated, blankText, rootBlank, helpersBlank, hosts, helpers, folders }: JsonObject) {
  const named = Object.entries(asJsonObject(helpers) ?? {});
  const entries = Object.entries(asJsonObject(hosts) ?? {});
  const names: readonly unknown[] = Array.isArray(folders) ? folders : [];
  const before = parseBefore({ blankText, rootBlank, helpersBlank });
  if (entries.length === 0 || before === undefined) return undefined;
  const record: FileRecord = {
    isCreated: isCreated === true,
    before,
    hosts: new Map(entries.map(([host, value]) => [host, isHelperText(value) ? value : undefined])),
    helpers: new Map(named.flatMap(([host, name]) => (typeof name === 'string' ? [[host, name]] : []))),
    folders: names.filter((folder) => typeof folder === 'string'),
  };
  return record;
}

/** What is put back must be what it says: blanks, or the name of a helper. */
function parseBefore(value: JsonObject): Before | undefined {
  const entries = Object.entries(value).filter(([, blank]) => blank !== undefined);
  if (entries.some(([, blank]) => typeof blank !== 'string' || !/^\uFEFF?[ \t\r\n]*$/.test(blank))) return undefined;
  return Object.fromEntries(entries);
}

function isHelperText(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  try {
    return typeof JSON.parse(value) === 'string';
  } catch {
    return false;
  }
}
