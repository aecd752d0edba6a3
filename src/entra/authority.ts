/** Where an identity signs in. */

import { CLOUDS } from '../clouds.ts';
import { CredentialError } from '../errors.ts';
import type { IdentityRequest } from '../identity/identity.ts';
import { readVariable } from '../system/runtime.ts';

/** What Entra takes as a tenant in a URL's path: an id or a domain. */
export const TENANT = /^[0-9a-zA-Z][0-9a-zA-Z.-]*$/;

export interface Authority {
  /** Base URL of Entra without a trailing slash, such as `https://login.microsoftonline.com`. */
  readonly url: string;
  /** That the environment names another cloud's authority than the registry's: told when the sign-in fails. */
  readonly contradiction: string | undefined;
}

/**
 * The authority for a registry: the configuration's, else `AZURE_AUTHORITY_HOST`, else that of the registry's cloud.
 * @throws IDENTITY_INVALID
 */
export function findAuthority({ runtime, registry, parameters }: IdentityRequest): Authority {
  const { host, cloud } = registry;
  if (parameters.authorityHost !== undefined) return { url: parameters.authorityHost, contradiction: undefined };
  const named = readVariable(runtime, 'AZURE_AUTHORITY_HOST');
  if (named === undefined) {
    if (cloud.authority !== undefined) return { url: cloud.authority, contradiction: undefined };
    throw new CredentialError(
      'IDENTITY_INVALID',
      `Cannot sign in for ${host}: the authority of ${cloud.name} is not known`,
      {
        hint: 'set AZURE_AUTHORITY_HOST to the authority of your cloud, such as https://login.example.com',
      },
    );
  }
  const url = URL.parse(named);
  // The client's secret is posted there: nothing but https to a plain host will do.
  if (
    url?.protocol !== 'https:' ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new CredentialError(
      'IDENTITY_INVALID',
      `Cannot sign in for ${host}: AZURE_AUTHORITY_HOST is not an https URL`,
      {
        hint: `set AZURE_AUTHORITY_HOST=${cloud.authority ?? 'https://login.example.com'}`,
      },
    );
  }
  const base = `https://${url.host}${url.pathname.replace(/\/+$/, '')}`;
  const owner = CLOUDS.find(({ authority }) => authority === base);
  const contradiction =
    owner === undefined || owner.name === cloud.name || cloud.authority === undefined
      ? undefined
      : `AZURE_AUTHORITY_HOST is that of the ${owner.name} cloud, ${host} is of the ${cloud.name} cloud (${cloud.authority})`;
  return { url: base, contradiction };
}

/** @throws IDENTITY_INVALID when the text cannot be a tenant. */
export function checkTenant(tenantId: string, variable: string, { registry }: IdentityRequest): string {
  if (TENANT.test(tenantId)) return tenantId;
  throw new CredentialError('IDENTITY_INVALID', `Cannot sign in for ${registry.host}: ${variable} is not a tenant`, {
    hint: `set ${variable} to the id or the domain of a tenant: az account show --query tenantId`,
  });
}

/** The tenant and the client that most sources need: the configuration's, else the environment's. */
export interface ClientOfTenant {
  readonly clientId: string;
  readonly tenant: string;
}

/** @returns the name of the variable that is missing. */
export function findClient(request: IdentityRequest): ClientOfTenant | string {
  const { runtime, parameters } = request;
  const clientId = parameters.clientId ?? readVariable(runtime, 'AZURE_CLIENT_ID');
  if (clientId === undefined) return 'AZURE_CLIENT_ID';
  const tenantId = parameters.tenantId ?? readVariable(runtime, 'AZURE_TENANT_ID');
  if (tenantId === undefined) return 'AZURE_TENANT_ID';
  return { clientId, tenant: checkTenant(tenantId, 'AZURE_TENANT_ID', request) };
}
