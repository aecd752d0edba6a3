/**
 * Azure Resource Graph: the registries of all subscriptions of a tenant, in pages, with a quota for each user.
 *
 * @see https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
 */
import { describeResource } from './arm-resource.ts';
import { type JsonRecord, parseJsonRecord, parseRecord, parseString } from './json.ts';
import { type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';

import type { Context, Registry, Tenant } from './state.ts';

/** In lower case. */
export const RESOURCE_GRAPH_PATH = '/providers/microsoft.resourcegraph/resources';

const API_VERSIONS = ['2021-03-01', '2022-10-01', '2024-04-01'];
const WINDOW_SECONDS = 5;
const MAX_ROWS = 1000;

/** Who asks. */
interface Asking {
  readonly tenant: Tenant;
  /** An object id: each user has a quota. */
  readonly user: string;
}

/** Answers a query of an authenticated user. */
export function answerResourceGraph(request: EmulatedRequest, asking: Asking, context: Context): EmulatedResponse {
  const { resourceGraph } = context.state;
  const version = request.query.get('api-version');
  if (version === null || !API_VERSIONS.includes(version)) {
    const code = version === null ? 'MissingApiVersionParameter' : 'NoRegisteredProviderFound';
    return jsonResponse(400, { error: { code, message: `The api-version '${version ?? ''}' is invalid.` } });
  }
  const recent = (resourceGraph.queries.get(asking.user) ?? []).filter((at) => at > context.now - WINDOW_SECONDS);
  const resetsAfter = WINDOW_SECONDS - (context.now - (recent[0] ?? context.now));
  if (recent.length >= resourceGraph.quota) {
    return refuse(429, 'RateLimiting', THROTTLED, context, {
      'Retry-After': `${resetsAfter}`,
      ...quotaHeaders(0, resetsAfter, context),
    });
  }
  resourceGraph.queries.set(asking.user, [...recent, context.now]);
  const headers = quotaHeaders(resourceGraph.quota - recent.length - 1, resetsAfter, context);
  const body = parseJsonRecord(request.body);
  const query = parseString(body?.['query']);
  const page = readPage(parseRecord(body?.['options']) ?? {});
  if (query === undefined || page === undefined) {
    return refuse(400, 'InvalidArguments', 'The request is not valid.', context, headers);
  }
  if (resourceGraph.isDenied) {
    return refuse(403, 'AccessDenied', 'Access is denied to the requested resource.', context, headers);
  }
  if (asking.tenant.subscriptions.length === 0) {
    const message = 'There must be at least one subscription that is eligible to contain resources.';
    return refuse(400, 'NoValidSubscriptionsInQueryRequest', message, context, headers);
  }
  const columns = readColumns(query);
  const rows = query.toLowerCase().includes("'microsoft.containerregistry/registries'")
    ? listRows(asking.tenant, context, columns)
    : [];
  const data = rows.slice(page.skip, page.skip + page.top);
  const end = page.skip + data.length;
  const hasMore = end < rows.length;
  // The service cannot go on from a row without an id.
  const canGoOn = columns === undefined || columns.includes('id');
  return jsonResponse(
    200,
    {
      totalRecords: rows.length,
      count: data.length,
      data,
      facets: [],
      resultTruncated: hasMore && !canGoOn ? 'true' : 'false',
      ...(hasMore && canGoOn ? { $skipToken: writeSkipToken(end) } : {}),
    },
    headers,
  );
}

const THROTTLED =
  'Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help.';

function listRows(tenant: Tenant, { state }: Context, columns: readonly string[] | undefined): JsonRecord[] {
  const rows = [...state.registries.values()].flatMap((registry) => {
    const subscription = tenant.subscriptions.find(({ id }) => id === registry.resource.subscriptionId);
    return subscription === undefined ? [] : [describeRow(registry, subscription.name, tenant.id)];
  });
  const sorted = rows.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return sorted.map((row) =>
    columns === undefined ? row : Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name))),
  );
}

/** The columns that the service has, and those that a query may compute from them. */
function describeRow(registry: Registry, subscription: string, tenantId: string) {
  const { subscriptionId, resourceGroup } = registry.resource;
  const { loginServer } = registry;
  const resource = describeResource(registry);
  return {
    ...resource,
    type: resource.type.toLowerCase(),
    ...{ tenantId, kind: '', resourceGroup, subscriptionId, subscription, loginServer, properties: { loginServer } },
  };
}

/** @returns the columns of the last `project`; `undefined` for all */
function readColumns(query: string): readonly string[] | undefined {
  const clauses = query.split('|').map((clause) => clause.trim());
  const last = clauses.findLast((clause) => clause.startsWith('project '));
  return last
    ?.slice('project '.length)
    .split(',')
    .map((column) => (column.split('=')[0] ?? '').trim());
}

/** @returns `undefined` for options that the service refuses */
function readPage(options: JsonRecord): { readonly skip: number; readonly top: number } | undefined {
  const { $top: top = MAX_ROWS, $skipToken: token } = options;
  const skip = token === undefined ? 0 : readSkipToken(parseString(token) ?? '');
  if (typeof top !== 'number' || !Number.isInteger(top) || top < 1 || top > MAX_ROWS) return undefined;
  return skip === undefined ? undefined : { skip, top };
}

function writeSkipToken(row: number): string {
  return Buffer.from(JSON.stringify({ $id: '1', FinalRowNumber: row })).toString('base64');
}

function readSkipToken(token: string): number | undefined {
  const row = parseJsonRecord(Buffer.from(token, 'base64').toString())?.['FinalRowNumber'];
  return typeof row === 'number' ? row : undefined;
}

/** The code and the message are in the details; the error itself is for the support. */
function refuse(
  status: number,
  code: string,
  message: string,
  context: Context,
  headers: Readonly<Record<string, string>>,
): EmulatedResponse {
  const time = new Date(context.now * 1000).toISOString();
  const support = `Please provide below info when asking for support: timestamp = ${time}, correlationId = ${context.requestId}.`;
  const name = code === 'NoValidSubscriptionsInQueryRequest' || code === 'InvalidArguments' ? 'BadRequest' : code;
  return jsonResponse(status, { error: { code: name, message: support, details: [{ code, message }] } }, headers);
}

function quotaHeaders(remaining: number, resetsAfter: number, { requestId }: Context): Record<string, string> {
  return {
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': requestId,
    'x-ms-user-quota-remaining': `${remaining}`,
    'x-ms-user-quota-resets-after': `00:00:0${resetsAfter}`,
    'x-ms-resource-graph-request-duration': '0:00:00:00.0138132',
    'x-ms-tenant-subscription-limit-hit': 'false',
  };
}
