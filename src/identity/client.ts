/** The client and the tenant that a sign-in names: the configuration's, else those of the environment. */

import { checkTenant } from '../entra/authority.ts';
import { readVariable } from '../system/runtime.ts';
import type { IdentityRequest } from './identity.ts';

/** An application or a managed identity, and the tenant that it signs in at. */
export interface Client {
  readonly clientId: string;
  readonly tenant: string;
}

/** The prefixes of the variables that name them: Azure's own, a service connection's, and Terraform's. */
export type VariablePrefix = 'AZURE' | 'AZURESUBSCRIPTION' | 'ARM';

/**
 * @param prefixes those that are looked for, in this order.
 * @returns the name of the variable that is missing.
 * @throws IDENTITY_INVALID when the tenant cannot be one.
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
