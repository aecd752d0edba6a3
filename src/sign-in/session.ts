/** The connections and the HTTP client of one sign-in. The client is loaded only when a request is about to be sent. */

import type { TokenContext } from '../identity/identity.ts';
import type { Connections } from '../network/connections.ts';
import type { DirectConnection } from '../network/direct-connections.ts';
import type { HttpClient } from '../network/http.ts';
import type { SignInRequest } from './request.ts';

/** What an identity gets a token with, before the audience is known. */
export type SessionContext = Omit<TokenContext, 'audience'>;

/** What a session needs: the host that its requests are for, and what limits them. */
export type SessionRequest = Pick<SignInRequest, 'runtime' | 'cache' | 'deadlineMs' | 'log'> & {
  readonly registry: Pick<SignInRequest['registry'], 'host'>;
};

/** Opens connections when they are first needed, and closes all of them at the end of the sign-in. */
export class Session {
  readonly #request: SessionRequest;
  readonly #connections: Promise<Connections>;
  #context: Promise<SessionContext> | undefined;
  readonly #clients: HttpClient[] = [];
  #isClosed = false;
  readonly #abort = () => this.close();

  constructor(request: SessionRequest) {
    this.#request = request;
    this.#connections = openConnections(request);
    const { signal } = request.runtime;
    if (signal?.aborted === true) this.close();
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /**
   * Loads the HTTP client. All calls share one client.
   * @param origins where to open connections in advance, in addition to the registry; `undefined` to open none, when it
   * is not known yet whether any will be needed.
   */
  async open(origins: readonly string[] | undefined): Promise<SessionContext> {
    const connections = await this.#connections;
    const registry = `https://${this.#request.registry.host}`;
    const preconnected = origins === undefined ? undefined : connections.preconnect([...origins, registry]);
    this.#context ??= this.#load(connections, preconnected);
    return await this.#context;
  }

  async #load(connections: Connections, preconnected: Promise<void> | undefined): Promise<SessionContext> {
    const { runtime, cache, deadlineMs, log } = this.#request;
    await preconnected;
    const [{ createHttpClient }, { createDirectConnections }] = await Promise.all([
      import('../network/http-client.ts'),
      import('../network/direct-connections.ts'),
    ]);
    const http = createHttpClient(runtime, { connections, deadlineMs, log });
    this.#clients.push(http);
    if (this.#isClosed) this.close();
    const openDirect = (direct: DirectConnection) => {
      const client = createHttpClient(runtime, {
        connections: createDirectConnections(runtime, direct),
        deadlineMs,
        log,
      });
      this.#clients.push(client);
      return client;
    };
    return { runtime, http, openDirect, cache, deadlineMs, log };
  }

  /** Closes every client and connection, including those that are still being opened. */
  close(): void {
    this.#isClosed = true;
    this.#request.runtime.signal?.removeEventListener('abort', this.#abort);
    for (const client of this.#clients) client.close();
    this.#connections.then(
      (connections) => connections.close(),
      () => {}, // `open` reports this error
    );
  }
}

async function openConnections({ runtime }: SessionRequest): Promise<Connections> {
  const { Connections } = await import('../network/connections.ts');
  return new Connections(runtime);
}
