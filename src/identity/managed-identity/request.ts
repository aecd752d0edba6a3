/** What every kind of managed identity is asked with, and how it is asked: directly, and again where that helps. */

import { CredentialError } from '../../errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../network/http.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import type { TokenContext } from '../identity.ts';

/** Where tokens are given out. */
export interface NamedEndpoint {
  readonly url: string;
  /** The variable that names it; `undefined` where it is the place that Azure documents. */
  readonly variable: string | undefined;
}

/** Which of the identities that are assigned to the machine. */
export interface Selector {
  readonly parameter: 'clientId' | 'objectId' | 'resourceId';
  readonly value: string;
  /** Where it was named, for people. */
  readonly origin: string;
}

export interface ManagedIdentityRequest {
  readonly endpoint: NamedEndpoint;
  readonly selector: Selector | undefined;
  /** Whether the person chose managed identity. */
  readonly isChosen: boolean;
}

/**
 * Gets an Entra token from one kind of endpoint.
 * @returns `NotSetUp` where it turns out that nothing is there.
 * @throws IDENTITY_INVALID, IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export type RequestManagedIdentityToken = (
  context: TokenContext,
  request: ManagedIdentityRequest,
) => Promise<string | NotSetUp>;

/** Who gives out the tokens, for people. */
export interface TokenService {
  /** Such as "App Service". */
  readonly name: string;
  /** What helps when it refuses or is not there. */
  readonly hint: string;
}

/** The first try and three more, as Microsoft's own libraries do. */
const MAX_ATTEMPTS = 4;

/**
 * Sends a request to the service itself.
 * @throws NETWORK_FAILED, ANSWER_INVALID
 */
export async function askService(http: HttpClient, service: TokenService, request: HttpRequest): Promise<HttpResponse> {
  try {
    return await http.send({ maxAttempts: MAX_ATTEMPTS, ...request });
  } catch (cause) {
    if (!(cause instanceof CredentialError) || cause.code !== 'NETWORK_FAILED') throw cause;
    // What helps with Azure's own hosts, such as another proxy, does not help with a server next door.
    throw new CredentialError('NETWORK_FAILED', `${service.name} cannot be reached at ${new URL(request.url).host}`, {
      ...{ causes: cause.causes, hint: service.hint, cause: cause.cause },
    });
  }
}

/**
 * The query or form field that names the identity, by the name it has at this service.
 * @throws IDENTITY_INVALID when the service has none for it.
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
