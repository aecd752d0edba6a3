/**
 * One request and its whole answer, by Node's own HTTP client over a connection that somebody else opens.
 *
 * @see https://nodejs.org/api/http.html
 */

import { Agent, type ClientRequestArgs, request as startRequest } from 'node:http';
import { Socket } from 'node:net';
import type { HttpRequest, HttpResponse } from './http.ts';
import { HangUpError } from './sockets.ts';

/** Opens the connections that requests go over. */
export interface ConnectionSource {
  /** @throws the system's error, or one with a `code` of its own. */
  readonly open: (origin: string) => Promise<Socket>;
  /** Whether they go past every proxy, to a server on this machine or in this cluster. */
  readonly isDirect: boolean;
  /** Ends all of them, those that are in use and those that are being opened as well. */
  readonly close: () => void;
}

/** A request that is sent once. */
export interface SingleRequest extends HttpRequest {
  /** How long the request and its response may take together. */
  readonly timeoutMs: number;
}

const MAX_BODY_BYTES = 256 * 1024;

/** The server took the request and had its time. It has no code: to ask once more would take as long. */
export class ResponseTimeoutError extends Error {
  override readonly name = 'TimeoutError';

  constructor() {
    super('it did not answer in time');
  }
}

/** The response is larger than any that a token comes in. */
export class ResponseTooLargeError extends Error {
  constructor() {
    super('its response is too large');
  }
}

/** Sends requests to one origin, and keeps the connection between two of them. */
export class RequestSender {
  readonly #agent: SourceAgent;

  constructor(source: ConnectionSource, origin: string) {
    this.#agent = new SourceAgent(source, origin);
  }

  /** @throws ResponseTimeoutError, ResponseTooLargeError, or the error of the connection or of the parser. */
  async send(request: SingleRequest): Promise<HttpResponse> {
    // An answer that nobody asked for, or the end of the kept connection, must not be met by the next request.
    if (Object.keys(this.#agent.freeSockets).length > 0) await pollSockets();
    return await this.#exchange(request);
  }

  #exchange({ method, url, headers = {}, form, timeoutMs }: SingleRequest): Promise<HttpResponse> {
    const { hostname, host, pathname, search } = new URL(url);
    const body = form && new URLSearchParams(form.map(([name, value]) => [name, value])).toString();
    return new Promise((resolve, reject) => {
      const sent = startRequest({
        ...{ agent: this.#agent, method, host: hostname, path: `${pathname}${search}` },
        headers: { host, accept: 'application/json', ...headers, ...(body === undefined ? {} : describeForm(body)) },
      });
      const fail = (cause: Error) => {
        clearTimeout(timer);
        reject(cause);
        sent.destroy();
      };
      const timer = setTimeout(() => fail(new ResponseTimeoutError()), timeoutMs);
      sent.on('error', fail);
      // An answer that wants to change the protocol ends a request without a response and without an error.
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

function describeForm(body: string): Readonly<Record<string, string | number>> {
  return { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
}

/** Lets the event loop look at every socket once: what is due now is done before it looks, so it takes two turns. */
function pollSockets(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}

class SourceAgent extends Agent {
  readonly #source: ConnectionSource;
  readonly #origin: string;

  constructor(source: ConnectionSource, origin: string) {
    // Without a limit: the queue behind one stands still when a connection cannot be opened.
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
      // Where there is a cause, nobody looks at the socket.
      (cause: Error) => callback?.(cause, new Socket()),
    );
  }
}
