/** Where an identity signs in: the authority of a cloud, and the tenant. */

import { CLOUDS } from '../clouds.ts';
import { CredentialError } from '../errors.ts';
import { formatBaseUrl, parsePlainUrl } from '../network/plain-url.ts';
import type { Registry } from '../registry.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';

export interface Authority {
  /** Base URL of Entra without a trailing slash, such as `https://login.microsoftonline.com`. */
  readonly url: string;
  /** That the environment names another cloud's authority than the registry's: told when the sign-in fails. */
  readonly contradiction: string | undefined;
}

/** Whose sign-in it is. */
export interface AuthorityRequest {
  readonly runtime: Runtime;
  readonly registry: Registry;
  readonly parameters: { readonly authorityHost?: string | undefined };
}

/**
 * The authority for a registry: the configuration's, else `AZURE_AUTHORITY_HOST`, else that of the registry's cloud.
 * @throws IDENTITY_INVALID
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
  // The client's secret is posted there: nothing but https to a plain host will do.
  const url = parsePlainUrl(named);
  if (url === undefined) {
    throw new CredentialError('IDENTITY_INVALID', 'AZURE_AUTHORITY_HOST is not an https URL', {
      hint: `set AZURE_AUTHORITY_HOST=${cloud.authority ?? 'https://login.example.com'}`,
    });
  }
  const base = formatBaseUrl(url);
  const owner = CLOUDS.find(({ authority }) => authority === base);
  const contradiction =
    owner === undefined || owner.name === cloud.name || cloud.authority === undefined
      ? undefined
      : `AZURE_AUTHORITY_HOST is that of the ${owner.name} cloud, ${host} is of the ${cloud.name} cloud (${cloud.authority})`;
  return { url: base, contradiction };
}

/**
 * What Entra takes as a tenant in a URL's path: an id or a domain.
 * @param setting what names it: a variable, or a key of the configuration in quotes.
 * @throws IDENTITY_INVALID when the text cannot be a tenant.
 */
export function checkTenant(tenantId: string, setting: string): string {
  if (/^[0-9a-zA-Z][0-9a-zA-Z.-]*$/.test(tenantId)) return tenantId;
  throw new CredentialError('IDENTITY_INVALID', `${setting} is not a tenant`, {
    hint: `set ${setting} to the id or the domain of a tenant: az account show --query tenantId`,
  });
}
