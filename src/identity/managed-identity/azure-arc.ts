/**
 * Azure Arc, whose agent asks for proof that the program may read a file which only the agent's group can read.
 *
 * @see https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
 */

import { CredentialError } from '../../errors.ts';
import { asText, parseJsonObject } from '../../json.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import type { TokenContext } from '../identity.ts';
import { parseTokenResponse } from './answer.ts';
import { readArcKey } from './azure-arc-key.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import {
  askService,
  formatSelector,
  type ManagedIdentityRequest,
  type Selector,
  type TokenService,
} from './request.ts';

const SERVICE: TokenService = { name: 'the Azure Arc agent', hint: 'azcmagent show' };

/** By which names an answer may say whose token it is. */
const ECHOES: Readonly<Record<Selector['parameter'], readonly string[]>> = {
  clientId: ['client_id'],
  objectId: ['object_id'],
  resourceId: ['msi_res_id', 'mi_res_id'],
};

export async function requestAzureArcToken(
  context: TokenContext,
  { endpoint, selector, isChosen }: ManagedIdentityRequest,
): Promise<string | NotSetUp> {
  const server = parseEndpoint(SERVICE, endpoint, 'nearby');
  // The agent listens on IPv4 only, and a hosts file must not send its key elsewhere.
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
  // An agent that is only installed, and that nobody named, is no identity when it does not answer at once.
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
      return { notSetUp: 'the Azure Arc agent is installed and does not answer' };
    }
    throw cause;
  }
  if (challenge.status !== 401) {
    if (challenge.status !== 200) return parseTokenResponse(context.runtime, SERVICE, challenge);
    throw new CredentialError('ANSWER_INVALID', `${SERVICE.name} did not ask for its key`, {
      hint: 'azcmagent version (another program may listen in its place)',
    });
  }
  const key = readArcKey(context.runtime, challenge);
  const response = await ask({ Authorization: `Basic ${key}` });
  const token = parseTokenResponse(context.runtime, SERVICE, response);
  checkEcho(selector, response);
  return token;
}

/**
 * An agent from before user-assigned identities ignores the choice and answers for the machine's own identity.
 * @throws IDENTITY_FAILED
 */
function checkEcho(selector: Selector | undefined, { body }: HttpResponse): void {
  if (selector === undefined) return;
  const answer = parseJsonObject(body);
  const wanted = selector.value.toLowerCase();
  if (ECHOES[selector.parameter].some((name) => asText(answer?.[name])?.toLowerCase() === wanted)) return;
  throw new CredentialError(
    'IDENTITY_FAILED',
    `${SERVICE.name} did not answer for the identity of ${selector.origin}`,
    { hint: `azcmagent version (update the agent), or remove ${selector.origin} for the machine's own identity` },
  );
}
