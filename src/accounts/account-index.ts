/**
 * The index of the accounts that people signed in with, most recent first. It holds no secret, so that a cached response
 * can read it.
 */

import { lstatSync } from 'node:fs';
import { sep } from 'node:path';
import { TENANT_PATTERN } from '../entra/authority.ts';
import { CredentialError } from '../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../json.ts';
import { parsePlainUrl } from '../network/plain-url.ts';
import { shellWord } from '../shell-word.ts';
import { readOwnFile } from '../system/files.ts';
import { findDataFolderNow } from '../system/paths.ts';
import type { Runtime } from '../system/runtime.ts';

/** An account that a person signed in with. */
export interface Account {
  /** `<object id>.<home tenant id>`, lower case: the home account id of client_info. */
  readonly id: string;
  /** preferred_username */
  readonly username: string;
  /** The tenant that it signed in to. In the index, that of the registries which `tenants` does not name. */
  readonly tenantId: string;
  /** Base URL such as https://login.microsoftonline.com */
  readonly authority: string;
  readonly clientId: string;
  /** `foci` of the token response. */
  readonly familyId: string | undefined;
  /** Hosts for which the person chose this account (`login HOST`). */
  readonly registries: readonly string[];
}

const STATES = ['active', 'over', 'signed-out'] as const;
/** Whether an account can sign in. */
export type AccountState = (typeof STATES)[number];

/** The names of a registry: its login server, and the name that its regional endpoints share. */
interface RegistryNames {
  readonly host: string;
  readonly service: string;
}

/** What the index remembers of an account. */
export interface StoredAccount extends Account {
  /** Changes with each sign-in, so that a sign-in can be told from the one before. */
  readonly generation: string;
  /** The keychain `docker-credential-<keychain>` that has the refresh token; `undefined` when a file has it. */
  readonly keychain: string | undefined;
  /**
   * `over` when Entra no longer accepts the refresh token, so that the person has to sign in again; `signed-out` when the
   * person signed out, but the keychain did not erase the refresh token.
   */
  readonly state: AccountState;
  /** What Entra asked for, to be passed on at the next sign-in. */
  readonly challenge: string | undefined;
  /** The tenants that the person signed in to for `registries`, by host. One refresh token serves them all. */
  readonly tenants: ReadonlyMap<string, string>;
}

/** The content of the index. */
export interface AccountIndex {
  /** The most recent sign-in comes first. */
  readonly accounts: readonly StoredAccount[];
  /** Whether the person has been warned that refresh tokens are stored unencrypted. */
  readonly hasWarned: boolean;
}

/** Why an index cannot be used: its content is `damaged`, or others may have written it. */
export type UnreadableAccounts = 'damaged' | 'untrusted';

/** The largest file of the index. */
export const MAX_INDEX_BYTES = 1024 * 1024;
/** The version that the index names. */
export const INDEX_VERSION = 1;
const EMPTY_INDEX: AccountIndex = { accounts: [], hasWarned: false };

/** Whether two accounts are the same: the same person, authority and client. */
export function isSameAccount(one: Account, other: Account): boolean {
  return one.id === other.id && one.authority === other.authority && one.clientId === other.clientId;
}

/** Names the tenant in which an account gets the tokens of a registry. */
export function tenantFor({ tenants, tenantId }: StoredAccount, { host, service }: RegistryNames): string {
  return tenants.get(host) ?? tenants.get(service) ?? tenantId;
}

/**
 * Finds the file of the index. It may not exist yet.
 * @returns `undefined` when there is no data folder.
 */
export function findAccountFile(runtime: Runtime): string | undefined {
  const folder = findDataFolderNow(runtime);
  return folder === undefined ? undefined : `${folder}${sep}accounts${sep}index.json`;
}

