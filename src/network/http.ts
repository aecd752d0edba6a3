/** Requests and responses, as the rest of the program speaks of them. */

import { quoteForeignText } from '../redact.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `application/x-www-form-urlencoded`; a name may stand more than once. */
  readonly form?: readonly (readonly [name: string, value: string])[];
  /** How long one attempt may take; 12 seconds unless told. */
  readonly timeoutMs?: number;
  /** How often it is sent at the most; three times unless told. */
  readonly maxAttempts?: number;
  /** Statuses that are worth another attempt, besides those of every server. */
  readonly retriedStatuses?: readonly number[];
}

export interface HttpResponse {
  readonly status: number;
  /** The value of a header, by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

export interface HttpClient {
  /**
   * Sends a request, again where that helps and there is time.
   * @returns whatever the server answered, an error status too.
   * @throws NETWORK_FAILED, ANSWER_INVALID
   */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly close: () => void;
}

/** Names the response in the services' own logs; the names differ by service. */
export function readCorrelationId({ header }: HttpResponse): string | undefined {
  const id = header('x-ms-correlation-request-id') ?? header('x-ms-request-id') ?? header('client-request-id');
  return id === undefined ? undefined : quoteForeignText(id, 64);
}

/** The correlation id as a cause of an error, where the response has one. */
export function describeCorrelation(id: string | undefined): readonly string[] {
  return id === undefined || id === '' ? [] : [`correlation id ${id}`];
}

/** What a service says of a request that it refuses. */
export interface Refusal {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** A refusal as the cause of an error: the service's own words, else the first ones of what came instead of them. */
export function describeResponse({ status, body }: HttpResponse, refusal?: Refusal): string {
  const said = [refusal?.code, refusal?.message].filter((part) => part !== undefined && part !== '');
  if (said.length > 0) return `HTTP ${status} ${said.map((part) => quoteForeignText(part ?? '')).join(': ')}`;
  const words = quoteForeignText(body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '), 120);
  return words === '' ? `HTTP ${status} with an empty body` : `HTTP ${status}: ${words}`;
}
