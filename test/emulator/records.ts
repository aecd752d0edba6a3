/** Remembers what reached the emulator, so that tests can check what a program sent and what it did not. */
import type { EmulatedRequest } from './message.ts';

/** One request that reached an emulated Azure host, in the order of arrival. */
export interface RecordedRequest {
  /** `http` only for what was sent to the proxy in plain text, which is always refused. */
  readonly scheme: 'https' | 'http';
  readonly method: string;
  /** Lower-case host name without port, such as `login.microsoftonline.com`. */
  readonly host: string;
  /** Path without query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** The decoded form body (first value of a repeated key; see `body` for all). */
  readonly form: Readonly<Record<string, string>>;
  /** Empty for what is streamed to the registry. */
  readonly body: string;
  /** 0 while there is no answer, and for a socket that was destroyed instead. */
  readonly status: number;
  /** Milliseconds from the arrival of the request to the end of the answer; 0 while it is under way. */
  readonly durationMs: number;
}

export interface Recorder {
  requests(): readonly RecordedRequest[];
  connects(): readonly string[];
  /** Records a request; the returned object completes the record. */
  add(scheme: RecordedRequest['scheme'], request: EmulatedRequest): PendingRecord;
  addConnect(target: string): void;
  reset(): void;
}

export interface PendingRecord {
  /** Called before the answer is sent, so that a client that has the answer finds it recorded. */
  answered(status: number): void;
  ended(): void;
}

export function createRecorder(): Recorder {
  const requests: RecordedRequest[] = [];
  const connects: string[] = [];
  return {
    requests: () => [...requests],
    connects: () => [...connects],
    add: (scheme, request) => {
      const startedAt = performance.now();
      const record = {
        scheme,
        method: request.method,
        host: request.host,
        path: request.path,
        query: firstValues(request.query),
        headers: request.headers,
        form: firstValues(request.form),
        body: request.body,
        status: 0,
        durationMs: 0,
      };
      requests.push(record);
      return {
        answered: (status) => {
          record.status = status;
        },
        ended: () => {
          record.durationMs = performance.now() - startedAt;
        },
      };
    },
    addConnect: (target) => {
      connects.push(target);
    },
    reset: () => {
      requests.length = 0;
      connects.length = 0;
    },
  };
}

function firstValues(parameters: URLSearchParams): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of parameters) {
    values[name] ??= value;
  }
  return values;
}
