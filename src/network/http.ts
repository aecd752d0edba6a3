/** The types of HTTP requests and responses, and how an error describes a response. */

import { quoteForeignText } from '../redact.ts';

/** What is looked at of a body that is quoted: a page of a proxy begins with its styles. */
const MAX_QUOTED_CHARACTERS = 8 * 1024;

/** A request to a server. Its response is JSON. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `application/x-www-form-urlencoded`; a name may occur more than once. */
  readonly form?: readonly (readonly [name: string, value: string])[];
  /** How long one attempt may take; 12 seconds by default. */
  readonly timeoutMs?: number;
  /** How many times to send the request at most; three by default. */
  readonly maxAttempts?: number;
  /** Statuses to retry for this request, besides 408, 429, 500, 502, 503 and 504. */
  readonly retriedStatuses?: readonly number[];
}

/** The response of a server, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  /** The value of a header, by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

/** Sends requests. */
export interface HttpClient {
  /**
   * Sends a request, and retries it if that may help and there is time.
   * @returns the response, whatever its status is. Only a redirect throws.
   * @throws NETWORK_FAILED when there is no response, ANSWER_INVALID for a redirect or a response that is too large,
   * CONFIG_INVALID for a broken proxy or certificate setting.
   */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly close: () => void;
}

/**
 * Reads the id under which the service logged the request. The header's name differs by service.
 * @returns `undefined` when the response has no such header.
 */
export function readCorrelationId({ header }: HttpResponse): string | undefined {
  const id = header('x-ms-correlation-request-id') ?? header('x-ms-request-id') ?? header('client-request-id');
  return id === undefined ? undefined : quoteForeignText(id, 64);
}

/** Formats a correlation id as the causes of an error: one line, or none without an id. */
export function describeCorrelation(id: string | undefined): readonly string[] {
  return id === undefined || id === '' ? [] : [`correlation id ${id}`];
}

/** The error code and the message that a service sent with a refusal. */
export interface Refusal {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** Formats a refusal as the cause of an error: the service's own code and message, or else the start of the body. */
export function describeResponse({ status, body }: HttpResponse, refusal?: Refusal): string {
  const said = [refusal?.code, refusal?.message].filter((part) => part !== undefined && part !== '');
  if (said.length > 0) return `HTTP ${status} ${said.map((part) => quoteForeignText(part ?? '')).join(': ')}`;
  const words = quoteForeignText(
    cutText(body)
      .replaceAll(/<[^<>]*>/g, ' ')
      .replaceAll(/\s+/g, ' '),
    120,
  );
  return words === '' ? `HTTP ${status} with an empty body` : `HTTP ${status}: ${words}`;
}

/** Cuts a text between words, so that no part of a secret is left that would not be recognised. */
function cutText(text: string): string {
  return text.length <= MAX_QUOTED_CHARACTERS ? text : `${text.slice(0, MAX_QUOTED_CHARACTERS).replace(/\S+$/, '')}…`;
}
