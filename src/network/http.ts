/**
 * Requests to Azure: through the proxy of the environment, trusting what the machine trusts, within one budget of time,
 * never following a redirect.
 */

import { CredentialError, describeCause, readErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { quoteForeignText } from '../redact.ts';
import { readClockMs } from '../system/clock.ts';
import type { Runtime } from '../system/runtime.ts';
import { Connections } from './connections.ts';
import type { DirectConnection } from './direct-connections.ts';
import { type ConnectionSource, RequestSender } from './request-sender.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `application/x-www-form-urlencoded`; a name may stand more than once. */
  readonly form?: readonly (readonly [string, string])[];
  /** What the request is for, as in "Cannot sign in for myregistry.azurecr.io". */
  readonly purpose: string;
  /** How long one attempt may take; 12 seconds unless told. */
  readonly timeoutMs?: number;
  /** How often it is sent at the most; three times unless told. */
  readonly maxAttempts?: number;
  /** Statuses that pass by themselves, besides those of every server. */
  readonly passingStatuses?: readonly number[];
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

export interface HttpOptions {
  /** When everything has to be over, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
  /** Goes straight to a server on this machine or in this cluster, past every proxy. */
  readonly direct?: DirectConnection;
  /** Connections to Azure that are open already, or are being opened. */
  readonly connections?: Connections;
}

const ATTEMPT_TIMEOUT_MS = 12_000;
const MAX_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 300;
/** A longer `Retry-After` is better told to the person than waited for. */
const MAX_PAUSE_MS = 10_000;
const MAX_BODY_BYTES = 256 * 1024;
const RETRIED_STATUSES = [408, 429, 500, 502, 503, 504];

export function createHttp(runtime: Runtime, options: HttpOptions): HttpClient {
  const { deadlineMs, log, direct, connections } = options;
  const isDirect = direct !== undefined;
  const openSource = async () => {
    if (direct === undefined) return connections ?? new Connections(runtime);
    const { createDirectConnections } = await import('./direct-connections.ts');
    return await createDirectConnections(direct);
  };
  const senders = new Map<string, RequestSender>();
  let source: Promise<ConnectionSource> | undefined;

  async function attempt(httpRequest: HttpRequest, url: URL): Promise<HttpResponse> {
    const { origin } = url;
    source ??= openSource();
    let sender = senders.get(origin);
    if (sender === undefined) {
      sender = new RequestSender(await source, origin);
      senders.set(origin, sender);
    }
    return await sendOnce(sender, httpRequest, url, deadlineMs);
  }

  async function send(httpRequest: HttpRequest): Promise<HttpResponse> {
    const url = new URL(httpRequest.url);
    for (let attempts = 1; ; attempts += 1) {
      const startedMs = readClockMs();
      const step = { step: 'request', host: url.host, path: url.pathname } as const;
      let pauseMs: number | undefined = FIRST_PAUSE_MS * 2 ** (attempts - 1);
      let outcome: { response: HttpResponse } | { failure: unknown };
      try {
        const response = await attempt(httpRequest, url);
        outcome = { response };
        log?.({
          ...step,
          outcome: 'answered',
          status: response.status,
          durationMs: Math.round(readClockMs() - startedMs),
          correlationId: readCorrelationId(response),
        });
        if (![...RETRIED_STATUSES, ...(httpRequest.passingStatuses ?? [])].includes(response.status)) {
          if (response.status < 300 || response.status > 399) return response;
          const { explainRedirect } = await import('./http-failure.ts');
          throw explainRedirect(httpRequest, response, isDirect);
        }
        pauseMs = readRetryAfterMs(response, runtime) ?? pauseMs;
      } catch (failure) {
        if (failure instanceof CredentialError) throw failure;
        outcome = { failure };
        const durationMs = Math.round(readClockMs() - startedMs);
        log?.({ ...step, outcome: 'failed', durationMs, reason: describeCause(failure) });
        if (!isWorthRetrying(failure)) pauseMs = undefined;
      }
      const isOver =
        attempts >= (httpRequest.maxAttempts ?? MAX_ATTEMPTS) ||
        pauseMs === undefined ||
        pauseMs > MAX_PAUSE_MS ||
        readClockMs() + pauseMs >= deadlineMs;
      if (!isOver) {
        const resumeAfterMs = pauseMs;
        await new Promise((resolve) => setTimeout(resolve, resumeAfterMs));
      } else if ('response' in outcome) {
        return outcome.response;
      } else {
        const { explainFailure } = await import('./http-failure.ts');
        throw explainFailure(runtime, httpRequest, outcome.failure, { attempts, isDirect });
      }
    }
  }

  return {
    send,
    close: () => {
      source?.then(
        (opened) => opened.close(),
        () => {}, // told to whoever sent a request
      );
    },
  };
}

/** Names the answer in the services' own logs; the names differ by service. */
export function readCorrelationId({ header }: HttpResponse): string | undefined {
  const id = header('x-ms-correlation-request-id') ?? header('x-ms-request-id') ?? header('client-request-id');
  return id === undefined ? undefined : quoteForeignText(id, 64);
}

async function sendOnce(
  sender: RequestSender,
  httpRequest: HttpRequest,
  url: URL,
  deadlineMs: number,
): Promise<HttpResponse> {
  const { method, headers = {}, form } = httpRequest;
  const remainingMs = Math.max(1, deadlineMs - readClockMs());
  const isForm = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await sender.send({
    ...{ method, url, headers: { accept: 'application/json', ...headers, ...isForm } },
    body: form && new URLSearchParams(form.map(([name, value]) => [name, value])).toString(),
    timeoutMs: Math.ceil(Math.min(httpRequest.timeoutMs ?? ATTEMPT_TIMEOUT_MS, remainingMs)),
    maxBodyBytes: MAX_BODY_BYTES,
  });
  const header = (name: string) => {
    const value = answer.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return { status: answer.status, header, body: answer.body };
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function readRetryAfterMs(response: HttpResponse, runtime: Runtime): number | undefined {
  const value = response.header('retry-after');
  if (value === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - runtime.now());
}

/** A name that does not exist, an untrusted certificate or a refusal of the proxy will not change within seconds. */
function isWorthRetrying(failure: unknown): boolean {
  const code = readErrorCode(failure) ?? '';
  return ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'].includes(code);
}
