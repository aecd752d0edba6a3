/** Changes the configuration files of clients: first as a plan to show, then on the disk, one process at a time. */

import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Lock } from '../../cache/lock.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { lockIndex } from '../../logins/index-lock.ts';
import { MISSING_IS_UNDEFINED } from '../../system/folders.ts';
import { findDataFolder } from '../../system/paths.ts';
import {
  FileChangedError,
  type PersonFile,
  readPersonFile,
  removePersonFile,
  replacePersonFile,
} from '../../system/person-file.ts';
import type { Runtime } from '../../system/runtime.ts';
import type { ClientFile, ClientName } from './client-config.ts';
import {
  addHelpers,
  assertEditable,
  type EditRecord,
  type HelperEntry,
  removeAuths,
  removeHelpers,
} from './config-text.ts';
import { type FileRecord, readRecords, recordsFileIn, writeRecords } from './edit-records.ts';

/** What is to be done to each file. */
export interface Wish {
  readonly kind: 'add' | 'remove';
  readonly hosts: readonly string[];
  /** Such as `acr`. */
  readonly helper: string;
  /** Whether hosts of another helper are taken over. */
  readonly isForced: boolean;
  /** The entries of `auths` that go; `undefined` when they stay. */
  readonly isClearedAuth: ((key: string) => boolean) | undefined;
}

/** What is done to a file, or would be. */
export interface FileEdit {
  readonly file: string;
  /** The clients that read it. */
  readonly clients: readonly ClientName[];
  /** `undefined`: there is no such file. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** The hosts that are sent to the helper from now on. */
  readonly added: readonly string[];
  /** The hosts that were sent to another helper until now. */
  readonly replaced: readonly HelperEntry[];
  /** The hosts that stay with another helper. */
  readonly refused: readonly HelperEntry[];
  /** The hosts that are no longer sent to the helper. */
  readonly removed: readonly string[];
  /** The hosts that go back to the helper that they had before. */
  readonly restored: readonly HelperEntry[];
  /** The entries of `auths` that are removed. */
  readonly clearedAuths: readonly string[];
  /** Why the file is left as it is; `undefined` when it is not. */
  readonly problem: string | undefined;
}

const MAX_WAIT_MS = 10_000;
/** Each time, another program has changed the file in the moment between. */
const MAX_TRIES = 8;

/** Finds out what a wish changes. Never fails: what cannot be changed has a `problem`. */
export async function planEdits(
  runtime: Runtime,
  files: readonly ClientFile[],
  wish: Wish,
): Promise<readonly FileEdit[]> {
  const recordsFile = await findRecordsFile(runtime);
  const records = recordsFile === undefined ? new Map<string, FileRecord>() : readRecords(recordsFile);
  return mergeSame(files).map(({ file, clients }) => {
    try {
      const config = readPersonFile(file);
      return editText(config, records.get(config.target), wish, file, clients).edit;
    } catch (cause) {
      return failedEdit(file, clients, cause);
    }
  });
}

/**
 * Changes the files. What cannot be changed has a `problem`, and stays as it was.
 * @throws BUSY when another process changes such files for too long.
 */
export async function applyEdits(
  runtime: Runtime,
  files: readonly ClientFile[],
  wish: Wish,
): Promise<readonly FileEdit[]> {
  const recordsFile = await findRecordsFile(runtime);
  const lock = await lockFiles(recordsFile);
  try {
    return mergeSame(files).map(({ file, clients }) => {
      try {
        return applyEdit(file, clients, wish, recordsFile);
      } catch (cause) {
        return failedEdit(file, clients, cause);
      }
    });
  } finally {
    lock?.release();
  }
}

function applyEdit(
  file: string,
  clients: readonly ClientName[],
  wish: Wish,
  recordsFile: string | undefined,
): FileEdit {
  for (let tries = 1; ; tries += 1) {
    const config = readPersonFile(file);
    const records = recordsFile === undefined ? new Map<string, FileRecord>() : readRecords(recordsFile);
    const old = records.get(config.target);
    const missingFolders = [...listCreatedAbove(records, config.target), ...config.missingFolders];
    const { edit, record } = editText({ ...config, missingFolders }, old, wish, file, clients);
    if (edit.before === edit.after) return edit;
    try {
      // A record without its hosts in the file does no harm, but hosts without their record do not go without a trace.
      if (wish.kind === 'add') saveRecord(recordsFile, config.target, record);
      if (edit.after === undefined) removePersonFile(config, old?.folders ?? []);
      else replacePersonFile(config, edit.after);
      if (wish.kind === 'remove') saveRecord(recordsFile, config.target, record);
      return edit;
    } catch (cause) {
      if (wish.kind === 'add') saveRecord(recordsFile, config.target, old);
      if (!(cause instanceof FileChangedError) || tries === MAX_TRIES) throw cause;
    }
  }
}

