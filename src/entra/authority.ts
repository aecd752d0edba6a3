/** Where an identity signs in: an authority of Entra ID, and a tenant. */

import { CLOUDS } from '../clouds.ts';
import { CredentialError } from '../errors.ts';
import { formatBaseUrl, parsePlainUrl } from '../network/plain-url.ts';
import type { Registry } from '../registry.ts';
import { shellWord } from '../shell-word.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';

/** The Entra ID server that an identity signs in to. */
export interface Authority {
  /** Base URL of Entra ID without a trailing slash, such as `https://login.microsoftonline.com`. */
  readonly url: string;
  /** A warning that `AZURE_AUTHORITY_HOST` names another cloud than the registry's; shown if the sign-in fails. */
  readonly contradiction: string | undefined;
}

/** A tenant in the path of an Entra URL: an id or a domain. The configuration and its schema use it too. */
export const TENANT_PATTERN = '^[0-9a-zA-Z][0-9a-zA-Z.-]*$';

/** What determines the authority of a sign-in. */
export interface AuthorityRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  readonly parameters: { readonly authorityHost?: string | undefined };
}

/**
 * Finds the authority for a registry: the configuration's, else `AZURE_AUTHORITY_HOST`, else that of the registry's
 * cloud.
 * @throws IDENTITY_INVALID when `AZURE_AUTHORITY_HOST` is not a plain https URL, or is missing and the cloud's
 * authority is not public.
 */
export function findAuthority({ runtime, registry, parameters }: AuthorityRequest): Authority {
  const { host, cloud } = registry;
  if (parameters.authorityHost !== undefined) {
    return { url: formatBaseUrl(new URL(parameters.authorityHost)), contradiction: undefined };
  }
  const named = readVariable(runtime, 'AZURE_AUTHORITY_HOST');
  if (named === undefined) {
    if (cloud.authority !== undefined) return { url: cloud.authority, contradiction: undefined };
    throw new CredentialError('IDENTITY_INVALID', `the authority of the ${cloud.name} cloud is not public`, {
      hint: 'set AZURE_AUTHORITY_HOST to the authority of your cloud, such as https://login.example.com',
    });
  }
  // The sign-in sends the client's secret there, so only a plain https URL is accepted.
  const url = parsePlainUrl(named);
  if (url === undefined) {
    throw new CredentialError('IDENTITY_INVALID', 'AZURE_AUTHORITY_HOST is not an https URL', {
      hint: `set AZURE_AUTHORITY_HOST=${shellWord(cloud.authority ?? 'https://login.example.com')}`,
    });
  }
  const base = formatBaseUrl(url);
  const owner = CLOUDS.find(({ authority }) => authority === base);
  const contradiction =
    owner === undefined || owner.name === cloud.name || cloud.authority === undefined
      ? undefined
      : `AZURE_AUTHORITY_HOST names the ${owner.name} cloud, but ${host} belongs to the ${cloud.name} cloud (${cloud.authority})`;
  return { url: base, contradiction };
}

/** Whether a text can stand for a tenant in the path of an Entra URL: an id or a domain. */
export function isTenant(text: string): boolean {
  return new RegExp(TENANT_PATTERN, 'u').test(text);
}

/**
 * Checks that a text can stand for a tenant in the path of an Entra URL: an id or a domain.
 * @param setting where the tenant comes from, for the error: a variable, or a quoted key of the configuration.
 * @returns `tenantId`, unchanged.
 * @throws IDENTITY_INVALID when the text cannot be a tenant.
 */
export function checkTenant(tenantId: string, setting: string): string {
  if (isTenant(tenantId)) return tenantId;
  throw new CredentialError('IDENTITY_INVALID', `${setting} is not a tenant id or domain`, {
    hint: `set ${setting} to the id or domain of a tenant: az account show --query tenantId`,
  });
}
