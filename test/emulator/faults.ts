/** Faults that a test injects: which requests they apply to, and what they do to them. */
import type { EmulatedRequest, EmulatedResponse } from './message.ts';

export interface Fault {
  /** `connect` applies to the proxy's CONNECT, where only `status`, `delayMs` and `reset` work. Default: `request`. */
  readonly at?: 'request' | 'connect';
  readonly host?: string | RegExp;
  readonly path?: string | RegExp;
  readonly method?: string;
  /** How many requests it applies to. Default: all. */
  readonly times?: number;
  /** Answers with this instead of asking the service. */
  readonly status?: number;
  readonly headers?: EmulatedResponse['headers'];
  readonly body?: string;
  /** Waits before the fault's own answer, or before the service's when the fault has none. */
  readonly delayMs?: number;
  /** Destroys the socket instead of answering. */
  readonly reset?: boolean;
  /** Announces the whole body, sends this many bytes of it and destroys the socket. */
  readonly truncate?: number;
  /** Redirects to this URL with 307, or with `status`. */
  readonly redirectTo?: string;
  /** Answers with an error (400, or `status`) whose text repeats the request's own body, query and `Authorization`. */
  readonly echo?: boolean;
  /** Changes the service's own answer; it does not touch what is streamed from the registry. */
  readonly tamper?: (response: EmulatedResponse) => EmulatedResponse;
}

export interface FaultTarget {
  readonly host: string;
  readonly path: string;
  readonly method: string;
}

export interface FaultList {
  inject(fault: Fault): () => void;
  /** Finds the first fault that applies to the target, and counts it as used. */
  take(at: 'request' | 'connect', target: FaultTarget): Fault | undefined;
}

export function createFaultList(): FaultList {
  const entries: { readonly fault: Fault; remaining: number }[] = [];
  return {
    inject: (fault) => {
      const entry = { fault, remaining: fault.times ?? Number.POSITIVE_INFINITY };
      entries.push(entry);
      return () => {
        entry.remaining = 0;
      };
    },
    take: (at, target) => {
      const entry = entries.find(({ fault, remaining }) => remaining > 0 && meets(fault, at, target));
      if (entry === undefined) {
        return undefined;
      }
      entry.remaining -= 1;
      return entry.fault;
    },
  };
}

/** @returns the answer of the fault, or `undefined` when it keeps the answer of the service. */
export function formatFault(fault: Fault, request: EmulatedRequest): EmulatedResponse | undefined {
  if (fault.redirectTo !== undefined) {
    return { status: fault.status ?? 307, headers: { Location: fault.redirectTo, ...fault.headers }, body: '' };
  }
  if (fault.echo === true) {
    const said = `You sent: ${request.body} ?${request.query} ${request.headers['authorization'] ?? ''}`;
    return {
      status: fault.status ?? 400,
      headers: { 'Content-Type': 'application/json; charset=utf-8', ...fault.headers },
      body: JSON.stringify({
        error: 'invalid_request',
        error_description: `AADSTS900144: ${said}`,
        errors: [{ code: 'UNAUTHORIZED', message: said }],
      }),
    };
  }
  if (fault.status !== undefined || fault.body !== undefined) {
    return { status: fault.status ?? 200, headers: fault.headers ?? {}, body: fault.body ?? '' };
  }
  return undefined;
}

function meets(fault: Fault, at: 'request' | 'connect', target: FaultTarget): boolean {
  return (
    (fault.at ?? 'request') === at &&
    matches(fault.host, target.host) &&
    matches(fault.path, target.path) &&
    (fault.method === undefined || fault.method.toUpperCase() === target.method)
  );
}

function matches(pattern: string | RegExp | undefined, text: string): boolean {
  if (pattern === undefined) {
    return true;
  }
  // A sticky or global expression remembers where it stopped, so that `search` is used instead of `test`.
  return typeof pattern === 'string' ? pattern === text : text.search(pattern) !== -1;
}
