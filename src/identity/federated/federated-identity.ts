/** What the sources have in common that sign in with another issuer's token instead of a secret. */

import { type ClientOfTenant, checkTenant, findAuthority } from '../../entra/authority.ts';
import { CredentialError } from '../../errors.ts';
import type { TokenContext } from '../../sign-in/sign-in.ts';
import { readVariable } from '../../system/runtime.ts';
import type { Identity, IdentityName, IdentityRequest } from '../identity.ts';

/** The beginnings of the variables that name client and tenant: Azure's own, a service connection's, and Terraform's. */
export type VariablePrefix = 'AZURE' | 'AZURESUBSCRIPTION' | 'ARM';

export interface Federation {
  readonly source: IdentityName;
  readonly client: ClientOfTenant;
  /** What proves the identity, for people: "the ID token of …". */
  readonly actor: string;
  readonly readSecret: () => string;
  /** The CI's token service, which is asked first. */
  readonly serviceUrl?: string;
  /** Whether the cluster may stand in for Entra, whose connection would then be opened for nothing. */
  readonly isBound?: boolean;
  /** Gets a token of the other issuer: at each sign-in, since it lives for minutes and is replaced under our feet. */
  readonly getAssertion: (context: TokenContext) => Promise<string>;
}

export function createFederatedIdentity(request: IdentityRequest, federation: Federation): Identity {
  const { source, client, actor, readSecret, serviceUrl = '', isBound = false, getAssertion } = federation;
  const { clientId, tenant } = client;
  const authority = findAuthority(request);
  const service = readServiceUrl(serviceUrl);
  return {
    source,
    description: `${source} ${authority.url}/${tenant} ${clientId}`,
    readSecret,
    origins: [...(service === undefined ? [] : [service.origin]), ...(isBound ? [] : [new URL(authority.url).origin])],
    getToken: async (context) => {
      const assertion = await getAssertion(context);
      context.runtime.secrets.add(assertion);
      const [{ formatAssertion, formatTokenEndpoint, requestToken }, { findTokenProxy }] = await Promise.all([
        import('../../entra/token-endpoint.ts'),
        import('./token-proxy.ts'),
      ]);
      return await requestToken(context, {
        authority,
        tenant,
        clientId,
        credential: formatAssertion(assertion),
        actor: `${actor} for ${clientId}`,
        assertion,
        route: findTokenProxy(context, assertion, formatTokenEndpoint(authority, tenant)),
      });
    },
  };
}

/**
 * The client and the tenant: the configuration's, else those of the first family that names them.
 * @returns the name of the variable that is missing.
 */
export function findFederatedClient(
  request: IdentityRequest,
  prefixes: readonly VariablePrefix[],
): ClientOfTenant | string {
  const { runtime, parameters } = request;
  const find = (name: string) => {
    const variable = prefixes.map((family) => `${family}_${name}`).find((one) => readVariable(runtime, one));
    return variable === undefined ? undefined : { variable, value: readVariable(runtime, variable) ?? '' };
  };
  const clientId = parameters.clientId ?? find('CLIENT_ID')?.value;
  if (clientId === undefined) return `${prefixes[0]}_CLIENT_ID`;
  const named = find('TENANT_ID');
  const tenantId = parameters.tenantId ?? named?.value;
  if (tenantId === undefined) return `${prefixes[0]}_TENANT_ID`;
  return { clientId, tenant: checkTenant(tenantId, named?.variable ?? '"tenantId"', request) };
}

/** Whether a text has the form of a signed token: anything else is not worth sending to Entra. */
export function isToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/**
 * The URL of a CI's token service, which gets the job's own token: nothing but https will do.
 * @throws IDENTITY_INVALID
 */
export function parseServiceUrl(text: string, variable: string, { purpose }: TokenContext): URL {
  const url = readServiceUrl(text);
  if (url !== undefined) return url;
  throw new CredentialError('IDENTITY_INVALID', `${purpose}: ${variable} is not an https URL`, {
    hint: `let the CI's runner set ${variable}; it is not to be set by hand`,
  });
}

function readServiceUrl(text: string): URL | undefined {
  const url = URL.parse(text.trim());
  return url?.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined;
}
