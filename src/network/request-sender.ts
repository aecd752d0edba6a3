/**
 * Sends one request and reads the whole response, with Node's HTTP client over a connection of a `ConnectionSource`.
 *
 * @see https://nodejs.org/api/http.html
 */

import { Agent, type ClientRequestArgs, request as startRequest } from 'node:http';
import { Socket } from 'node:net';
import type { HttpRequest, HttpResponse } from './http.ts';
import { HangUpError } from './sockets.ts';

/** Opens the connections that requests go over. */
export interface ConnectionSource {
  /** @throws an error with a `code`, the system's or our own. */
  readonly open: (origin: string) => Promise<Socket>;
  /** Whether the connections go without a proxy, to a server on this machine or in this cluster. */
  readonly isDirect: boolean;
  /** Ends all connections, including those in use and those that are still being opened. */
  readonly close: () => void;
}

/** A request that is sent once. */
export interface SingleRequest extends HttpRequest {
  /** How long the request and its response may take together. */
  readonly timeoutMs: number;
}

/** A response, without the means to quote it. */
export type PlainResponse = Omit<HttpResponse, 'quote'>;

const MAX_BODY_BYTES = 256 * 1024;

/** The server did not respond in time. The error has no `code`, so it is not retried: a retry would take as long. */
export class ResponseTimeoutError extends Error {
  override readonly name = 'TimeoutError';

  constructor() {
    super('the response did not arrive in time');
  }
}

/** The response is larger than any response with a token. */
export class ResponseTooLargeError extends Error {
  constructor() {
    super('the response is too large');
  }
}

/** Sends requests to one origin, and keeps the connection open for the next request. */
export class RequestSender {
  readonly #agent: SourceAgent;

  constructor(source: ConnectionSource, origin: string) {
    this.#agent = new SourceAgent(source, origin);
  }

  /**
   * Sends a request once.
   * @throws ResponseTimeoutError, ResponseTooLargeError, HangUpError, or the error of the connection or the HTTP
   * parser.
   */
  async send(request: SingleRequest): Promise<PlainResponse> {
    // If the kept connection has been closed or has received unrequested data, this request must not use it.
    if (Object.keys(this.#agent.freeSockets).length > 0) await pollSockets();
    return await this.#exchange(request);
  }

  #exchange({ method, url, headers = {}, form, json, contentType, timeoutMs }: SingleRequest): Promise<PlainResponse> {
    const { hostname, host, pathname, search } = new URL(url);
    const body =
      json === undefined
        ? form && new URLSearchParams(form.map(([name, value]) => [name, value])).toString()
        : JSON.stringify(json);
    const type = json === undefined ? 'application/x-www-form-urlencoded' : (contentType ?? 'application/json');
    return new Promise((resolve, reject) => {
      const sent = startRequest({
        ...{ agent: this.#agent, method, host: hostname, path: `${pathname}${search}` },
        headers: {
          host,
          accept: 'application/json',
          ...headers,
          ...(body === undefined ? {} : describeBody(body, type)),
        },
      });
      const fail = (cause: Error) => {
        clearTimeout(timer);
        reject(cause);
        sent.destroy();
      };
      const timer = setTimeout(() => fail(new ResponseTimeoutError()), timeoutMs);
      sent.on('error', fail);
      // A response that switches protocols (101) closes the request without a `response` and without an `error` event.
      const hangUp = () => fail(new HangUpError('the server'));
      sent.once('close', hangUp);
      sent.once('response', (incoming) => {
        sent.off('close', hangUp);
        const { statusCode: status = 0 } = incoming;
        const header = (name: string) => {
          const value = incoming.headers[name];
          return Array.isArray(value) ? value[0] : value;
        };
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_BODY_BYTES) fail(new ResponseTooLargeError());
          else chunks.push(chunk);
        });
        incoming.once('error', fail);
        incoming.once('end', () => {
          clearTimeout(timer);
          resolve({ status, header, body: Buffer.concat(chunks).toString('utf8') });
        });
      });
      sent.end(body);
    });
  }
}

function describeBody(body: string, type: string): Readonly<Record<string, string | number>> {
  return { 'content-type': type, 'content-length': Buffer.byteLength(body) };
}

/** Lets the event loop poll every socket once. That takes two turns, since the current turn may already have polled. */
function pollSockets(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}

class SourceAgent extends Agent {
  readonly #source: ConnectionSource;
  readonly #origin: string;

  constructor(source: ConnectionSource, origin: string) {
    // No `maxSockets`: requests that wait for a free socket would hang when a connection cannot be opened.
    super({ keepAlive: true });
    this.#source = source;
    this.#origin = origin;
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (cause: Error | null, socket: Socket) => void,
  ): undefined {
    this.#source.open(this.#origin).then(
      (socket) => callback?.(null, socket),
      // With an error, Node ignores the socket.
      (cause: Error) => callback?.(cause, new Socket()),
    );
  }
}
