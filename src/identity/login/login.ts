/** The account that a person signed in with by the command `login`. */

import {
  type AccountIndex,
  findAccountFile,
  readAccountIndex,
  type StoredAccount,
  tenantFor,
  type UnreadableAccounts,
} from '../../accounts/account-index.ts';
import { findAuthority } from '../../entra/authority.ts';
import { CredentialError } from '../../errors.ts';
import { text, type Values } from '../../field.ts';
import { isNotSetUp, type NotSetUp } from '../../not-set-up.ts';
import type { Runtime } from '../../system/runtime.ts';
import { CLIENT_FIELDS } from '../client.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';
import { describeLogin, LOGIN_NAME } from './login-description.ts';

const FIELDS = {
  ...CLIENT_FIELDS,
  account: text('The account, by user name or id.', "an account's user name or id"),
};

type Request = IdentityRequest<Values<typeof FIELDS>>;

/** The source for the accounts of this program. */
export const LOGIN = defineSource({
  name: LOGIN_NAME,
  aliases: ['InteractiveBrowserCredential'],
  group: 'dev',
  summary: 'docker-credential-acr login',
  fields: FIELDS,
  find: findLogin,
});

function findLogin(request: Request): Identity | NotSetUp {
  const { runtime, registry, parameters } = request;
  const index = readIndex(runtime);
  if (typeof index === 'string') {
    const what = index === 'damaged' ? 'is damaged' : 'can be read by others, or is a link';
    return { notSetUp: `the list of accounts ${what}; sign in again: ${LOGIN.summary}` };
  }
  const accounts = index.accounts.filter(({ state }) => state !== 'signed-out');
  if (accounts.length === 0) return { notSetUp: `nobody has signed in: ${LOGIN.summary}` };
  const account = chooseAccount(accounts, request);
  if (isNotSetUp(account)) return account;
  const { authority } = account;
  const tenant = parameters.tenantId ?? tenantFor(account, registry);
  const clientId = (parameters.clientId ?? account.clientId).toLowerCase();
  return {
    source: LOGIN_NAME,
    description: describeLogin(account, tenant, clientId),
    get origins() {
      return [new URL(authority).origin]; // computed on access: a cached token does not need it
    },
    readSecret: () => account.generation, // the refresh token may be in a keychain
    getToken: async (context) => {
      const { requestLoginToken } = await import('./login-token.ts');
      return requestLoginToken(context, { account, tenant, clientId, host: registry.host });
    },
  };
}

function readIndex(runtime: Runtime): AccountIndex | UnreadableAccounts {
  const file = findAccountFile(runtime);
  return file === undefined ? { accounts: [], hasWarned: false } : readAccountIndex(file);
}

/** Chooses the configured account, else the one for this registry, else the most recent one of its authority. */
function chooseAccount(accounts: readonly StoredAccount[], request: Request): StoredAccount | NotSetUp {
  const { registry, parameters } = request;
  const authority = readAuthority(request);
  if (isNotSetUp(authority)) return authority;
  const wanted = parameters.account?.toLowerCase();
  const named = accounts.filter(
    ({ id, username }) => wanted === undefined || [id, username].some((name) => name.toLowerCase() === wanted),
  );
  if (named.length === 0) return { notSetUp: `${parameters.account} is not signed in: ${LOGIN.summary}` };
  const usable = filterByClient(named, parameters.clientId?.toLowerCase());
  if (usable.length === 0) {
    return { notSetUp: `nobody has signed in with the application ${parameters.clientId}: ${LOGIN.summary}` };
  }
  const isForRegistry = ({ registries }: StoredAccount) =>
    registries.includes(registry.host) || registries.includes(registry.service);
  const account =
    usable.find(isForRegistry) ?? usable.find((one) => one.authority === authority.url) ?? usable.find(() => true);
  if (account === undefined || account.authority === authority.url) return account ?? { notSetUp: '' };
  return { notSetUp: `${account.username} is signed in at ${account.authority}, but not at ${authority.url}` };
}

/** Keeps the accounts that signed in with a client. A family of clients shares its refresh tokens. */
function filterByClient(accounts: readonly StoredAccount[], clientId: string | undefined): readonly StoredAccount[] {
  if (clientId === undefined) return accounts;
  const own = accounts.filter((one) => one.clientId.toLowerCase() === clientId);
  return [...own, ...accounts.filter((one) => !own.includes(one) && one.familyId !== undefined)];
}

/** An authority that nobody can sign in at, since a variable is missing or invalid, has no account either. */
function readAuthority(request: Request): { readonly url: string } | NotSetUp {
  try {
    return findAuthority(request);
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    return { notSetUp: cause.message };
  }
}
