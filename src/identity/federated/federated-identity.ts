/** Sources that prove an identity with another issuer's token instead of a secret. */

import { type Authority, findAuthority } from '../../entra/authority.ts';
import { CredentialError } from '../../errors.ts';
import { parsePlainUrl } from '../../network/plain-url.ts';
import type { Client } from '../client.ts';
import type { Identity, IdentityRequest, TokenContext } from '../identity.ts';

export interface FederatedSource {
  /** The name of the source. */
  readonly source: string;
  readonly client: Client;
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

/** @throws IDENTITY_INVALID when the authority cannot be used. */
export function createFederatedIdentity(request: IdentityRequest, federated: FederatedSource): Identity {
  const { source, client, readSecret, serviceUrl = '', isBound = false } = federated;
  const authority = findAuthority(request);
  const service = readServiceUrl(serviceUrl);
  return {
    source,
    description: `${source} ${authority.url}/${client.tenant} ${client.clientId}`,
    readSecret,
    origins: [...(service === undefined ? [] : [service.origin]), ...(isBound ? [] : [new URL(authority.url).origin])],
    getToken: (context) => exchangeAssertion(context, authority, federated),
  };
}

async function exchangeAssertion(
  context: TokenContext,
  authority: Authority,
  { client: { clientId, tenant }, actor, getAssertion }: FederatedSource,
): Promise<string> {
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
}

/** Whether a text has the form of a signed token: anything else is not worth sending to Entra. */
export function isJwt(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/**
 * The URL of a CI's token service, which gets the job's own token: nothing but https will do.
 * @throws IDENTITY_INVALID
 */
export function parseServiceUrl(text: string, variable: string): URL {
  const url = readServiceUrl(text);
  if (url !== undefined) return url;
  throw new CredentialError('IDENTITY_INVALID', `${variable} is not an https URL`, {
    hint: `let the CI's runner set ${variable}; do not set it by hand`,
  });
}

function readServiceUrl(text: string): URL | undefined {
  return parsePlainUrl(text, { query: true });
}
