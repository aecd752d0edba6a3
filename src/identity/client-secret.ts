/** A service principal with a client secret, from the environment. */

import { readVariable } from '../machine.ts';
import { checkTenant, findAuthority } from './authority.ts';
import type { Identity, IdentityRequest, NotSetUp } from './identity.ts';

/**
 * Reads `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` and `AZURE_TENANT_ID`.
 * @see https://learn.microsoft.com/javascript/api/@azure/identity/environmentcredential
 */
export function findClientSecret({ machine, registry, tenantId }: IdentityRequest): Identity | NotSetUp {
  const clientSecret = readVariable(machine, 'AZURE_CLIENT_SECRET');
  if (clientSecret === undefined) return { notSetUp: 'AZURE_CLIENT_SECRET is not set' };
  const clientId = readVariable(machine, 'AZURE_CLIENT_ID');
  if (clientId === undefined) return { notSetUp: 'AZURE_CLIENT_SECRET is set, AZURE_CLIENT_ID is not' };
  const namedTenant = tenantId ?? readVariable(machine, 'AZURE_TENANT_ID');
  if (namedTenant === undefined) return { notSetUp: 'AZURE_CLIENT_SECRET is set, AZURE_TENANT_ID is not' };
  const tenant = checkTenant(namedTenant, 'AZURE_TENANT_ID', registry);
  const authority = findAuthority(machine, registry);
  return {
    source: 'client-secret',
    description: `client-secret ${authority}/${tenant} ${clientId}`,
    secret: clientSecret,
    getToken: async (tools) => {
      const { requestToken } = await import('../entra.ts');
      return requestToken(tools, {
        authority,
        tenant,
        clientId,
        credential: { client_secret: clientSecret },
        actor: `the client secret of AZURE_CLIENT_ID ${clientId}`,
      });
    },
  };
}
