/**
 * Asks Azure Resource Graph, which knows the resources of all subscriptions that an account can read.
 *
 * @see https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
 */

import { CredentialError } from '../../errors.ts';
import { asJsonObject, asText, type JsonObject, parseJsonObject } from '../../json.ts';
import {
  describeCorrelation,
  describeResponse,
  type HttpClient,
  type HttpResponse,
  quoteRefusal,
  readCorrelationId,
} from '../../network/http.ts';

/** What a query needs besides its text. */
export interface GraphAccess {
  readonly http: HttpClient;
  /** The base URL of Azure Resource Manager. */
  readonly armUrl: string;
  /** An Entra token for it. */
  readonly token: string;
}

/** The oldest version that searches all subscriptions by itself: every cloud has it. */
const API_VERSION = '2021-03-01';
/** The service sends up to 1000 rows, but so many of them could be too large a response. */
const PAGE_SIZE = 200;
/** More registries than anybody has, and an end to a service that always has another page. */
const MAX_PAGES = 50;
const MAX_PAUSE_MS = 10_000;
/** The service says this to an account that sees no subscription. */
const NO_SUBSCRIPTION = 'NoValidSubscriptionsInQueryRequest';

/**
 * Runs a query over all subscriptions that the account can read, and reads all pages.
 * @param query in Kusto; its result must have the column `id`, without which the service sends only one page.
 * @returns the rows; none for an account without a subscription.
 * @throws RESOURCES_REFUSED when Azure refuses the query, ANSWER_INVALID when the response is not one of the service or when
 * there are too many pages, NETWORK_FAILED
 */
export async function queryResourceGraph(access: GraphAccess, query: string): Promise<readonly JsonObject[]> {
  const rows: JsonObject[] = [];
  let skipToken: string | undefined;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const response = await requestPage(access, query, skipToken);
    if (response === undefined) return [];
    const answer = parseJsonObject(response.body);
    const data = answer?.['data'];
    if (!Array.isArray(data)) throw explainInvalid(access, response);
    rows.push(...data.map(asJsonObject).filter((row) => row !== undefined));
    skipToken = asText(answer?.['$skipToken']);
    if (skipToken === undefined) return rows;
    await waitForQuota(response);
  }
  throw new CredentialError('ANSWER_INVALID', `${hostOf(access)} has more than ${MAX_PAGES} pages of registries`, {
    hint: 'name your registries yourself: az acr list --query "[].loginServer" -o tsv',
  });
}

/** @returns `undefined` for an account without a subscription. */
async function requestPage(
  access: GraphAccess,
  query: string,
  skipToken: string | undefined,
): Promise<HttpResponse | undefined> {
  const { http, armUrl, token } = access;
  const response = await http.send({
    method: 'POST',
    url: `${armUrl}/providers/Microsoft.ResourceGraph/resources?api-version=${API_VERSION}`,
    headers: { authorization: `Bearer ${token}` },
    json: {
      query,
      options: {
        $top: PAGE_SIZE,
        resultFormat: 'objectArray',
        // Of more than 10,000 subscriptions, the service searches the first ones instead of none.
        allowPartialScopes: true,
        ...(skipToken === undefined ? {} : { $skipToken: skipToken }),
      },
    },
  });
  if (response.status === 200) return response;
  const { code, message } = readRefusal(response);
  if (response.status === 400 && code === NO_SUBSCRIPTION) return undefined;
  throw explainRefusal(access, response, quoteRefusal(response, code, message));
}

/** The details of an error say more than the error itself, which only has an id for the support. */
function readRefusal({ body }: HttpResponse): {
  readonly code: string | undefined;
  readonly message: string | undefined;
} {
  const error = asJsonObject(parseJsonObject(body)?.['error']);
  const details = error?.['details'];
  const detail = asJsonObject(Array.isArray(details) ? details[0] : undefined) ?? error;
  return { code: asText(detail?.['code']), message: asText(detail?.['message']) };
}

function explainRefusal(
  access: GraphAccess,
  response: HttpResponse,
  refusal: ReturnType<typeof quoteRefusal>,
): CredentialError {
  const host = hostOf(access);
  const refuse = (what: string, hint: string) =>
    new CredentialError('RESOURCES_REFUSED', what, {
      causes: [
        describeResponse(response, refusal.code === undefined ? undefined : refusal),
        ...describeCorrelation(readCorrelationId(response)),
      ],
      hint,
    });
  switch (response.status) {
    case 401:
      return refuse(`${host} does not accept the token of the identity`, 'az login');
    case 403:
      return refuse(
        'the identity may not list resources',
        'give it the role Reader on a subscription, or name your registries yourself',
      );
    case 429: {
      const pauseMs = readPauseMs(response);
      const wait = pauseMs === undefined ? 'a minute' : `${Math.ceil(pauseMs / 1000)} seconds`;
      return refuse(`${host} received too many requests`, `wait ${wait} and try again`);
    }
    default:
      return refuse(`${host} responded with status ${response.status}`, 'try again, or name your registries yourself');
  }
}

function explainInvalid(access: GraphAccess, response: HttpResponse): CredentialError {
  return new CredentialError('ANSWER_INVALID', `${hostOf(access)} did not return a list of resources`, {
    causes: [describeResponse(response), ...describeCorrelation(readCorrelationId(response))],
    hint: 'check HTTPS_PROXY; the response may come from a proxy',
  });
}

/** Waits if the next page would be refused. */
async function waitForQuota(response: HttpResponse): Promise<void> {
  if (response.header('x-ms-user-quota-remaining') !== '0') return;
  const pauseMs = Math.min(readPauseMs(response) ?? 0, MAX_PAUSE_MS);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}

/**
 * Reads when the quota is full again.
 * @see https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
 */
function readPauseMs({ header }: HttpResponse): number | undefined {
  const seconds = /^\d{1,6}$/.exec(header('retry-after') ?? '')?.[0];
  if (seconds !== undefined) return Number(seconds) * 1000;
  const parts = /^(\d{1,2}):(\d{2}):(\d{2})$/.exec(header('x-ms-user-quota-resets-after') ?? '');
  if (parts === null) return undefined;
  const [, hours, minutes, rest] = parts;
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(rest)) * 1000;
}

function hostOf({ armUrl }: GraphAccess): string {
  return new URL(armUrl).host;
}
