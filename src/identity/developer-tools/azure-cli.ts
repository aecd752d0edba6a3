/** The account that the Azure CLI is signed in with. */

import { isAbsolute, join } from 'node:path';
import { CredentialError, describeCause } from '../../errors.ts';
import { path, text, type Values } from '../../field.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import { isNotSetUp, type NotSetUp } from '../../not-set-up.ts';
import { readForeignFile } from '../../system/files.ts';
import { findDotFolder } from '../../system/paths.ts';
import { defineSource, type Identity, type IdentityRequest } from '../identity.ts';

const MAX_PROFILE_BYTES = 8 * 1024 * 1024;
const MANAGED_IDENTITY_USERS = ['systemAssignedIdentity', 'userAssignedIdentity'];
const NOT_SIGNED_IN: NotSetUp = { notSetUp: 'the Azure CLI is not signed in' };
/** What `az logout` of the account in use leaves behind where there are others. */
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

export const AZURE_CLI = defineSource({
  name: 'azure-cli',
  aliases: ['AzureCliCredential'],
  group: 'dev',
  summary: 'az login',
  fields: FIELDS,
  find: findAzureCli,
});

/** Finds the CLI's account in its profile, which tells who would sign in without the second that starting `az` takes. */
function findAzureCli(request: Request): Identity | NotSetUp {
  const { runtime, parameters } = request;
  const folder = parameters.configDir ?? findDotFolder(runtime, 'AZURE_CONFIG_DIR', '.azure');
  if (folder === undefined) return { notSetUp: 'there is no home folder with an Azure CLI profile' };
  if (!isAbsolute(folder)) return { notSetUp: 'AZURE_CONFIG_DIR is not an absolute path' };
  const accounts = readAccounts(join(folder, 'azureProfile.json'));
  if (isNotSetUp(accounts)) return accounts;
  const account = pickAccount(accounts, request);
  if (isNotSetUp(account)) return account;
  const tenant = pickTenant(account, request);
  return {
    source: AZURE_CLI.name,
    description: `${AZURE_CLI.name} ${account.user} ${tenant ?? account.tenantId} ${account.details}`,
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

/** Who is signed in for a subscription. */
interface Account {
  readonly subscriptionId: string;
  readonly subscriptionName: string | undefined;
  readonly isDefault: boolean;
  readonly user: string;
  readonly tenantId: string;
  readonly isServicePrincipal: boolean;
  /** Whether it can only sign in at its own tenant. */
  readonly isBound: boolean;
  /** The CLI's cloud, and which managed identity it is signed in with. */
  readonly details: string;
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
 * The account of the chosen subscription, by id or name as `az` takes it, else of the default one.
 * @throws IDENTITY_INVALID when the choice is not one account.
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
 * The tenant to name to `az`, when there is one to name.
 * @throws IDENTITY_INVALID when it is not that of the chosen subscription.
 */
function pickTenant(account: Account, { parameters }: Request): string | undefined {
  // `az` refuses --tenant for the managed identities that it can be signed in with.
  if (parameters.tenantId === undefined || account.isBound) return undefined;
  const { tenantId: tenant, subscription } = parameters;
  if (subscription === undefined) return tenant;
  // `az` takes one of the two, and a subscription has its tenant.
  if (tenant.toLowerCase() === account.tenantId.toLowerCase()) return undefined;
  throw new CredentialError(
    'IDENTITY_INVALID',
    `subscription "${subscription}" is of tenant ${account.tenantId}, not of ${tenant}`,
    { hint: 'remove "tenantId" or "subscription" from the configuration' },
  );
}

function parseAccount(entry: JsonObject): Account | undefined {
  const user = asJsonObject(entry['user']);
  const name = asText(user?.['name']);
  const tenantId = asText(entry['tenantId']);
  const subscriptionId = asText(entry['id']);
  if (name === undefined || tenantId === undefined || subscriptionId === undefined) return undefined;
  const environment = asText(entry['environmentName']) ?? '';
  return {
    subscriptionId,
    subscriptionName: asText(entry['name']),
    isDefault: entry['isDefault'] === true,
    user: name,
    tenantId,
    // A managed identity is one as well, and needs nothing to sign in with.
    isServicePrincipal: user?.['type'] === 'servicePrincipal' && !MANAGED_IDENTITY_USERS.includes(name),
    isBound: MANAGED_IDENTITY_USERS.includes(name) || user?.['cloudShellID'] === true,
    details: `${environment} ${asText(user?.['assignedIdentityInfo']) ?? ''}`.trim(),
  };
}
