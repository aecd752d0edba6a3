/** Finds the client and the tenant for a sign-in: from the configuration, else from the environment. */

import { checkTenant } from '../entra/authority.ts';
import { readVariable } from '../system/runtime.ts';
import type { IdentityRequest } from './identity.ts';

/** An application or a managed identity, and the tenant that it signs in to. */
export interface Client {
  readonly clientId: string;
  readonly tenant: string;
}

/** The prefix of the variables: Azure's own, a service connection's, or Terraform's. */
export type VariablePrefix = 'AZURE' | 'AZURESUBSCRIPTION' | 'ARM';

/**
 * Finds the client and the tenant.
 * @param prefixes the prefixes to try, in this order.
 * @returns the name of the missing variable if one of the two is not set.
 * @throws IDENTITY_INVALID when the tenant is not a valid id or domain.
 */
export function findClient(
  { runtime, parameters }: IdentityRequest<{ readonly clientId?: string | undefined }>,
  prefixes: readonly VariablePrefix[] = ['AZURE'],
): Client | string {
  const find = (name: string) => {
    const variables = prefixes.map((prefix) => `${prefix}_${name}`);
    const variable = variables.find((one) => readVariable(runtime, one) !== undefined) ?? variables[0] ?? name;
    return { variable, value: readVariable(runtime, variable) };
  };
  const client = find('CLIENT_ID');
  const clientId = parameters.clientId ?? client.value;
  if (clientId === undefined) return client.variable;
  const tenant = find('TENANT_ID');
  const tenantId = parameters.tenantId ?? tenant.value;
  if (tenantId === undefined) return tenant.variable;
  return { clientId, tenant: checkTenant(tenantId, tenant.variable) };
}
