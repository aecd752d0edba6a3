/** The account that Azure PowerShell is signed in with. */

import { join } from 'node:path';
import { describeCause } from '../../errors.ts';
import { asJsonObject, asText, parseJsonObject } from '../../json.ts';
import { isNotSetUp, type NotSetUp } from '../../not-set-up.ts';
import { readForeignFile } from '../../system/files.ts';
import { findHome } from '../../system/paths.ts';
import { defineSource, type Identity, type IdentityRequest, joinNames } from '../identity.ts';

const MAX_CONTEXT_BYTES = 8 * 1024 * 1024;
const NOT_SIGNED_IN: NotSetUp = { notSetUp: 'Azure PowerShell is not signed in' };

/** The source for Azure PowerShell's account. */
export const AZURE_POWERSHELL = defineSource({
  name: 'azure-powershell',
  aliases: ['AzurePowerShellCredential'],
  group: 'dev',
  summary: 'Connect-AzAccount',
  fields: {},
  find: findAzurePowerShell,
});

/**
 * Reads the account from the context that Azure PowerShell saves, since starting PowerShell takes seconds.
 * @see https://learn.microsoft.com/powershell/azure/context-persistence
 */
function findAzurePowerShell({ runtime, parameters }: IdentityRequest): Identity | NotSetUp {
  const { tenantId: tenant } = parameters;
  const home = findHome(runtime);
  if (home === undefined) return { notSetUp: 'there is no home folder to hold an Azure PowerShell account' };
  const account = readAccount(join(home, '.Azure', 'AzureRmContext.json'));
  if (isNotSetUp(account)) return account;
  const { user, environment } = account;
  return {
    source: AZURE_POWERSHELL.name,
    description: `${AZURE_POWERSHELL.name} ${joinNames(user, tenant ?? account.tenantId, environment)}`,
    origins: [],
    getToken: async (context) => {
      const { requestPowerShellToken } = await import('./azure-powershell-token.ts');
      return requestPowerShellToken(context, { account: user, tenant });
    },
  };
}

interface Account {
  readonly user: string;
  readonly tenantId: string;
  /** Azure PowerShell's name of the cloud. */
  readonly environment: string;
}

/** Reads the account of the default context. The file may also hold secrets, which are ignored. */
function readAccount(file: string): Account | NotSetUp {
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_CONTEXT_BYTES);
  } catch (cause) {
    return { notSetUp: `the account of Azure PowerShell cannot be read (${describeCause(cause)})` };
  }
  const saved = text === undefined ? undefined : parseJsonObject(text);
  const key = asText(saved?.['DefaultContextKey']);
  const contexts = asJsonObject(saved?.['Contexts']);
  if (key === undefined || contexts === undefined || !Object.hasOwn(contexts, key)) return NOT_SIGNED_IN;
  const context = asJsonObject(contexts[key]);
  const user = asText(asJsonObject(context?.['Account'])?.['Id']);
  const tenantId = asText(asJsonObject(context?.['Tenant'])?.['Id']);
  if (user === undefined || tenantId === undefined) return NOT_SIGNED_IN;
  return { user, tenantId, environment: asText(asJsonObject(context?.['Environment'])?.['Name']) ?? '' };
}
