/** Sockets that are waited for, but not for ever, and that end together. */

import type { Socket } from 'node:net';

/** How long a connection may take to open. */
export const CONNECT_TIMEOUT_MS = 5_000;

export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('it did not answer in time');
  }
}

/** The other side closed the connection. */
export class HangUpError extends Error {
  readonly code = 'ECONNRESET';

  /** @param who such as "the proxy". */
  constructor(who: string) {
    super(`${who} hung up`);
  }
}

/** We closed the connection. Its code is none that passes by itself. */
export class ClosedError extends Error {
  readonly code = 'ERR_CLOSED';

  constructor() {
    super('the connections are closed');
  }
}

/** The sockets of one source of connections: they end with it, and none begins after it. */
export class Sockets {
  readonly #open = new Set<Socket>();
  #isClosed = false;

  /** @throws ClosedError when it is too late to open one. */
  add<T extends Socket>(open: () => T): T {
    if (this.#isClosed) throw new ClosedError();
    const socket = open();
    this.#open.add(socket);
    socket.on('error', () => {}); // whoever waits for it is told; nobody else has to be
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  }

  close(): void {
    this.#isClosed = true;
    // TLS before what it is spoken over, which began earlier: the other way round whoever waits is told that the
    // server hung up, and Node crashes at the moment that a handshake ends.
    for (const socket of [...this.#open].reverse()) socket.destroy(new ClosedError());
  }
}

/**
 * Waits for an event of a socket.
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

/** The host of a URL as sockets and certificates have it: an IPv6 address without its brackets. */
export function readHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The port of a URL, told or not. */
export function readPort({ protocol, port }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80));
}
