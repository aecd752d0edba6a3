/** A small HTTPS server with the name `localhost`, a proxy to it, and the requests that they received. */
import { createServer as createProxy, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { createCertificateAuthority } from '../emulator/certificates.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request; `attempt` counts from 1. */
export type Answer = (response: ServerResponse, attempt: number, request: SeenRequest) => void;

export interface TestServer {
  readonly origin: string;
  readonly port: number;
  readonly requests: readonly SeenRequest[];
  /** The certificate of the authority that issued the server's own. */
  readonly authorityPem: string;
  readonly close: () => Promise<void>;
}

export async function startServer(answer: Answer): Promise<TestServer> {
  const authority = await createCertificateAuthority();
  const requests: SeenRequest[] = [];
  const server = createServer({
    SNICallback: (name, done) => {
      authority.contextFor(name).then(
        (context) => done(null, context),
        (cause: unknown) => done(new Error('no certificate', { cause })),
      );
    },
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const seen = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') };
      requests.push(seen);
      answer(response, requests.length, seen);
    });
  });
  const { port, close } = await listen(server);
  return { origin: `https://localhost:${port}`, port, requests, authorityPem: authority.pem, close };
}

export interface TestProxy {
  readonly url: string;
  /** The hosts that it was asked to connect to. */
  readonly targets: readonly string[];
  readonly credentials: readonly (string | undefined)[];
  readonly close: () => Promise<void>;
}

/** @param refuseWith the status that it answers with instead of connecting. */
export async function startProxy(refuseWith?: number): Promise<TestProxy> {
  const targets: string[] = [];
  const credentials: (string | undefined)[] = [];
  const proxy = createProxy();
  proxy.on('connect', (request: IncomingMessage, client: Socket) => {
    targets.push(request.url ?? '');
    credentials.push(request.headers['proxy-authorization']);
    client.on('error', () => client.destroy());
    if (refuseWith !== undefined) {
      client.end(`HTTP/1.1 ${refuseWith} No\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  const { port, close } = await listen(proxy);
  return { url: `http://127.0.0.1:${port}`, targets, credentials, close };
}

async function listen(server: Server): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, () => resolve()));
  return {
    port: portOf(server.address()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
