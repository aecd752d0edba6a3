/**
 * The managed identity of a virtual machine, a scale set, a container instance or an AKS node, from its metadata
 * service.
 *
 * @see https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
 */

import { readMarker, writeMarker } from '../../cache/markers.ts';
import { CredentialError } from '../../errors.ts';
import { parseJsonObject } from '../../json.ts';
import type { HttpClient, HttpResponse, Refusal } from '../../network/http.ts';
import { trimSlashes } from '../../network/plain-url.ts';
import type { NotSetUp } from '../../not-set-up.ts';
import { MAX_FOREIGN_CHARACTERS } from '../../redact.ts';
import type { TokenContext } from '../identity.ts';
import { addQuery, parseEndpoint } from './endpoint.ts';
import {
  askService,
  formatSelector,
  type ManagedIdentityRequest,
  type Selector,
  type TokenService,
} from './request.ts';
import { describeRefusal, parseTokenResponse, readRefusal } from './token-response.ts';

const SERVICE: TokenService = {
  name: 'the metadata service (IMDS)',
  hint: 'az vm identity show --resource-group GROUP --name NAME',
};
const TOKEN_PATH = '/metadata/identity/oauth2/token';
const PROBE_TIMEOUT_MS = 1_000;
/**
 * The service responds with 410 while it is being updated (up to 70 seconds), and with 404 until it knows a new
 * identity.
 */
const TRANSIENT_STATUSES = [404, 410];
const RETRIED_STATUSES = [...TRANSIENT_STATUSES, 408, 429, 500, 502, 503, 504];
const MAX_ATTEMPTS = 5;
/** The marker that there is no service lasts a minute, so that only the first of a build's many runs waits for one. */
const MARKER = 'imds';
const ABSENT = 'absent';
const MARKER_SECONDS = 60;
const NOT_THERE: NotSetUp = { notSetUp: 'there is no metadata service (IMDS)' };

/**
 * Gets an Entra token from the metadata service.
 * @returns `NotSetUp` when there is no metadata service or no identity, and the user did not choose managed identity.
 * @throws IDENTITY_INVALID, IDENTITY_FAILED, AUDIENCE_UNKNOWN, ANSWER_INVALID, NETWORK_FAILED
 */
export async function requestImdsToken(
  context: TokenContext,
  { endpoint, selector, isChosen }: ManagedIdentityRequest,
): Promise<string | NotSetUp> {
  const { runtime, cache, audience } = context;
  const nowSeconds = runtime.now() / 1000;
  const mustProbe = !isChosen && endpoint.variable === undefined;
  if (mustProbe && readMarker(cache, MARKER, nowSeconds) === ABSENT) return NOT_THERE;
  const server = parseEndpoint(SERVICE, endpoint, 'nearby');
  server.pathname = `${trimSlashes(server.pathname)}${TOKEN_PATH}`;
  const fields = formatSelector(SERVICE, selector, {
    clientId: 'client_id',
    objectId: 'object_id',
    resourceId: 'msi_res_id',
  });
  const http = context.openDirect({});
  if (mustProbe && !(await isImdsThere(http, server.href))) {
    runtime.signal?.throwIfAborted(); // the probe was called off, and found out nothing
    writeMarker(cache, MARKER, ABSENT, nowSeconds, MARKER_SECONDS);
    return NOT_THERE;
  }
  const request = {
    method: 'GET',
    url: addQuery(server, { 'api-version': '2018-02-01', resource: audience, ...fields }),
    headers: { Metadata: 'true' },
    retriedStatuses: TRANSIENT_STATUSES,
  } as const;
  let response: HttpResponse | undefined;
  if (!isChosen && !mustProbe) {
    // If a variable names the endpoint, there is no probe: the first request shows whether the service exists.
    response = await sendOnce(() => askService(http, SERVICE, { ...request, maxAttempts: 1 }));
    if (response === undefined) return NOT_THERE;
  }
  if (response === undefined || RETRIED_STATUSES.includes(response.status)) {
    response = await askService(http, SERVICE, { ...request, maxAttempts: MAX_ATTEMPTS });
  }
  const refusal = readRefusal(response);
  if (!isChosen && refusal === undefined) return { notSetUp: 'another server responds in place of IMDS' };
  if (response.status === 400 && refusal !== undefined && !isResourceUnknown(refusal)) {
    if (selector === undefined && !isChosen) return { notSetUp: 'this machine has no managed identity' };
    throw explainNotAssigned(selector, response);
  }
  return parseTokenResponse(context.runtime, SERVICE, response, isResourceUnknown);
}

/**
 * Probes for IMDS with a request that lacks the required header: IMDS refuses it with a distinctive message.
 * @returns whether IMDS responds within a second. A response from anything else, such as a gateway, does not count.
 */
async function isImdsThere(http: HttpClient, url: string): Promise<boolean> {
  const probe = { method: 'GET', url, timeoutMs: PROBE_TIMEOUT_MS, maxAttempts: 1 } as const;
  const response = await sendOnce(() => http.send(probe));
  if (response === undefined) return false;
  // Docker Desktop's proxy reports every address as unreachable.
  if (response.status === 403 && response.body.includes('unreachable')) return false;
  if (parseJsonObject(response.body) !== undefined) return true;
  return response.status === 400 && isHeaderDemanded(response.quote(response.body, MAX_FOREIGN_CHARACTERS));
}

/** Whether a message says that the metadata header is missing. */
function isHeaderDemanded(message: string): boolean {
  const start = message.search(/\bmetadata\b/i);
  return start >= 0 && /\bheader\b/i.test(message.slice(start));
}

/** @returns `undefined` when there is no response, or none that could come from IMDS. */
async function sendOnce(send: () => Promise<HttpResponse>): Promise<HttpResponse | undefined> {
  try {
    return await send();
  } catch (cause) {
    if (cause instanceof CredentialError) return undefined;
    throw cause;
  }
}

function isResourceUnknown({ code = '', message = '' }: Refusal): boolean {
  return code === 'invalid_resource' || /\bAADSTS(500011|50001)\b/.test(message);
}

function explainNotAssigned(selector: Selector | undefined, response: HttpResponse): CredentialError {
  const causes = describeRefusal(response);
  if (selector === undefined) {
    return new CredentialError('IDENTITY_FAILED', `no identity is assigned to this machine`, {
      causes,
      hint: 'az vm identity assign --resource-group GROUP --name NAME (az vmss, az container)',
    });
  }
  return new CredentialError(
    'IDENTITY_FAILED',
    `the identity that ${selector.origin} names is not assigned to this machine`,
    {
      causes,
      hint: `${SERVICE.hint}, and correct ${selector.origin}`,
    },
  );
}
