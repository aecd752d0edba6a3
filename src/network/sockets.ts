/** Sockets that are waited for, but not for ever. */

import { once } from 'node:events';
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

/**
 * Waits for an event of a socket.
 * @throws TimeoutError, or the system's error.
 */
export async function settle(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  const timer = setTimeout(() => socket.destroy(new TimeoutError()), CONNECT_TIMEOUT_MS);
  try {
    await once(socket, event);
  } finally {
    clearTimeout(timer);
  }
}
