/** Finds the registries that the account of this machine can see in Azure. */

import { findCache } from '../../cache/cache.ts';
import { obtainEntraToken } from '../../entra/entra-token.ts';
import { CredentialError } from '../../errors.ts';
import { isSkipped, type SkippedSource, searchIdentities } from '../../identity/chain.ts';
import type { Identity } from '../../identity/identity.ts';
import { asText, type JsonObject } from '../../json.ts';
import type { Log } from '../../log.ts';
import { isNotSetUp, type NotSetUp } from '../../not-set-up.ts';
import { createQuote, type Quote } from '../../redact.ts';
import { parseRegistry } from '../../registry.ts';
import { Session, type SessionRequest } from '../../sign-in/session.ts';
import { readClockMs } from '../../system/clock.ts';
import type { Runtime } from '../../system/runtime.ts';
import { findAccountCloud, type ManagedCloud } from './account-cloud.ts';
import { queryResourceGraph } from './resource-graph.ts';

/** A registry of the account. Its texts come from Azure, without control characters and secrets. */
export interface FoundRegistry {
  /** Such as `myregistry.azurecr.io`. */
  readonly loginServer: string;
  readonly name: string;
  readonly resourceGroup: string;
  /** The name of the subscription; its id where it has no name. */
  readonly subscription: string;
  /** Such as `westeurope`. */
  readonly location: string;
}

/** What the search needs. */
export interface FindRequest {
  readonly runtime: Runtime;
  readonly log: Log | undefined;
}

/** A person waits for it, not a client with a time limit of its own. */
const BUDGET_MS = 60_000;
const MAX_NAME = 100;

const QUERY = `resources
| where type =~ 'microsoft.containerregistry/registries'
| join kind=leftouter (resourcecontainers
  | where type =~ 'microsoft.resources/subscriptions'
  | project subscriptionId, subscription = name) on subscriptionId
| project id, name, resourceGroup, location, subscriptionId, subscription, loginServer = tostring(properties.loginServer)
| order by id asc`;

/**
 * Finds the registries in all subscriptions that the first identity of this machine can read. Its token for Azure
 * Resource Manager is never cached.
 * @returns the registries whose login servers belong to a known cloud, in the order of their login servers.
 * @throws IDENTITY_NOT_SET_UP when there is no identity, IDENTITY_INVALID when `AZURE_AUTHORITY_HOST` names no known
 * cloud, RESOURCES_REFUSED, ANSWER_INVALID, NETWORK_FAILED, or the error of the identity.
 */
export async function findAzureRegistries({ runtime, log }: FindRequest): Promise<readonly FoundRegistry[]> {
  const skipped: SkippedSource[] = [];
  try {
    return await search(runtime, log, skipped);
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    const causes = [...cause.causes, ...skipped.map(({ source, reason }) => `skipped ${source}: ${reason}`)];
    throw cause.with({ message: `Cannot find the registries of your account: ${cause.message}`, causes });
  }
}

async function search(
  runtime: Runtime,
  log: Log | undefined,
  skipped: SkippedSource[],
): Promise<readonly FoundRegistry[]> {
  const managed = findAccountCloud(runtime);
  // The identities take the resource manager for a registry of its cloud: that decides where they sign in.
  const { host } = new URL(managed.armUrl);
  const registry = { host, service: host, cloud: managed.cloud };
  const deadlineMs = readClockMs() + BUDGET_MS;
  const request = { runtime, registry, cache: await findCache(runtime), deadlineMs, log };
  log?.({ step: 'start', outcome: 'find-registries', host });
  for (const identity of searchIdentities({ runtime, registry, tenantId: undefined, chosen: undefined })) {
    if (isSkipped(identity)) {
      skipped.push(identity);
      continue;
    }
    const session = new Session(request);
    try {
      const found = await listRegistries(request, session, managed, identity);
      if (!isNotSetUp(found)) return found;
      skipped.push({ source: identity.source, reason: found.notSetUp });
    } finally {
      session.close();
    }
  }
  throw new CredentialError('IDENTITY_NOT_SET_UP', 'no Azure identity is set up', {
    hint: `${runtime.programName} login`,
  });
}

async function listRegistries(
  request: SessionRequest,
  session: Session,
  { cloud, armUrl }: ManagedCloud,
  identity: Identity,
): Promise<readonly FoundRegistry[] | NotSetUp> {
  const { source, description, origins, readSecret } = identity;
  const getToken = async (audience: string) => identity.getToken({ ...(await session.open(origins)), audience });
  const found = await obtainEntraToken({
    ...request,
    cloud,
    identity: { source, description, getToken, ...(readSecret === undefined ? {} : { readSecret }) },
    audience: armUrl,
    isCacheable: true, // it would be for any other audience
    onWait: () => {},
  });
  if (isNotSetUp(found)) return found;
  const { runtime } = request;
  runtime.secrets.add(found.token);
  const { http } = await session.open([]);
  const rows = await queryResourceGraph({ http, armUrl, token: found.token }, QUERY);
  const quote = createQuote(runtime);
  const registries = rows.map((row) => parseRow(row, quote)).filter((one) => one !== undefined);
  return registries.toSorted((one, other) => (one.loginServer < other.loginServer ? -1 : 1));
}

/** @returns `undefined` for a row whose login server may not receive a token. */
function parseRow(row: JsonObject, quote: Quote): FoundRegistry | undefined {
  const loginServer = parseRegistry(asText(row['loginServer']) ?? '')?.host;
  if (loginServer === undefined) return undefined;
  const read = (name: string) => quote(asText(row[name]) ?? '', MAX_NAME);
  return {
    loginServer,
    name: read('name'),
    resourceGroup: read('resourceGroup'),
    subscription: read('subscription') || read('subscriptionId'),
    location: read('location'),
  };
}
