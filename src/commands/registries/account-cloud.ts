/** Decides in which cloud to look for the registries of an account. */

import { CLOUDS, type Cloud } from '../../clouds.ts';
import { CredentialError } from '../../errors.ts';
import { parseHost } from '../../registry.ts';
import { type Runtime, readVariable } from '../../system/runtime.ts';

/** A cloud whose resource manager is known. */
export interface ManagedCloud {
  readonly cloud: Cloud;
  /** The base URL of Azure Resource Manager, which is also the audience of its tokens. */
  readonly armUrl: string;
}

const PUBLIC = 'https://login.microsoftonline.com';
/** Other names of an authority. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['login.windows.net', PUBLIC],
  ['login.microsoft.com', PUBLIC],
  ['sts.windows.net', PUBLIC],
  ['login.usgovcloudapi.net', 'https://login.microsoftonline.us'],
  ['login.chinacloudapi.cn', 'https://login.partner.microsoftonline.cn'],
]);

/**
 * Finds the cloud that `AZURE_AUTHORITY_HOST` names; without it, the public cloud.
 * @throws IDENTITY_INVALID when the variable names no known cloud, or one whose resource manager is not public.
 */
export function findAccountCloud(runtime: Runtime): ManagedCloud {
  const named = readVariable(runtime, 'AZURE_AUTHORITY_HOST') ?? PUBLIC;
  const host = parseHost(named) ?? '';
  const url = ALIASES.get(host) ?? `https://${host}`;
  const cloud = CLOUDS.find(({ authority }) => authority === url);
  if (cloud?.armAudience !== undefined) return { cloud, armUrl: cloud.armAudience };
  const why =
    cloud === undefined
      ? 'AZURE_AUTHORITY_HOST does not name a cloud that is known here'
      : `the resource manager of the ${cloud.name} cloud is not public`;
  throw new CredentialError('IDENTITY_INVALID', why, {
    hint: 'name your registries yourself: az acr list --query "[].loginServer" -o tsv',
  });
}
