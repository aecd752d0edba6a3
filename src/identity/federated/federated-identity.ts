/** What the sources share that sign in with a token from another issuer instead of a secret. */

import { type Authority, findAuthority } from '../../entra/authority.ts';
import type { ClientAdvice } from '../../entra/error-codes.ts';
import type { TokenRoute } from '../../entra/token-endpoint.ts';
import { CredentialError } from '../../errors.ts';
import { parsePlainUrl } from '../../network/plain-url.ts';
import type { Client } from '../client.ts';
import type { Identity, IdentityRequest, TokenContext } from '../identity.ts';

/** What a source adds to the common sign-in. */
export interface FederatedSource {
  /** The name of the source. */
  readonly source: string;
  readonly client: Client;
  /** Whose token it is, where several accounts of this machine sign in as one client: a part of the description. */
  readonly who?: string;
  /** What signs in, for error messages: "the ID token of …". */
  readonly actor: string;
  /** Identifies the secret; see `Identity.readSecret`. */
  readonly readSecret: () => string;
  /** The URL of the CI system's token service, if there is one. It receives the first request. */
  readonly serviceUrl?: string;
  /** Whether a cluster's token proxy may replace Entra. Then no connection to Entra is opened in advance. */
  readonly isBound?: boolean;
  /** Finds another way to a token than Entra; by default, the token proxy that the environment names. */
  readonly findRoute?: (context: TokenContext) => Promise<TokenRoute | undefined>;
  /** What hints say about the client, where the environment does not set it up. */
  readonly advice?: ClientAdvice;
  /** Gets a token from the other issuer. It is called at each sign-in, since such a token expires within minutes. */
  readonly getAssertion: (context: TokenContext) => Promise<string>;
}

/**
 * Makes the identity of a source that signs in with a token from another issuer.
 * @throws IDENTITY_INVALID when the authority is invalid or not known.
 */
export function createFederatedIdentity(request: IdentityRequest, federated: FederatedSource): Identity {
  const { source, client, who, readSecret, serviceUrl = '', isBound = false } = federated;
  const authority = findAuthority(request);
  const service = readServiceUrl(serviceUrl);
  return {
    source,
    description: `${source} ${authority.url}/${client.tenant} ${client.clientId}${who === undefined ? '' : ` ${who}`}`,
    readSecret,
    origins: [...(service === undefined ? [] : [service.origin]), ...(isBound ? [] : [new URL(authority.url).origin])],
    getToken: (context) => exchangeAssertion(context, authority, federated),
  };
}

async function exchangeAssertion(
  context: TokenContext,
  authority: Authority,
  { client: { clientId, tenant }, actor, getAssertion, findRoute, advice }: FederatedSource,
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
    ...(advice === undefined ? {} : { advice }),
    route:
      findRoute === undefined
        ? findTokenProxy(context, assertion, formatTokenEndpoint(authority, tenant))
        : await findRoute(context),
  });
}

/** Whether a text has the form of a signed JWT; anything else is not sent to Entra. */
export function isJwt(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/**
 * Parses the URL of a CI system's token service. It receives the job's own token, so it must be an https URL.
 * @param variable the variable that holds the URL, for the error.
 * @throws IDENTITY_INVALID when it is not a plain https URL.
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
