/** The types of HTTP requests and responses, and how an error describes a response. */

import type { JsonObject } from '../json.ts';
import { MAX_FOREIGN_CHARACTERS, type Quote } from '../redact.ts';

/** A request to a server. Its response is JSON. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `application/x-www-form-urlencoded`; a name may occur more than once. */
  readonly form?: readonly (readonly [name: string, value: string])[];
  /** Sent as JSON, instead of a form. */
  readonly json?: JsonObject;
  /** How the JSON is called, if not `application/json`. */
  readonly contentType?: string;
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
  /** Quotes a part of the response. Nothing of it may be shown, searched or split otherwise. */
  readonly quote: Quote;
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
export function readCorrelationId({ header, quote }: HttpResponse): string | undefined {
  const id = header('x-ms-correlation-request-id') ?? header('x-ms-request-id') ?? header('client-request-id');
  return id === undefined ? undefined : quote(id, 64);
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

/** Quotes the code and the message of a refusal at a length that can be searched. */
export function quoteRefusal({ quote }: HttpResponse, code: string | undefined, message: string | undefined): Refusal {
  const read = (text: string | undefined) => (text === undefined ? undefined : quote(text, MAX_FOREIGN_CHARACTERS));
  return { code: read(code), message: read(message) };
}

/** Formats a refusal as the cause of an error: the service's own code and message, or else the start of the body. */
export function describeResponse({ status, body, quote }: HttpResponse, refusal?: Refusal): string {
  const said = [refusal?.code, refusal?.message].filter((part) => part !== undefined && part !== '');
  if (said.length > 0) return `HTTP ${status} ${said.map((part) => quote(part ?? '')).join(': ')}`;
  const words = quote(body, 120, removeMarkup);
  return words === '' ? `HTTP ${status} with an empty body` : `HTTP ${status}: ${words}`;
}

function removeMarkup(text: string): string {
  return text.replaceAll(/<[^<>]*>/g, ' ').replaceAll(/\s+/g, ' ');
}
