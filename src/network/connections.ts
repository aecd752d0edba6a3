/**
 * TLS connections to Azure. They are opened before they are needed: while the first server is responding, and while the
 * HTTP client is still loading.
 */

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { readErrorCode } from '../errors.ts';
import type { Runtime } from '../system/runtime.ts';
import { checkCertificatePaths } from './certificate-paths.ts';
import type { Trust } from './certificates.ts';
import { findProxy } from './proxy.ts';
import type { ConnectionSource } from './request-sender.ts';
import { CONNECT_TIMEOUT_MS, readHost, readPort, Sockets, waitForEvent } from './sockets.ts';
import { openTunnel } from './tunnel.ts';

/** The longest wait before the program blocks the event loop to load the rest of itself. */
const MAX_HEAD_START_MS = 40;

/** A connection that is being opened. `clientHelloSent` resolves when its ClientHello is on the way. */
interface Opening {
  readonly socket: Promise<TLSSocket>;
  readonly clientHelloSent: Promise<void>;
}

/** The connections of one run, through the proxy of the environment if there is one. */
export class Connections implements ConnectionSource {
  readonly isDirect = false;
  readonly #runtime: Runtime;
  readonly #openings = new Map<string, Opening>();
  /** The origins that have had a connection. The HTTP client keeps it, so preconnecting again would be a waste. */
  readonly #known = new Set<string>();
  readonly #sockets = new Sockets();
  #trust: Trust | undefined;
  #context: SecureContext | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Starts to open a connection to each origin that has none yet. Resolves when the ClientHellos are on the way, so
   * that loading a large module no longer delays them.
   */
  async preconnect(origins: readonly string[]): Promise<void> {
    for (const origin of origins) {
      if (this.#known.has(origin)) continue;
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
   * Opens a connection to an origin. The first call returns the connection that `preconnect` started, if any.
   * @throws ProxyRefusal, TimeoutError, HangUpError, ClosedError, or the system's error.
   */
  async open(origin: string): Promise<TLSSocket> {
    const url = new URL(origin);
    const opening = this.#openings.get(url.origin) ?? this.#start(url);
    this.#known.add(url.origin);
    this.#openings.delete(url.origin);
    try {
      const socket = await opening.socket;
      // A slow program may have run since the socket was opened: the server may have closed it, or be closing it.
      if (socket.writable && socket.readableLength === 0) return socket;
      socket.destroy();
      return await this.#start(url).socket;
    } catch (cause) {
      if (this.#trust === undefined) throw cause; // it failed before TLS, which this import would load
      const { UNTRUSTED_CODES } = await import('./certificates.ts');
      if (this.#trust === 'system' || !UNTRUSTED_CODES.includes(readErrorCode(cause) ?? '')) throw cause;
      this.#trust = 'system';
      this.#context = undefined;
      this.#openings.clear(); // they were opened with the old list
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
    socket.catch(() => markHelloSent()); // `open` reports the error
    return { socket, clientHelloSent };
  }

  async #connect(url: URL, markHelloSent: () => void): Promise<TLSSocket> {
    checkCertificatePaths(this.#runtime);
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

  /** @param host the name that the certificate must have; sent as the server name (SNI) unless it is an IP address. */
  async #openTls(socket: Socket, host: string): Promise<TLSSocket> {
    const { connect } = await import('node:tls');
    const secureContext = await this.#getContext();
    const name = isIP(host) === 0 ? { servername: host } : {};
    return this.#sockets.add(() =>
      connect({
        ...{ socket, host, ...name, secureContext, ALPNProtocols: ['http/1.1'] },
        // Overrides `NODE_TLS_REJECT_UNAUTHORIZED`: a secret must not go to a server that cannot prove its identity.
        rejectUnauthorized: true,
      }),
    );
  }

  /** Called while the first message is on the way: loading TLS and parsing the list takes about 12 ms. */
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
    // Only after the request is sent: a proxy on this machine accepts the connection at once.
    this.#prepareTls();
    return await opened;
  }

  #startTcp(host: string, port: number): Socket {
    return this.#sockets.add(() => connectTcp({ host, port, noDelay: true }));
  }

  #prepareTls(): void {
    setImmediate(() => {
      // Node checks for IP addresses with a pattern that takes 5 ms to compile: this call compiles it ahead of TLS.
      isIP('name');
      this.#getContext().catch(() => {}); // the connection reports the error when it needs the list
    });
  }
}
