/** The requests to the managed identity services, and the types that all kinds of service share. */

import { CredentialError } from '../../errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../network/http.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import type { TokenContext } from '../identity.ts';

/** The URL of a token service. */
export interface NamedEndpoint {
  readonly url: string;
  /** The variable that names it; `undefined` for the URL that Azure documents. */
  readonly variable: string | undefined;
}

/** Selects one of the identities that are assigned to the machine. */
export interface Selector {
  readonly parameter: 'clientId' | 'objectId' | 'resourceId';
  readonly value: string;
  /** Where the value comes from, for error messages: a variable, or a quoted key of the configuration. */
  readonly origin: string;
}

/** A request for a token of a managed identity. */
export interface ManagedIdentityRequest {
  readonly endpoint: NamedEndpoint;
  /** `undefined` for the system-assigned identity. */
  readonly selector: Selector | undefined;
  /** Whether the user chose managed identity. */
  readonly isChosen: boolean;
}

/**
 * Gets an Entra token from one kind of token service.
 * @returns `NotSetUp` when the service turns out not to exist.
 * @throws IDENTITY_INVALID when the endpoint is invalid or the service cannot select the identity, IDENTITY_FAILED when
 * the service refuses, AUDIENCE_UNKNOWN when it does not know the audience, ANSWER_INVALID, NETWORK_FAILED
 */
export type RequestManagedIdentityToken = (
  context: TokenContext,
  request: ManagedIdentityRequest,
) => Promise<string | NotSetUp>;

/** How error messages refer to a token service. */
export interface TokenService {
  /** Such as "App Service". */
  readonly name: string;
  /** The hint for when it refuses or cannot be reached. */
  readonly hint: string;
}

/** One attempt and three retries, as in Microsoft's own libraries. */
const MAX_ATTEMPTS = 4;

/**
 * Sends a request to a token service, with retries.
 * @returns the response, whatever its status.
 * @throws NETWORK_FAILED with the service's own hint, ANSWER_INVALID
 */
export async function askService(http: HttpClient, service: TokenService, request: HttpRequest): Promise<HttpResponse> {
  try {
    return await http.send({ maxAttempts: MAX_ATTEMPTS, ...request });
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'NETWORK_FAILED') throw cause;
    // The client's own hint, such as to check the proxy, does not apply to a local server.
    throw new CredentialError('NETWORK_FAILED', `${service.name} cannot be reached at ${new URL(request.url).host}`, {
      ...{ causes: cause.causes, hint: service.hint, cause: cause.cause },
    });
  }
}

/**
 * Formats the field of the query or form that selects the identity.
 * @param names the service's name for each kind of id that it supports.
 * @returns no field for the system-assigned identity.
 * @throws IDENTITY_INVALID when the service does not support this kind of id.
 */
export function formatSelector(
  service: TokenService,
  selector: Selector | undefined,
  names: Partial<Readonly<Record<Selector['parameter'], string>>>,
): Readonly<Record<string, string>> {
  if (selector === undefined) return {};
  const name = names[selector.parameter];
  if (name !== undefined) return { [name]: selector.value };
  const { origin } = selector;
  const remove = origin.startsWith('"') ? `remove ${origin} from the configuration's identity` : `unset ${origin}`;
  const others = Object.keys(names).map((parameter) => `"${parameter}"`);
  throw new CredentialError('IDENTITY_INVALID', `${service.name} cannot choose an identity by ${origin}`, {
    hint: others.length === 0 ? remove : `${remove}, and use ${others.join(' or ')}`,
  });
}
