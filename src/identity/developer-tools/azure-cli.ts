/** The account that the Azure CLI is signed in with. */

import { isAbsolute, join } from 'node:path';
import { checkTenant } from '../../entra/authority.ts';
import { CredentialError, describeCause } from '../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import { readForeignFile } from '../../system/files.ts';
import { findHome } from '../../system/paths.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';
import { type Identity, type IdentityRequest, isNotSetUp, type NotSetUp } from '../identity.ts';

const MAX_PROFILE_BYTES = 8 * 1024 * 1024;
const MANAGED_IDENTITY_USERS = ['systemAssignedIdentity', 'userAssignedIdentity'];
const NOT_SIGNED_IN: NotSetUp = { notSetUp: 'the Azure CLI is not signed in' };
/** What `az logout` of the account in use leaves behind where there are others. */
const NO_DEFAULT: NotSetUp = {
  notSetUp: 'the Azure CLI has no default subscription: az account set --subscription NAME',
};

/** Finds the CLI's account in its profile, which tells who would sign in without the second that starting `az` takes. */
export function findAzureCli(request: IdentityRequest): Identity | NotSetUp {
  const { runtime, parameters } = request;
  const folder = parameters.configDir ?? findConfigFolder(runtime);
  if (folder === undefined) return { notSetUp: 'there is no home folder with an Azure CLI profile' };
  if (!isAbsolute(folder)) return { notSetUp: 'AZURE_CONFIG_DIR is not an absolute path' };
  const accounts = readAccounts(join(folder, 'azureProfile.json'));
  if (isNotSetUp(accounts)) return accounts;
  const account = pickAccount(accounts, request);
  if (isNotSetUp(account)) return account;
  const tenant = pickTenant(account, request);
  return {
    source: 'azure-cli',
    description: `azure-cli ${account.user} ${tenant ?? account.tenantId} ${account.details}`,
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
function pickAccount(accounts: readonly Account[], { registry, parameters }: IdentityRequest): Account | NotSetUp {
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
  throw new CredentialError(
    'IDENTITY_INVALID',
    `Cannot sign in for ${registry.host}: the Azure CLI has ${what} "${subscription}"`,
    { hint: 'az account list --all --output table' },
  );
}

/**
 * The tenant to name to `az`, when there is one to name.
 * @throws IDENTITY_INVALID when it is not that of the chosen subscription.
 */
function pickTenant(account: Account, request: IdentityRequest): string | undefined {
  const { registry, parameters } = request;
  // `az` refuses --tenant for the managed identities that it can be signed in with.
  if (parameters.tenantId === undefined || account.isBound) return undefined;
  const tenant = checkTenant(parameters.tenantId, '"tenantId"', request);
  if (parameters.subscription === undefined) return tenant;
  // `az` takes one of the two, and a subscription has its tenant.
  if (tenant.toLowerCase() === account.tenantId.toLowerCase()) return undefined;
  throw new CredentialError(
    'IDENTITY_INVALID',
    `Cannot sign in for ${registry.host}: subscription "${parameters.subscription}" is of tenant ${account.tenantId}, not of ${tenant}`,
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

function findConfigFolder(runtime: Runtime): string | undefined {
  const named = readVariable(runtime, 'AZURE_CONFIG_DIR');
  if (named !== undefined) return named;
  const home = findHome(runtime);
  return home === undefined ? undefined : join(home, '.azure');
}
