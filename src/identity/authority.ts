/** Where an identity signs in. */

import { CredentialError } from '../errors.ts';
import { type Machine, readVariable } from '../machine.ts';
import type { Registry } from '../registry.ts';

/** What Entra takes as a tenant in a URL's path: an id or a domain. */
const TENANT = /^[0-9a-zA-Z.-]+$/;

/**
 * The base URL of Entra for a registry: `AZURE_AUTHORITY_HOST`, else that of the registry's cloud.
 * @returns without a trailing slash, such as `https://login.microsoftonline.com`.
 * @throws IDENTITY_INVALID
 */
export function findAuthority(machine: Machine, { host, cloud }: Registry): string {
  const named = readVariable(machine, 'AZURE_AUTHORITY_HOST');
  if (named === undefined) {
    if (cloud.authorityHost !== undefined) return `https://${cloud.authorityHost}`;
    throw new CredentialError(
      'IDENTITY_INVALID',
      `Cannot sign in for ${host}: the ${cloud.name} cloud has no public authority`,
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
        hint: `set AZURE_AUTHORITY_HOST=https://${cloud.authorityHost ?? 'login.microsoftonline.com'}`,
      },
    );
  }
  return `https://${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

/** @throws IDENTITY_INVALID when the text cannot be a tenant. */
export function checkTenant(tenantId: string, variable: string, registry: Registry): string {
  if (TENANT.test(tenantId)) return tenantId;
  throw new CredentialError('IDENTITY_INVALID', `Cannot sign in for ${registry.host}: ${variable} is not a tenant`, {
    hint: `set ${variable} to the id or the domain of a tenant: az account show --query tenantId`,
  });
}
