/** The connections and the HTTP client of one sign-in, loaded by the one process that needs them. */

import type { TokenContext } from '../identity/identity.ts';
import type { Connections } from '../network/connections.ts';
import type { DirectConnection } from '../network/direct-connections.ts';
import type { HttpClient } from '../network/http.ts';
import type { SignInRequest } from './request.ts';

export type SessionContext = Omit<TokenContext, 'audience'>;

export class Session {
  readonly #request: SignInRequest;
  readonly #connections: Promise<Connections>;
  #context: Promise<SessionContext> | undefined;
  readonly #clients: HttpClient[] = [];
  #isClosed = false;

  constructor(request: SignInRequest) {
    this.#request = request;
    this.#connections = openConnections(request);
  }

  /**
   * @param origins where connections are opened ahead, besides the registry's; `undefined` where it is not known yet
   * whether any will be needed.
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
      const client = createHttpClient(runtime, { connections: createDirectConnections(direct), deadlineMs, log });
      this.#clients.push(client);
      return client;
    };
    return { runtime, http, openDirect, cache, deadlineMs, log };
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#clients) client.close();
    this.#connections.then(
      (connections) => connections.close(),
      () => {}, // told to whoever opened them
    );
  }
}

async function openConnections({ runtime }: SignInRequest): Promise<Connections> {
  const { Connections } = await import('../network/connections.ts');
  return new Connections(runtime);
}
