/** The context of a sign-in in which the services answer what the test says. */

import type { TokenContext } from '../../src/identity/identity.ts';
import type { HttpRequest, HttpResponse } from '../../src/network/http.ts';
import { createQuote } from '../../src/redact.ts';
import { readClockMs } from '../../src/system/clock.ts';
import { makeRuntime } from './runtime.ts';

export interface RecordedTools {
  readonly context: TokenContext;
  /** The requests that were sent. */
  readonly requests: readonly HttpRequest[];
}

/** A response of a service; a `body` that is a string is sent as it is, any other as JSON. */
export function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    header: (name) => headers[name],
    quote: createQuote(makeRuntime()),
  };
}

/** A context in which every request gets the same response. */
export function toolsAnswering(response: HttpResponse, env: Readonly<Record<string, string>> = {}): RecordedTools {
  const requests: HttpRequest[] = [];
  const http = {
    send: (request: HttpRequest) => {
      requests.push(request);
      return Promise.resolve(response);
    },
    close: () => undefined,
  };
  const context: TokenContext = {
    runtime: makeRuntime(env),
    http,
    openDirect: () => http,
    cache: undefined,
    audience: 'https://containerregistry.azure.net',
    deadlineMs: readClockMs() + 20_000,
    log: undefined,
  };
  return { context, requests };
}
