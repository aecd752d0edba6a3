/** A CONNECT proxy on the loopback that terminates TLS itself, so that a client sees Azure's real host names. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CertificateAuthority } from './certificates.ts';

/** What the proxy does with a CONNECT. */
export type ConnectVerdict = 'accept' | 'reset' | { readonly status: number };

export interface ProxyHandlers {
  /** Decides about `host:port`. */
  connect(target: string): Promise<ConnectVerdict>;
  /** A request inside an accepted tunnel; `expectsContinue` when the client waits for 100 before it sends its body. */
  tunnelled(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void>;
  /** An absolute-form request to the proxy itself, in plain text. */
  plain(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** An origin-form request to the proxy itself. */
  own(request: IncomingMessage, response: ServerResponse): void;
}

export interface Proxy {
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. */
export async function startProxy(
  authority: CertificateAuthority,
  handlers: ProxyHandlers,
  roundTripMs: number,
): Promise<Proxy> {
  const sockets = new Set<Duplex>();
  const tunnel = createTlsServer({
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 60_000,
    requestTimeout: 0,
    SNICallback: (host, done) => {
      // The handshake is one round trip; waiting here delays the server's half of it.
      Promise.all([authority.contextFor(host.toLowerCase()), wait(roundTripMs)])
        .then(([context]) => done(null, context))
        .catch((error: unknown) => done(error instanceof Error ? error : new Error('Cannot mint a certificate')));
    },
  });
  const serve = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    guard(response, handlers.tunnelled(request, response, expectsContinue));
  };
  tunnel.on('request', serve(false));
  tunnel.on('checkContinue', serve(true));
  tunnel.on('tlsClientError', (_error, socket) => socket.destroy());
  tunnel.on('clientError', (_error, socket) => socket.destroy());

  const proxy = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
    if (/^https?:\/\//i.test(request.url ?? '')) {
      guard(response, handlers.plain(request, response));
    } else {
      handlers.own(request, response);
    }
  });
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client may hang up at any time.
    socket.on('error', () => socket.destroy());
  });
  proxy.on('clientError', (_error, socket) => socket.destroy());
  proxy.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    handlers
      .connect(request.url ?? '')
      .then(async (verdict) => {
        await wait(roundTripMs);
        if (verdict === 'reset') {
          socket.destroy();
        } else if (verdict === 'accept') {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
          if (head.length > 0) {
            socket.unshift(head);
          }
          tunnel.emit('connection', socket);
        } else {
          socket.end(`HTTP/1.1 ${verdict.status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        }
      })
      .catch(() => socket.destroy());
  });

  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject);
    proxy.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${portOf(proxy.address())}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => proxy.close(() => resolve()));
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    },
  };
}

/** Waits, and returns at once for zero, which `setTimeout` does not. */
export async function wait(milliseconds: number): Promise<void> {
  if (milliseconds > 0) {
    await delay(milliseconds, undefined, { ref: false });
  }
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A handler that fails must not bring the emulator down; the client sees a server error. */
function guard(response: ServerResponse, served: Promise<void>): void {
  served.catch((error: unknown) => {
    if (response.destroyed) {
      // The client hung up; there is nobody to answer, and nothing is wrong here.
      return;
    }
    process.emitWarning(error instanceof Error ? error : new Error(String(error)));
    if (response.headersSent) {
      response.destroy();
    } else {
      response.writeHead(500).end();
    }
  });
}
