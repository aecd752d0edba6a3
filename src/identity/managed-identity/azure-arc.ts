/**
 * The managed identity of an Azure Arc machine. The program must prove to the agent that it can read a file that only
 * the agent's group may read.
 *
 * @see https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
 */

import { CredentialError } from '../../errors.ts';
import { asText, parseJsonObject } from '../../json.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import type { TokenContext } from '../identity.ts';
import { readArcKey } from './azure-arc-key.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import {
  askService,
  formatSelector,
  type ManagedIdentityRequest,
  type Selector,
  type TokenService,
} from './request.ts';
import { parseTokenResponse } from './token-response.ts';

const SERVICE: TokenService = { name: 'the Azure Arc agent', hint: 'azcmagent show' };

/** The fields by which a response may name the identity. */
const ECHOES: Readonly<Record<Selector['parameter'], readonly string[]>> = {
  clientId: ['client_id'],
  objectId: ['object_id'],
  resourceId: ['msi_res_id', 'mi_res_id'],
};

/**
 * Gets an Entra token from the Azure Arc agent.
 * @returns `NotSetUp` when the agent is installed but does not respond, and neither a variable nor the user named it.
 * @throws IDENTITY_INVALID, IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestAzureArcToken(
  context: TokenContext,
  { endpoint, selector, isChosen }: ManagedIdentityRequest,
): Promise<string | NotSetUp> {
  const server = parseEndpoint(SERVICE, endpoint, 'nearby');
  // The agent listens on IPv4 only, and a hosts file must not redirect its key.
  if (server.hostname === 'localhost') server.hostname = '127.0.0.1';
  const url = addQuery(server, {
    'api-version': '2020-06-01',
    resource: context.audience,
    ...formatSelector(SERVICE, selector, {
      clientId: 'client_id',
      objectId: 'object_id',
      resourceId: 'msi_res_id',
    }),
  });
  const http = context.openDirect({});
  // If nothing names the agent, and it is installed but does not respond at once, there is no identity.
  const isHintOnly = endpoint.variable === undefined && !isChosen;
  const ask = (headers: Readonly<Record<string, string>>) =>
    askService(http, SERVICE, {
      method: 'GET',
      url,
      headers: { Metadata: 'true', ...headers },
      retriedStatuses: [404],
      ...(isHintOnly ? { maxAttempts: 1 } : {}),
    });
  let challenge: HttpResponse;
  try {
    challenge = await ask({});
  } catch (cause) {
    if (isHintOnly && cause instanceof CredentialError && cause.code === 'NETWORK_FAILED') {
      return { notSetUp: 'the Azure Arc agent is installed but does not respond' };
    }
    throw cause;
  }
  if (challenge.status !== 401) {
    if (challenge.status !== 200) return parseTokenResponse(context.runtime, SERVICE, challenge);
    throw new CredentialError('ANSWER_INVALID', `${SERVICE.name} did not ask for its key`, {
      hint: 'azcmagent version (another program may be listening in its place)',
    });
  }
  const key = readArcKey(context.runtime, challenge);
  const response = await ask({ Authorization: `Basic ${key}` });
  const token = parseTokenResponse(context.runtime, SERVICE, response);
  checkEcho(selector, response);
  return token;
}

/**
 * Checks that the token is for the requested identity: an old agent, without support for user-assigned identities,
 * returns a token of the machine's own identity instead.
 * @throws IDENTITY_FAILED when the response does not name the requested identity.
 */
function checkEcho(selector: Selector | undefined, { body }: HttpResponse): void {
  if (selector === undefined) return;
  const object = parseJsonObject(body);
  const requested = selector.value.toLowerCase();
  if (ECHOES[selector.parameter].some((name) => asText(object?.[name])?.toLowerCase() === requested)) return;
  throw new CredentialError(
    'IDENTITY_FAILED',
    `${SERVICE.name} returned no token for the identity that ${selector.origin} names`,
    { hint: `azcmagent version (update the agent), or remove ${selector.origin} to use the machine's own identity` },
  );
}
