/** The accounts that people signed in with: saves and lists them. */

import { randomUUID } from 'node:crypto';
import { type Config, loadConfig } from '../config/config.ts';
import { CredentialError, describeCause } from '../errors.ts';
import type { Log } from '../log.ts';
import { MAX_WAIT_MS } from '../logins/index-lock.ts';
import { createQuote, createRedactor } from '../redact.ts';
import type { Runtime } from '../system/runtime.ts';
import {
  type Account,
  type AccountIndex,
  isSameAccount,
  listStoredAccounts,
  type StoredAccount,
} from './account-index.ts';
import { changeAccounts, type OpenIndex } from './change-accounts.ts';
import { eraseRefreshToken, type Placed, placeRefreshToken, removeOtherTokenFiles } from './refresh-token-store.ts';

export type { Account };

/** What a change of the accounts needs. */
export interface AccountRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
}

type AccountSettings = ReturnType<Config['accountSettings']>;

/**
 * Saves or replaces the account (same id, authority and client), makes it the default, and stores its refresh token. The
 * registries for which it was chosen are added to those of an earlier sign-in, and taken from the other accounts.
 * @returns a warning for the person when the first secret is stored unencrypted.
 * @throws STORE_REFUSED when the refresh token cannot be stored. The accounts are then as they were.
 * @throws CONFIG_INVALID
 */
export async function saveAccount(
  request: AccountRequest,
  account: Account,
  refreshToken: string,
): Promise<string | undefined> {
  const { runtime } = request;
  runtime.secrets.add(refreshToken);
  const settings = await readAccountSettings(runtime);
  try {
    return await changeAccounts(runtime, { maxWaitMs: MAX_WAIT_MS }, (index) =>
      replaceAccount(request, index, account, refreshToken, settings),
    );
  } catch (cause) {
    const hint =
      settings.backend === 'keychain'
        ? `fix the keychain, or write "store": "file" in ${settings.file ?? 'config.json'}`
        : 'set DOCKER_CREDENTIAL_ACR_DATA_DIR to a folder that only you can write to';
    throw refuse(request, account, describeCause(cause), hint);
  }
}

/**
 * Reads where the configuration wants refresh tokens. A sign-in asks first, so that nobody signs in in vain.
 * @throws STORE_REFUSED when the configuration forbids storing them; CONFIG_INVALID
 */
export async function readAccountSettings(runtime: Runtime): Promise<AccountSettings> {
  const settings = (await loadConfig(runtime)).accountSettings();
  const { forbiddenBy } = settings;
  if (forbiddenBy === undefined) return settings;
  throw new CredentialError('STORE_REFUSED', `Cannot store a refresh token: "strict" in ${forbiddenBy} forbids it`, {
    hint: 'write "store": "keychain" there too, or sign in in another way',
  });
}

/** Stores the refresh token, then writes the index that names it, and only then erases the old one from elsewhere. */
async function replaceAccount(
  { runtime, log }: AccountRequest,
  { file, read, write, shrink }: OpenIndex,
  account: Account,
  refreshToken: string,
  { backend }: AccountSettings,
): Promise<string | undefined> {
  // An index that others may have written ends it before anything is stored.
  const before = read().accounts.find((one) => isSameAccount(one, account));
  const place = { runtime, log, file };
  // A process that is killed before it writes the index leaves no entry in a keychain that "logout" does not find.
  const announce = (keychain: string) => {
    const index = read();
    if (before === undefined)
      write({ ...index, accounts: [...withoutAccount(index, account), announced(account, keychain)] });
  };
  let placed: Placed | undefined;
  let index: AccountIndex;
  try {
    placed = await placeRefreshToken(place, account, refreshToken, { backend, announce });
    index = read();
    write({
      accounts: putFirst(index.accounts, before, account, placed),
      hasWarned: index.hasWarned || placed.keychain === undefined,
    });
  } catch (cause) {
    // Nobody could find it to erase it.
    const isAlone = placed !== undefined && (before === undefined || before.keychain !== placed.keychain);
    const left = isAlone ? await eraseRefreshToken(place, account, placed?.keychain) : undefined;
    if (before === undefined && left === undefined) forget({ read, shrink }, account);
    throw cause;
  }
  if (before !== undefined && before.keychain !== placed.keychain) {
    await eraseRefreshToken(place, account, before.keychain);
  }
  removeOtherTokenFiles(place, read().accounts);
  if (placed.keychain !== undefined || index.hasWarned) return undefined;
  const { reason } = placed;
  return createRedactor(runtime)(`the refresh token is stored unencrypted, where only you can read it: ${reason}`);
}

