/**
 * TLS connections to Azure, opened before they are needed: while the first server answers, and while the HTTP client is
 * still being loaded.
 */

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { readErrorCode } from '../errors.ts';
import type { Runtime } from '../system/runtime.ts';
import type { Trust } from './certificates.ts';
import { findProxy } from './proxy.ts';
import type { ConnectionSource } from './request-sender.ts';
import { CONNECT_TIMEOUT_MS, readHost, readPort, Sockets, waitForEvent } from './sockets.ts';
import { openTunnel } from './tunnel.ts';

/** How long the program waits at most before it blocks the event loop with loading the rest of itself. */
const MAX_HEAD_START_MS = 40;

/** An origin's connection, and when its ClientHello is on the way. */
interface Opening {
  readonly socket: Promise<TLSSocket>;
  readonly clientHelloSent: Promise<void>;
}

export class Connections implements ConnectionSource {
  readonly isDirect = false;
  readonly #runtime: Runtime;
  readonly #openings = new Map<string, Opening>();
  /** The origins that a connection was opened to, which its user keeps. */
  readonly #known = new Set<string>();
  readonly #sockets = new Sockets();
  #trust: Trust | undefined;
  #context: SecureContext | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Begins to open the connections that nobody asked for yet, and returns when loading something heavy would not hold
   * them up any more.
   */
  async preconnect(origins: readonly string[]): Promise<void> {
    for (const origin of origins.filter((one) => !this.#known.has(one))) {
      this.#known.add(origin);
      this.#openings.set(origin, this.#start(new URL(origin)));
    }
    const helloSent = [...this.#openings.values()].map(({ clientHelloSent }) => clientHelloSent);
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, MAX_HEAD_START_MS);
    });
    await Promise.race([Promise.allSettled(helloSent), enough]);
    clearTimeout(timer);
  }

  /**
   * The connection to an origin: the one that was opened ahead, once, else a new one.
   * @throws ProxyRefusal, TimeoutError, HangUpError, ClosedError, or the system's error.
   */
  async open(origin: string): Promise<TLSSocket> {
    const url = new URL(origin);
    const opening = this.#openings.get(url.origin) ?? this.#start(url);
    this.#known.add(url.origin);
    this.#openings.delete(url.origin);
    try {
      const socket = await opening.socket;
      // One that was opened while a slow program was asked may be closed by now, or told that it will be.
      if (socket.writable && socket.readableLength === 0) return socket;
      socket.destroy();
      return await this.#start(url).socket;
    } catch (cause) {
      const { UNTRUSTED_CODES } = await import('./certificates.ts');
      if (this.#trust === 'system' || !UNTRUSTED_CODES.includes(readErrorCode(cause) ?? '')) throw cause;
      this.#trust = 'system';
      this.#context = undefined;
      this.#openings.clear(); // they met the same list
      return await this.#start(url).socket;
    }
  }

  close(): void {
    this.#sockets.close();
  }

  #start(url: URL): Opening {
    let markHelloSent = () => {};
    const clientHelloSent = new Promise<void>((resolve) => {
      markHelloSent = resolve;
    });
    const socket = this.#connect(url, markHelloSent);
    socket.catch(() => markHelloSent()); // told to whoever opens it
    return { socket, clientHelloSent };
  }

  async #connect(url: URL, markHelloSent: () => void): Promise<TLSSocket> {
    const port = readPort(url);
    const proxy = findProxy(this.#runtime, url.hostname, port);
    const tcp =
      proxy === undefined
        ? await this.#openDirectly(readHost(url), port)
        : await this.#openTunnel(proxy, `${url.hostname}:${port}`);
    const tls = await this.#openTls(tcp, readHost(url));
    setImmediate(markHelloSent);
    await waitForEvent(tls, 'secureConnect');
    return tls;
  }

  /** @param host what the certificate has to name; a server is told so only where that is no address. */
  async #openTls(socket: Socket, host: string): Promise<TLSSocket> {
    const { connect } = await import('node:tls');
    const secureContext = await this.#getContext();
    const name = isIP(host) === 0 ? { servername: host } : {};
    return this.#sockets.add(() =>
      connect({
        ...{ socket, host, ...name, secureContext, ALPNProtocols: ['http/1.1'] },
        // Whatever `NODE_TLS_REJECT_UNAUTHORIZED` says: a secret goes to nobody who cannot show who they are.
        rejectUnauthorized: true,
      }),
    );
  }

  /** Made while the first message is on the way: loading TLS and parsing the list takes a dozen milliseconds. */
  async #getContext(): Promise<SecureContext> {
    const { chooseTrust, createTrust } = await import('./certificates.ts');
    this.#trust ??= chooseTrust(this.#runtime);
    this.#context ??= createTrust(this.#runtime, this.#trust);
    return this.#context;
  }

  async #openDirectly(host: string, port: number): Promise<Socket> {
    const socket = this.#startTcp(host, port);
    socket.once('lookup', () => this.#prepareTls());
    await waitForEvent(socket, 'connect');
    return socket;
  }

  async #openTunnel(proxy: URL, target: string): Promise<Socket> {
    const host = readHost(proxy);
    let socket = this.#startTcp(host, readPort(proxy));
    await waitForEvent(socket, 'connect');
    if (proxy.protocol === 'https:') {
      socket = await this.#openTls(socket, host);
      await waitForEvent(socket, 'secureConnect');
    }
    const opened = openTunnel(socket, proxy, target, CONNECT_TIMEOUT_MS);
    // Not before the proxy is asked: one on this machine answers its connection at once.
    this.#prepareTls();
    return await opened;
  }

  #startTcp(host: string, port: number): Socket {
    return this.#sockets.add(() => connectTcp({ host, port, noDelay: true }));
  }

  #prepareTls(): void {
    setImmediate(() => {
      // Node tells addresses from names by a pattern that takes 5 ms to compile, and asks before it greets a server.
      isIP('name');
      this.#getContext().catch(() => {}); // a list that cannot be read is told when the connection needs it
    });
  }
}