/**
 * Lists the folders around a file that were created for another one, the outermost first: they go with whichever of the
 * two files goes last.
 */
function listCreatedAbove(records: ReadonlyMap<string, FileRecord>, target: string): readonly string[] {
  const created = new Set([...records.values()].flatMap(({ folders }) => folders));
  const above: string[] = [];
  for (let folder = dirname(target); folder !== dirname(folder); folder = dirname(folder)) {
    if (created.has(folder)) above.unshift(folder);
  }
  return above;
}

/** Without a record, the file of a client is changed all the same. */
function saveRecord(recordsFile: string | undefined, target: string, record: FileRecord | undefined): void {
  if (recordsFile === undefined) return;
  const records = readRecords(recordsFile);
  // Files of a moment, such as those of a build, leave no record behind.
  const changed = new Map([...records].filter(([file]) => file === target || exists(file)));
  if (record === undefined) changed.delete(target);
  else changed.set(target, record);
  if (changed.size === 0 && records.size === 0) return;
  try {
    writeRecords(recordsFile, changed);
  } catch {
    // A full disk, or a folder of others.
  }
}

function exists(file: string): boolean {
  try {
    return lstatSync(file, MISSING_IS_UNDEFINED) !== undefined;
  } catch {
    return true; // perhaps later again
  }
}

function editText(
  { text, missingFolders }: PersonFile,
  old: FileRecord | undefined,
  wish: Wish,
  file: string,
  clients: readonly ClientName[],
): { readonly edit: FileEdit; readonly record: FileRecord | undefined } {
  if (text !== undefined) assertEditable(text);
  const { hosts, helper, isForced, isClearedAuth } = wish;
  const edit = { ...unchangedEdit(file, clients), before: text, after: text };
  if (wish.kind === 'remove') {
    if (text === undefined) return { edit, record: undefined };
    const { text: after, record, removed, restored } = removeHelpers(text, hosts, helper, old);
    return { edit: { ...edit, after, removed, restored }, record: withFolders(record, old?.folders) };
  }
  const { text: withHosts, record, added, replaced, refused } = addHelpers(text, hosts, helper, old, isForced);
  const isMissing = text === undefined && added.length === 0;
  const cleared = isClearedAuth === undefined || isMissing ? undefined : removeAuths(withHosts, isClearedAuth);
  return {
    edit: {
      ...edit,
      after: isMissing ? undefined : (cleared?.text ?? withHosts),
      added,
      replaced,
      refused,
      clearedAuths: cleared?.keys ?? [],
    },
    record: withFolders(record, text === undefined ? missingFolders : old?.folders),
  };
}

function withFolders(record: EditRecord | undefined, folders: readonly string[] | undefined): FileRecord | undefined {
  return record === undefined ? undefined : { ...record, folders: (record.isCreated ? folders : undefined) ?? [] };
}

function unchangedEdit(file: string, clients: readonly ClientName[]): FileEdit {
  return {
    file,
    clients,
    before: undefined,
    after: undefined,
    added: [],
    replaced: [],
    refused: [],
    removed: [],
    restored: [],
    clearedAuths: [],
    problem: undefined,
  };
}

function failedEdit(file: string, clients: readonly ClientName[], cause: unknown): FileEdit {
  return { ...unchangedEdit(file, clients), problem: describeCause(cause) };
}

/** Two clients may share a file. */
function mergeSame(files: readonly ClientFile[]): readonly { file: string; clients: readonly ClientName[] }[] {
  const merged = new Map<string, { file: string; clients: ClientName[] }>();
  for (const { file, client } of files) {
    let target = file;
    try {
      ({ target } = readPersonFile(file));
    } catch {
      // Its problem is told later.
    }
    const same = merged.get(target);
    if (same === undefined) merged.set(target, { file, clients: [client] });
    else if (!same.clients.includes(client)) same.clients.push(client);
  }
  return [...merged.values()];
}

async function findRecordsFile(runtime: Runtime): Promise<string | undefined> {
  const folder = await findDataFolder(runtime);
  return folder === undefined ? undefined : recordsFileIn(folder);
}

/**
 * @returns `undefined` where there is no folder for a lock. Each file is still compared right before it is replaced.
 * @throws BUSY
 */
async function lockFiles(recordsFile: string | undefined): Promise<Lock | undefined> {
  if (recordsFile === undefined) return undefined;
  let lock: Lock | undefined;
  try {
    lock = await lockIndex(recordsFile, MAX_WAIT_MS);
  } catch {
    return undefined;
  }
  if (lock !== undefined) return lock;
  throw new CredentialError('BUSY', 'Cannot change the configuration of clients: another process is changing it', {
    hint: 'try again in a moment',
  });
}
