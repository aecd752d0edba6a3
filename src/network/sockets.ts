/** Waits for sockets with a time limit, and closes them together. */

import type { Socket } from 'node:net';

/** How long a connection may take to open. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** The connection or the TLS handshake took too long. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('the connection timed out');
  }
}

/** The other side closed the connection. */
export class HangUpError extends Error {
  readonly code = 'ECONNRESET';

  /** @param peer such as "the proxy". */
  constructor(peer: string) {
    super(`${peer} closed the connection`);
  }
}

/** We closed the connection. Its code is not one that is retried. */
export class ClosedError extends Error {
  readonly code = 'ERR_CLOSED';

  constructor() {
    super('the connections are closed');
  }
}

/** The sockets of one connection source. `close` ends all of them, and none can be added afterwards. */
export class Sockets {
  readonly #open = new Set<Socket>();
  #isClosed = false;

  /**
   * Opens a socket and keeps track of it.
   * @throws ClosedError after `close`.
   */
  add<T extends Socket>(open: () => T): T {
    if (this.#isClosed) throw new ClosedError();
    const socket = open();
    this.#open.add(socket);
    socket.on('error', () => {}); // the code that waits for the socket has its own listener
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  }

  /** Destroys every socket; pending waits reject with ClosedError. */
  close(): void {
    this.#isClosed = true;
    // A TLS socket must close before the older TCP socket under it. In the other order a pending wait would report that
    // the server closed the connection, and Node crashes if the handshake ends at that moment.
    for (const socket of [...this.#open].reverse()) socket.destroy(new ClosedError());
  }
}

/**
 * Waits for an event of a socket, at most `CONNECT_TIMEOUT_MS`.
 * @throws TimeoutError, HangUpError, ClosedError, or the system's error.
 */
export async function waitForEvent(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  const timer = setTimeout(() => socket.destroy(new TimeoutError()), CONNECT_TIMEOUT_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, resolve).once('error', reject);
      socket.once('close', () => reject(new HangUpError('the server')));
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The host of a URL in the form that sockets and certificates use: an IPv6 address has no brackets. */
export function readHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The port of a URL; if it names none, the default port of https or http. */
export function readPort({ protocol, port }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80));
}
