/** undici's part of a connection: requests over a socket that is there already, or straight to a server near by. */

import { createSecureContext } from 'node:tls';
import request from 'undici/lib/api/api-request.js';
import Client from 'undici/lib/dispatcher/client.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import type { Connections } from './connections.ts';

/** A server that is reached past every proxy. */
export interface DirectConnection {
  /** PEM certificates that are trusted instead of the machine's. */
  readonly certificates?: string;
  /** The name that the server's certificate has, where it is not the URL's. */
  readonly serverName?: string;
  /** The SHA-1 of the one certificate that it may show, whoever issued that: 40 lower-case hexadecimal digits. */
  readonly certificateSha1?: string;
}

const CONNECT_TIMEOUT_MS = 5_000;

// What undici's index would do, which takes twice as long to load.
Dispatcher.prototype.request = request;

/** Requests to one origin over the connections that were opened for it. */
export function createDispatcher(origin: string, connections: Connections): Dispatcher {
  return new Client(origin, {
    connect: (_options, callback) => {
      connections.open(origin).then(
        (socket) => callback(null, socket),
        (cause: unknown) => callback(cause instanceof Error ? cause : new Error(String(cause)), null),
      );
    },
  });
}

/** @throws the system's error when the certificates cannot be read. */
export async function createDirectDispatcher(direct: DirectConnection): Promise<Dispatcher> {
  const { certificates, serverName, certificateSha1 } = direct;
  const { default: Agent } = await import('undici/lib/dispatcher/agent.js');
  if (certificateSha1 !== undefined) {
    const { createPinnedConnector } = await import('./certificate-pin.ts');
    return new Agent({ connect: createPinnedConnector(certificateSha1, CONNECT_TIMEOUT_MS) });
  }
  return new Agent({
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      rejectUnauthorized: true,
      ...(certificates === undefined ? {} : { secureContext: createSecureContext({ ca: certificates }) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  });
}
