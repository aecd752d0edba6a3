/**
 * One request and its whole answer, by Node's own HTTP client over a connection that somebody else opens.
 *
 * @see https://nodejs.org/api/http.html
 */

import { Agent, type ClientRequestArgs, type IncomingHttpHeaders, request } from 'node:http';
import { Socket } from 'node:net';
import { HangUpError } from './sockets.ts';

/** Opens the connections that requests go over. */
export interface ConnectionSource {
  /** @throws the system's error, or one with a `code` of its own. */
  readonly open: (origin: string) => Promise<Socket>;
  /** Ends all of them, those that are in use and those that are being opened as well. */
  readonly close: () => void;
}

export interface Message {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** How long the request and its answer may take together. */
  readonly timeoutMs: number;
  /** How much of a body is read. */
  readonly maxBodyBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The server took the request and had its time. It has no code: to ask once more would take as long. */
export class AnswerTimeoutError extends Error {
  override readonly name = 'TimeoutError';

  constructor() {
    super('it did not answer in time');
  }
}

/** The answer is larger than whoever asked wants to read. */
export class ResponseTooLargeError extends Error {
  constructor() {
    super('it answered without end');
  }
}

/** Sends requests to one origin, and keeps the connection between two of them. */
export class RequestSender {
  readonly #agent: SourceAgent;

  constructor(source: ConnectionSource, origin: string) {
    this.#agent = new SourceAgent(source, origin);
  }

  /** @throws AnswerTimeoutError, EndlessAnswer, or the error of the connection or of the parser. */
  async send(message: Message): Promise<Answer> {
    // An answer that nobody asked for, or the end of the kept connection, must not be met by the next request.
    if (Object.keys(this.#agent.freeSockets).length > 0) await seeWhatCame();
    return await this.#exchange(message);
  }

  #exchange({ method, url, headers, body, timeoutMs, maxBodyBytes }: Message): Promise<Answer> {
    const { hostname, host, pathname, search } = url;
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const sent = request({
        ...{ agent: this.#agent, method, host: hostname, path: `${pathname}${search}` },
        headers: { host, ...headers, ...length },
      });
      const fail = (cause: Error) => {
        clearTimeout(timer);
        reject(cause);
        sent.destroy();
      };
      const timer = setTimeout(() => fail(new AnswerTimeoutError()), timeoutMs);
      sent.on('error', fail);
      // An answer that wants to change the protocol ends a request without a response and without an error.
      const hangUp = () => fail(new HangUpError('the server'));
      sent.once('close', hangUp);
      sent.once('response', (incoming) => {
        sent.off('close', hangUp);
        const { statusCode = 0, headers: received } = incoming;
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxBodyBytes) fail(new ResponseTooLargeError());
          else chunks.push(chunk);
        });
        incoming.once('error', fail);
        incoming.once('end', () => {
          clearTimeout(timer);
          resolve({ status: statusCode, headers: received, body: Buffer.concat(chunks).toString('utf8') });
        });
      });
      sent.end(body);
    });
  }
}

/** Lets the event loop look at every socket once: what is due now is done before it looks, so it takes two turns. */
function seeWhatCame(): Promise<void> {
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
