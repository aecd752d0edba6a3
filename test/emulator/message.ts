/** Requests and answers as the pure handlers see them: plain values, no sockets. */

export interface EmulatedRequest {
  readonly method: string;
  /** Lower-case host name without port. */
  readonly host: string;
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly form: URLSearchParams;
  readonly body: string;
}

export interface EmulatedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

/** What the adapter is told to do: send this answer, stream from the real registry, or list what the registry holds. */
export type Answer = EmulatedResponse | 'registry' | 'metadata';

/** When a request is answered, and by which id the answer is known. */
export interface Occasion {
  /** Seconds since the epoch. */
  readonly now: number;
  /** One GUID a request, sent back as `X-Ms-Correlation-Request-Id` or `trace_id`. */
  readonly requestId: string;
}

/** Compact JSON; ACR ends its error bodies with a line feed, Entra and ARM do not. */
export function jsonResponse(
  status: number,
  value: unknown,
  headers: EmulatedResponse['headers'] = {},
): EmulatedResponse {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(value),
  };
}

/** Builds the request of a test or of an adapter from its loose parts. */
export function createRequest(parts: {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
}): EmulatedRequest {
  const url = new URL(parts.url);
  const headers = parts.headers ?? {};
  const body = parts.body === undefined ? '' : parts.body.toString();
  const isForm =
    parts.body instanceof URLSearchParams ||
    (headers['content-type'] ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded');
  return {
    method: parts.method ?? (parts.body === undefined ? 'GET' : 'POST'),
    host: url.hostname.toLowerCase(),
    path: url.pathname,
    query: url.searchParams,
    headers,
    form: new URLSearchParams(isForm ? body : ''),
    body,
  };
}
