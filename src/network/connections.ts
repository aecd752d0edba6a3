/** TLS connections to Azure, opened before they are needed: that to the registry while Entra answers. */

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { readErrorCode } from '../errors.ts';
import type { Machine } from '../machine.ts';
import type { Trust } from './certificates.ts';
import { findProxy } from './proxy.ts';
import { CONNECT_TIMEOUT_MS, readHost, readPort, Sockets, seeWhatCame, settle } from './sockets.ts';
import { openTunnel } from './tunnel.ts';

export class Connections {
  readonly #machine: Machine;
  readonly #openings = new Map<string, Promise<TLSSocket>>();
  readonly #sockets = new Sockets();
  #trust: Trust | undefined;
  #context: SecureContext | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Begins to open connections, and returns when a proxy on this machine has been asked for them. */
  async warm(origins: readonly string[]): Promise<void> {
    for (const origin of new Set(origins)) {
      const opening = this.#connect(new URL(origin));
      opening.catch(() => {}); // told to whoever opens it
      this.#openings.set(origin, opening);
    }
    await seeWhatCame();
  }

  /**
   * The connection to an origin: the one that was opened ahead, once, else a new one.
   * @throws ProxyRefusal, TimeoutError, HangUpError, ClosedError, or the system's error.
   */
  async open(origin: string): Promise<TLSSocket> {
    const url = new URL(origin);
    const opening = this.#openings.get(url.origin) ?? this.#connect(url);
    this.#openings.delete(url.origin);
    try {
      const socket = await opening;
      // One that was opened while a slow program was asked may be closed by now, or told that it will be.
      if (socket.writable && socket.readableLength === 0) return socket;
      socket.destroy();
      return await this.#connect(url);
    } catch (cause) {
      const { UNTRUSTED_CODES } = await import('./certificates.ts');
      if (this.#trust === 'system' || !UNTRUSTED_CODES.includes(readErrorCode(cause) ?? '')) throw cause;
      this.#trust = 'system';
      this.#context = undefined;
      this.#openings.clear(); // they met the same list
      return await this.#connect(url);
    }
  }

  close(): void {
    this.#sockets.close();
  }

  async #connect(url: URL): Promise<TLSSocket> {
    const port = readPort(url);
    const proxy = findProxy(this.#machine, url.hostname, port);
    const tcp =
      proxy === undefined
        ? await this.#openDirectly(readHost(url), port)
        : await this.#openTunnel(proxy, `${url.hostname}:${port}`);
    const tls = await this.#openTls(tcp, readHost(url));
    await settle(tls, 'secureConnect');
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
    this.#trust ??= chooseTrust(this.#machine);
    this.#context ??= createTrust(this.#machine, this.#trust);
    return this.#context;
  }

  async #openDirectly(host: string, port: number): Promise<Socket> {
    const socket = this.#startTcp(host, port);
    socket.once('lookup', () => this.#prepareTls());
    await settle(socket, 'connect');
    return socket;
  }

  async #openTunnel(proxy: URL, target: string): Promise<Socket> {
    const host = readHost(proxy);
    let socket = this.#startTcp(host, readPort(proxy));
    await settle(socket, 'connect');
    if (proxy.protocol === 'https:') {
      socket = await this.#openTls(socket, host);
      await settle(socket, 'secureConnect');
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
