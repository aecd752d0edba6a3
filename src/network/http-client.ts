/**
 * Sends requests over the connections of a source. Retries what may succeed, within one deadline, and never follows a
 * redirect.
 */

import { CredentialError, describeCause, readErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import { createQuote } from '../redact.ts';
import { readClockMs } from '../system/clock.ts';
import type { Runtime } from '../system/runtime.ts';
import { type HttpClient, type HttpRequest, type HttpResponse, readCorrelationId } from './http.ts';
import { type ConnectionSource, RequestSender } from './request-sender.ts';

/** What an HTTP client works with. */
export interface HttpClientOptions {
  readonly connections: ConnectionSource;
  /** No attempt lasts longer than this, on the clock of `readClockMs`. */
  readonly deadlineMs: number;
  readonly log: Log | undefined;
}

/** The result of one attempt. */
type Outcome = { readonly response: HttpResponse } | { readonly failure: unknown };

const ATTEMPT_TIMEOUT_MS = 12_000;
const MAX_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 300;
/** If `Retry-After` is longer, an error message serves the person better than the wait. */
const MAX_PAUSE_MS = 10_000;
const RETRIED_STATUSES = [408, 429, 500, 502, 503, 504];
/** An unknown host, an untrusted certificate or a refusal by the proxy will not change within seconds. */
const RETRIED_CODES = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'];

/** Creates a client that shares its connections among all requests to the same origin. */
export function createHttpClient(runtime: Runtime, { connections, deadlineMs, log }: HttpClientOptions): HttpClient {
  const senders = new Map<string, RequestSender>();
  const quote = createQuote(runtime);
  const senderOf = (origin: string) => {
    const sender = senders.get(origin) ?? new RequestSender(connections, origin);
    senders.set(origin, sender);
    return sender;
  };

  /** Sends a request once. Never fails. */
  async function attempt(request: HttpRequest, { origin, host, pathname }: URL): Promise<Outcome> {
    const startedMs = readClockMs();
    const timeoutMs = Math.min(request.timeoutMs ?? ATTEMPT_TIMEOUT_MS, Math.max(1, deadlineMs - startedMs));
    const step = { step: 'request', host, path: pathname } as const;
    const durationMs = () => Math.round(readClockMs() - startedMs);
    try {
      const plain = await senderOf(origin).send({ ...request, timeoutMs: Math.ceil(timeoutMs) });
      const response = { ...plain, quote };
      const { status } = response;
      // Read for the log only: the redactor takes a moment to prepare.
      log?.({
        ...{ ...step, outcome: 'answered', status, durationMs: durationMs() },
        correlationId: readCorrelationId(response),
      });
      return { response };
    } catch (failure) {
      log?.({ ...step, outcome: 'failed', durationMs: durationMs(), reason: describeCause(failure) });
      return { failure };
    }
  }

  async function send(request: HttpRequest): Promise<HttpResponse> {
    const url = new URL(request.url);
    for (let attempts = 1; ; attempts += 1) {
      const outcome = await attempt(request, url);
      const pauseMs =
        attempts < (request.maxAttempts ?? MAX_ATTEMPTS) ? choosePause(request, outcome, attempts) : undefined;
      if (pauseMs === undefined || readClockMs() + pauseMs >= deadlineMs)
        return await conclude(request, outcome, attempts);
      await pause(pauseMs, runtime.signal);
    }
  }

  /** @returns how long to wait before the next attempt; `undefined` if another attempt would not help. */
  function choosePause(request: HttpRequest, outcome: Outcome, attempts: number): number | undefined {
    const pauseMs = FIRST_PAUSE_MS * 2 ** (attempts - 1);
    if ('failure' in outcome) return RETRIED_CODES.includes(readErrorCode(outcome.failure) ?? '') ? pauseMs : undefined;
    const { response } = outcome;
    if (![...RETRIED_STATUSES, ...(request.retriedStatuses ?? [])].includes(response.status)) return undefined;
    const wantedMs = readRetryAfterMs(response, runtime) ?? pauseMs;
    return wantedMs > MAX_PAUSE_MS ? undefined : wantedMs;
  }

  /** @throws CredentialError when there is no response, or when the response is a redirect. */
  async function conclude(request: HttpRequest, outcome: Outcome, attempts: number): Promise<HttpResponse> {
    const { isDirect } = connections;
    if ('response' in outcome) {
      const { response } = outcome;
      if (response.status < 300 || response.status > 399) return response;
      const { explainRedirect } = await import('./http-failure.ts');
      throw explainRedirect(request, response, isDirect);
    }
    if (outcome.failure instanceof CredentialError) throw outcome.failure;
    const { explainFailure } = await import('./http-failure.ts');
    throw explainFailure(runtime, request, outcome.failure, { attempts, isDirect });
  }

  return { send, close: () => connections.close() };
}

/** Waits, or until the run is called off: then the next attempt finds the connections closed. */
function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end);
  });
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function readRetryAfterMs(response: HttpResponse, runtime: Runtime): number | undefined {
  const value = response.header('retry-after');
  if (value === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - runtime.now());
}