/** The account while its refresh token is being stored in a keychain: nobody uses it, but it can be signed out. */
function announced(account: Account, keychain: string): StoredAccount {
  const { id, username, tenantId, authority, clientId, familyId } = account;
  return {
    ...{ id, username, tenantId, authority, clientId, familyId, keychain },
    ...({ registries: [], tenants: new Map(), generation: '-', state: 'signed-out', challenge: undefined } as const),
  };
}

/** Removes an account that was announced, if the disk allows it. */
function forget({ read, shrink }: Pick<OpenIndex, 'read' | 'shrink'>, account: Account): void {
  try {
    const index = read();
    const accounts = withoutAccount(index, account);
    if (accounts.length < index.accounts.length) shrink({ ...index, accounts });
  } catch {
    // Then it is listed as one whose refresh token may be there. The error that the person reads is another one.
  }
}

function withoutAccount({ accounts }: AccountIndex, account: Account): readonly StoredAccount[] {
  return accounts.filter((one) => !isSameAccount(one, account));
}

/** Puts the account before all others, which lose the registries for which it was chosen. */
function putFirst(
  accounts: readonly StoredAccount[],
  before: StoredAccount | undefined,
  account: Account,
  { keychain }: Placed,
): readonly StoredAccount[] {
  const { id, username, tenantId, authority, clientId, familyId } = account;
  const first: StoredAccount = {
    ...{ id, username, tenantId: chooseTenant(before, account), authority, clientId, familyId, keychain },
    registries: [...new Set([...(before?.registries ?? []), ...account.registries])],
    // A guest's registries stay in their tenants when the person signs in to another one.
    tenants: new Map([
      ...(before?.registries ?? []).map(
        (host) => [host, before?.tenants.get(host) ?? before?.tenantId ?? tenantId] as const,
      ),
      ...account.registries.map((host) => [host, tenantId] as const),
    ]),
    generation: randomUUID(),
    state: 'active',
    challenge: undefined,
  };
  const others = accounts.filter((one) => !isSameAccount(one, account));
  return [
    first,
    ...others.map((one) => ({
      ...one,
      registries: one.registries.filter((host) => !account.registries.includes(host)),
      tenants: new Map([...one.tenants].filter(([host]) => !account.registries.includes(host))),
    })),
  ];
}

/** Chooses the tenant of all other registries. A sign-in as a guest, for one registry, leaves them in the person's own. */
function chooseTenant(before: StoredAccount | undefined, { id, tenantId, registries }: Account): string {
  const isAtHome = before !== undefined && before.state !== 'signed-out' && id.endsWith(`.${before.tenantId}`);
  return isAtHome && registries.length > 0 ? before.tenantId : tenantId;
}

function refuse({ runtime }: AccountRequest, { username }: Account, what: string, hint: string): CredentialError {
  const who = createQuote(runtime)(username, 100);
  return new CredentialError('STORE_REFUSED', `Cannot store the refresh token of ${who}: ${what}`, { hint });
}

/** Lists the accounts that are signed in, most recent first. An index that cannot be used counts as empty. */
export async function listAccounts(runtime: Runtime): Promise<readonly Account[]> {
  return listStoredAccounts(runtime)
    .filter(({ state }) => state !== 'signed-out')
    .map(({ id, username, tenantId, authority, clientId, familyId, registries }) => ({
      ...{ id, username, tenantId, authority, clientId, familyId, registries },
    }));
}
