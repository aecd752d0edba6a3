/** The account that the Azure CLI is signed in with. */

import { isAbsolute, join } from 'node:path';
import { describeCause } from '../errors.ts';
import { readForeignFile } from '../files.ts';
import { findHome } from '../folders.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../json.ts';
import { type Machine, readVariable } from '../machine.ts';
import { checkTenant } from './authority.ts';
import { type Identity, type IdentityRequest, isNotSetUp, type NotSetUp } from './identity.ts';

const LARGEST_PROFILE_BYTES = 8 * 1024 * 1024;
const MANAGED_IDENTITY_USERS = ['systemAssignedIdentity', 'userAssignedIdentity'];

/** Finds the CLI's account in its profile, which tells who would sign in without the second that starting `az` takes. */
export function findAzureCli(request: IdentityRequest): Identity | NotSetUp {
  const { machine, parameters } = request;
  const { tenantId } = parameters;
  const folder = parameters.configDir ?? findConfigFolder(machine);
  if (folder === undefined) return { notSetUp: 'there is no home folder with an Azure CLI profile' };
  if (!isAbsolute(folder)) return { notSetUp: 'AZURE_CONFIG_DIR is not an absolute path' };
  const account = readAccount(join(folder, 'azureProfile.json'));
  if (isNotSetUp(account)) return account;
  // `az` refuses --tenant for the managed identities that it can be signed in with.
  const isManagedIdentity = MANAGED_IDENTITY_USERS.includes(account.user);
  const tenant = tenantId === undefined || isManagedIdentity ? undefined : checkTenant(tenantId, '"tenantId"', request);
  return {
    source: 'azure-cli',
    description: `azure-cli ${account.user} ${tenant ?? account.tenantId} ${account.details}`,
    getToken: async (tools) => {
      const { requestCliToken } = await import('../azure-cli-token.ts');
      return requestCliToken(tools, { account: account.user, tenant });
    },
  };
}

interface Account {
  readonly user: string;
  readonly tenantId: string;
  /** The CLI's cloud, and which managed identity it is signed in with. */
  readonly details: string;
}

/** Reads the default subscription's account. */
function readAccount(file: string): Account | NotSetUp {
  let text: string | undefined;
  try {
    text = readForeignFile(file, LARGEST_PROFILE_BYTES);
  } catch (cause) {
    return { notSetUp: `the Azure CLI's profile cannot be read (${describeCause(cause)})` };
  }
  const subscriptions = text === undefined ? undefined : parseJsonObject(text)?.['subscriptions'];
  const entries = Array.isArray(subscriptions) ? subscriptions.map(asJsonObject) : [];
  const entry = entries.find((subscription) => subscription?.['isDefault'] === true);
  return (entry === undefined ? undefined : parseAccount(entry)) ?? { notSetUp: 'the Azure CLI is not signed in' };
}

function parseAccount(entry: JsonObject): Account | undefined {
  const user = asJsonObject(entry['user']);
  const name = asText(user?.['name']);
  const tenantId = asText(entry['tenantId']);
  if (name === undefined || tenantId === undefined) return undefined;
  const environment = asText(entry['environmentName']) ?? '';
  return { user: name, tenantId, details: `${environment} ${asText(user?.['assignedIdentityInfo']) ?? ''}`.trim() };
}

function findConfigFolder(machine: Machine): string | undefined {
  const named = readVariable(machine, 'AZURE_CONFIG_DIR');
  if (named !== undefined) return named;
  const home = findHome(machine);
  return home === undefined ? undefined : join(home, '.azure');
}