/** Reads the index. A missing file counts as an empty index. */
export function readAccountIndex(file: string): AccountIndex | UnreadableAccounts {
  if (!exists(file)) return EMPTY_INDEX; // one look at the disk, for all who never signed in
  const text = readOwnFile(file, MAX_INDEX_BYTES);
  return text === undefined ? 'untrusted' : (parseAccountIndex(text) ?? 'damaged');
}

/** Lists all accounts, most recent first. An index that cannot be used counts as empty. */
export function listStoredAccounts(runtime: Runtime): readonly StoredAccount[] {
  const file = findAccountFile(runtime);
  const index = file === undefined ? EMPTY_INDEX : readAccountIndex(file);
  return typeof index === 'string' ? [] : index.accounts;
}

/**
 * Lists all accounts, most recent first, for a person, to whom an unreadable list is not the same as nobody.
 * @throws STORE_REFUSED when the index cannot be used.
 */
export function openStoredAccounts(runtime: Runtime): readonly StoredAccount[] {
  const file = findAccountFile(runtime);
  const index = file === undefined ? EMPTY_INDEX : readAccountIndex(file);
  if (typeof index !== 'string') return index.accounts;
  const isDamaged = index === 'damaged';
  const why = isDamaged ? 'is damaged' : 'can be opened by others, or is a link or too large';
  throw new CredentialError('STORE_REFUSED', `Cannot list the accounts: ${file} ${why}`, {
    // A sign-in replaces a damaged list, and removes the refresh tokens that nobody could find any more.
    hint: isDamaged
      ? 'sign in again, which repairs it: docker-credential-acr login'
      : `if you trust it: chmod 600 ${shellWord(file ?? '')}`,
  });
}

/**
 * Parses the text of an index.
 * @returns `undefined` when it is damaged.
 */
export function parseAccountIndex(text: string): AccountIndex | undefined {
  const { version, hasWarned, accounts } = parseJsonObject(text) ?? {};
  if (version !== INDEX_VERSION || !Array.isArray(accounts)) return undefined;
  const values: readonly unknown[] = accounts;
  const parsed = values.map((value) => parseAccount(asJsonObject(value) ?? {})).filter((one) => one !== undefined);
  return parsed.length === values.length ? { accounts: parsed, hasWarned: hasWarned === true } : undefined;
}

function exists(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // its folder may be a file: the next write reports that
  }
}

function parseAccount(entry: JsonObject): StoredAccount | undefined {
  const [id, username, tenantId] = [asText(entry['id']), asText(entry['username']), asText(entry['tenantId'])];
  const [authority, clientId, generation] = [
    asText(entry['authority']),
    asText(entry['clientId']),
    asText(entry['generation']),
  ];
  const { keychain, familyId, challenge, registries } = entry;
  const state = STATES.find((one) => one === (entry['state'] ?? 'active'));
  if (id === undefined || username === undefined || tenantId === undefined || state === undefined) return undefined;
  if (authority === undefined || clientId === undefined || generation === undefined) return undefined;
  if (!isOptionalText(keychain) || !isOptionalText(familyId) || !isOptionalText(challenge)) return undefined;
  // A refresh token is sent there; and the keychain's name becomes part of a program's name.
  if (/\s/.test(authority) || parsePlainUrl(authority) === undefined) return undefined;
  if (!isTenant(tenantId)) return undefined;
  if (keychain !== undefined && !/^[a-z0-9]+$/.test(keychain)) return undefined;
  const hosts: readonly unknown[] = Array.isArray(registries) ? registries : [];
  const tenants = Object.entries(asJsonObject(entry['tenants']) ?? {});
  return {
    ...{ id, username, tenantId, authority, clientId, familyId, generation, keychain, state, challenge },
    registries: hosts.filter((host) => typeof host === 'string'),
    tenants: new Map(tenants.flatMap(([host, tenant]) => (isTenant(tenant) ? [[host, tenant]] : []))),
  };
}

function isTenant(value: unknown): value is string {
  return typeof value === 'string' && new RegExp(TENANT_PATTERN, 'u').test(value);
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
}
