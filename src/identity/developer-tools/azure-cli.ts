/** The account that the Azure CLI is signed in with. */

import { isAbsolute, join } from 'node:path';
import { CredentialError, describeCause } from '../../errors.ts';
import { path, text, type Values } from '../../field.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import { isNotSetUp, type NotSetUp } from '../../not-set-up.ts';
import { readForeignFile } from '../../system/files.ts';
import { findDotFolder } from '../../system/paths.ts';
import { defineSource, type Identity, type IdentityRequest, joinNames } from '../identity.ts';

const MAX_PROFILE_BYTES = 8 * 1024 * 1024;
const MANAGED_IDENTITY_USERS = ['systemAssignedIdentity', 'userAssignedIdentity'];
const NOT_SIGNED_IN: NotSetUp = { notSetUp: 'the Azure CLI is not signed in' };
/** The state that `az logout` leaves when there are other accounts. */
const NO_DEFAULT: NotSetUp = {
  notSetUp: 'the Azure CLI has no default subscription: az account set --subscription NAME',
};

const FIELDS = {
  subscription: text(
    "The Azure CLI's subscription, by id or name.",
    "a subscription's id or name",
    '^[0-9a-zA-Z._ -]+$',
  ),
  configDir: path("Absolute path of the Azure CLI's configuration folder."),
};

type Request = IdentityRequest<Values<typeof FIELDS>>;

/** The source for the Azure CLI's account. */
export const AZURE_CLI = defineSource({
  name: 'azure-cli',
  aliases: ['AzureCliCredential'],
  group: 'dev',
  summary: 'az login',
  fields: FIELDS,
  find: findAzureCli,
});

/** Reads the account from the CLI's profile, since starting `az` takes about a second. */
function findAzureCli(request: Request): Identity | NotSetUp {
  const { runtime, parameters } = request;
  const folder = parameters.configDir ?? findDotFolder(runtime, 'AZURE_CONFIG_DIR', '.azure');
  if (folder === undefined) return { notSetUp: 'there is no home folder to hold an Azure CLI profile' };
  if (!isAbsolute(folder)) return { notSetUp: 'AZURE_CONFIG_DIR is not an absolute path' };
  const accounts = readAccounts(join(folder, 'azureProfile.json'));
  if (isNotSetUp(accounts)) return accounts;
  const account = pickAccount(accounts, request);
  if (isNotSetUp(account)) return account;
  const tenant = pickTenant(account, request);
  return {
    source: AZURE_CLI.name,
    description: `${AZURE_CLI.name} ${joinNames(account.user, tenant ?? account.tenantId, ...account.details)}`,
    origins: [],
    getToken: async (context) => {
      const { requestCliToken } = await import('./azure-cli-token.ts');
      return requestCliToken(context, {
        account: account.user,
        servicePrincipalTenant: account.isServicePrincipal ? account.tenantId : undefined,
        tenant,
        subscription: parameters.subscription === undefined ? undefined : account.subscriptionId,
        configFolder: parameters.configDir,
      });
    },
  };
}

/** An account of the CLI's profile, with one of its subscriptions. */
interface Account {
  readonly subscriptionId: string;
  readonly subscriptionName: string | undefined;
  readonly isDefault: boolean;
  readonly user: string;
  readonly tenantId: string;
  readonly isServicePrincipal: boolean;
  /** Whether it can sign in to its own tenant only. */
  readonly isBound: boolean;
  /** The CLI's cloud, and the managed identity that it is signed in with, if any. */
  readonly details: readonly string[];
}

function readAccounts(file: string): readonly Account[] | NotSetUp {
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_PROFILE_BYTES);
  } catch (cause) {
    return { notSetUp: `the Azure CLI's profile cannot be read (${describeCause(cause)})` };
  }
  const subscriptions = text === undefined ? undefined : parseJsonObject(text)?.['subscriptions'];
  const entries: unknown[] = Array.isArray(subscriptions) ? subscriptions : [];
  const accounts = entries.map((entry) => parseAccount(asJsonObject(entry) ?? {})).filter((one) => one !== undefined);
  return accounts.length > 0 ? accounts : NOT_SIGNED_IN;
}

/**
 * Picks the account of the configured subscription, by id or name as `az` does, else that of the default subscription.
 * @throws IDENTITY_INVALID when no subscription matches, or more than one.
 */
function pickAccount(accounts: readonly Account[], { parameters }: Request): Account | NotSetUp {
  const { subscription } = parameters;
  if (subscription === undefined) {
    return accounts.find(({ isDefault }) => isDefault) ?? NO_DEFAULT;
  }
  const wanted = subscription.toLowerCase();
  const found = accounts.filter(({ subscriptionId, subscriptionName }) =>
    [subscriptionId, subscriptionName].some((one) => one?.toLowerCase() === wanted),
  );
  const [account] = found;
  if (account !== undefined && found.length === 1) return account;
  const what = account === undefined ? 'no subscription' : 'more than one subscription';
  throw new CredentialError('IDENTITY_INVALID', `the Azure CLI has ${what} "${subscription}"`, {
    hint: 'az account list --all --output table',
  });
}

/**
 * Picks the tenant to pass to `az`.
 * @returns `undefined` to pass none.
 * @throws IDENTITY_INVALID when the configured tenant is not that of the configured subscription.
 */
function pickTenant(account: Account, { parameters }: Request): string | undefined {
  // `az` rejects --tenant when it is signed in with a managed identity.
  if (parameters.tenantId === undefined || account.isBound) return undefined;
  const { tenantId: tenant, subscription } = parameters;
  if (subscription === undefined) return tenant;
  // `az` accepts only one of the two, and a subscription implies its tenant.
  if (tenant.toLowerCase() === account.tenantId.toLowerCase()) return undefined;
  throw new CredentialError(
    'IDENTITY_INVALID',
    `subscription "${subscription}" belongs to tenant ${account.tenantId}, not to ${tenant}`,
    { hint: 'remove "tenantId" or "subscription" from the configuration' },
  );
}

function parseAccount(entry: JsonObject): Account | undefined {
  const user = asJsonObject(entry['user']);
  const name = asText(user?.['name']);
  const tenantId = asText(entry['tenantId']);
  const subscriptionId = asText(entry['id']);
  if (name === undefined || tenantId === undefined || subscriptionId === undefined) return undefined;
  return {
    subscriptionId,
    subscriptionName: asText(entry['name']),
    isDefault: entry['isDefault'] === true,
    user: name,
    tenantId,
    // The profile calls a managed identity a service principal too, but it needs no secret to sign in.
    isServicePrincipal: user?.['type'] === 'servicePrincipal' && !MANAGED_IDENTITY_USERS.includes(name),
    isBound: MANAGED_IDENTITY_USERS.includes(name) || user?.['cloudShellID'] === true,
    details: [entry['environmentName'], user?.['assignedIdentityInfo']].map((name) => asText(name) ?? ''),
  };
}
