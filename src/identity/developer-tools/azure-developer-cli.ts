/** The account that the Azure Developer CLI is signed in with. */

import { isAbsolute, join } from 'node:path';
import { describeCause } from '../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { readForeignFile } from '../../system/files.ts';
import { findDotFolder } from '../../system/paths.ts';
import { defineSource, type Identity, type IdentityRequest, joinNames } from '../identity.ts';

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** The values that `azd` reads as true. */
const TRUE_VALUES = ['1', 't', 'T', 'TRUE', 'true', 'True'];

/** The source for the Azure Developer CLI's account. */
export const AZURE_DEVELOPER_CLI = defineSource({
  name: 'azure-developer-cli',
  aliases: ['AzureDeveloperCliCredential'],
  group: 'dev',
  summary: 'azd auth login',
  fields: {},
  find: findAzureDeveloperCli,
});

/**
 * Reads the account from the files of `azd`, without starting it.
 * @see https://github.com/Azure/azure-dev/blob/main/cli/azd/pkg/auth/manager.go
 */
function findAzureDeveloperCli({ runtime, parameters }: IdentityRequest): Identity | NotSetUp {
  const folder = findDotFolder(runtime, 'AZD_CONFIG_DIR', '.azd');
  if (folder === undefined) return { notSetUp: 'there is no home folder to hold an Azure Developer CLI account' };
  if (!isAbsolute(folder)) return { notSetUp: 'AZD_CONFIG_DIR is not an absolute path' };
  let account: readonly string[] | undefined;
  try {
    const config = readConfig(join(folder, 'config.json'));
    const delegates = asJsonObject(config['auth'])?.['useAzCliAuth'];
    if (typeof delegates === 'string' && TRUE_VALUES.includes(delegates)) {
      return { notSetUp: 'the Azure Developer CLI uses the account of the Azure CLI' };
    }
    // An older `azd` stored the account among its other settings.
    account = readAccount(readConfig(join(folder, 'auth.json'))) ?? readAccount(config);
  } catch (cause) {
    return { notSetUp: `the Azure Developer CLI's account cannot be read (${describeCause(cause)})` };
  }
  if (account === undefined) return { notSetUp: 'the Azure Developer CLI is not signed in' };
  const { tenantId: tenant } = parameters;
  return {
    source: AZURE_DEVELOPER_CLI.name,
    description: `${AZURE_DEVELOPER_CLI.name} ${joinNames(...account, tenant ?? '')}`,
    origins: [],
    getToken: async (context) => {
      const { requestDeveloperCliToken } = await import('./azure-developer-cli-token.ts');
      return requestDeveloperCliToken(context, tenant);
    },
  };
}

/**
 * Reads a file of settings.
 * @returns an empty object when the file does not exist or is not JSON.
 * @throws the system's error when the file exists but cannot be read.
 */
function readConfig(file: string): JsonObject {
  return parseJsonObject(readForeignFile(file, MAX_CONFIG_BYTES) ?? '') ?? {};
}

/** @returns the account's names: the id of a user (it contains the tenant's id), of a service principal or of a managed identity. */
function readAccount(config: JsonObject): readonly string[] | undefined {
  const user = asJsonObject(asJsonObject(asJsonObject(config['auth'])?.['account'])?.['currentUser']);
  const homeAccountId = asText(user?.['homeAccountId']);
  if (homeAccountId !== undefined) return [homeAccountId];
  const clientId = asText(user?.['clientId']);
  if (user?.['managedIdentity'] === true)
    return clientId === undefined ? ['managedIdentity'] : ['managedIdentity', clientId];
  const tenantId = asText(user?.['tenantId']);
  return clientId === undefined || tenantId === undefined ? undefined : [`${clientId}.${tenantId}`];
}
