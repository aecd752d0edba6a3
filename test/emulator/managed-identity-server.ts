/** The managed identity services on the loopback, over http and with a self-signed certificate over https. */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { createClientCertificate } from './certificates.ts';
import { answerManagedIdentity, type ManagedIdentityState } from './managed-identity.ts';
import { createRequest, type EmulatedResponse } from './message.ts';

/** A request as it arrived. */
export interface ManagedIdentityRecord {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

export interface ManagedIdentityServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `https://127.0.0.1:PORT` */
  readonly secureUrl: string;
  /** The SHA-1 of its certificate, in upper-case hexadecimal digits. */
  readonly thumbprint: string;
  readonly state: ManagedIdentityState;
  readonly requests: readonly ManagedIdentityRecord[];
  /** How many connections were opened to `secureUrl`. */
  readonly secureConnections: number;
  /** Replaces the answers to the next requests, in this order. */
  answerNext(...answers: readonly Partial<EmulatedResponse>[]): void;
  /** Replaces every answer until `reset`. */
  answerAlways(answer: Partial<EmulatedResponse>): void;
  /** Forgets requests and answers. */
  reset(): void;
  close(): Promise<void>;
}

export async function startManagedIdentityServer(state: ManagedIdentityState): Promise<ManagedIdentityServer> {
  const requests: ManagedIdentityRecord[] = [];
  const queue: Partial<EmulatedResponse>[] = [];
  let always: Partial<EmulatedResponse> | undefined;
  let secureConnections = 0;

  const serve = async (message: IncomingMessage, response: ServerResponse) => {
    const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
    // A client that sends even these requests through a proxy names the whole URL.
    const { href: url } = new URL(message.url ?? '/', 'http://127.0.0.1');
    const request = createRequest({ method: message.method ?? '', url, headers, body: await text(message) });
    const { method, path, query, form } = request;
    requests.push({ method, path, query: Object.fromEntries(query), headers, form: Object.fromEntries(form) });
    const fault = queue.shift() ?? always;
    const answer = fault === undefined ? answerManagedIdentity(request, state) : { status: 200, body: '', ...fault };
    const answerHeaders = Object.entries(answer.headers ?? {}).map(([name, value]) => [name, String(value)]);
    response.writeHead(answer.status, Object.fromEntries(answerHeaders)).end(answer.body);
  };
  const listener = (message: IncomingMessage, response: ServerResponse) => void serve(message, response);
  const { certificatePem, privateKeyPem } = await createClientCertificate('Service Fabric');
  const server = createServer(listener);
  const secure = createTlsServer({ cert: certificatePem, key: privateKeyPem }, listener);
  secure.on('connection', () => {
    secureConnections += 1;
  });
  const [port, securePort] = await Promise.all([listen(server), listen(secure)]);
  return {
    url: `http://127.0.0.1:${port}`,
    secureUrl: `https://127.0.0.1:${securePort}`,
    thumbprint: createHash('sha1').update(new X509Certificate(certificatePem).raw).digest('hex').toUpperCase(),
    state,
    requests,
    get secureConnections() {
      return secureConnections;
    },
    answerNext: (...answers) => {
      queue.push(...answers);
    },
    answerAlways: (answer) => {
      always = answer;
    },
    reset: () => {
      requests.length = 0;
      queue.length = 0;
      always = undefined;
      secureConnections = 0;
    },
    close: async () => {
      const closed = [server, secure].map((one) => once(one, 'close'));
      for (const one of [server, secure]) {
        one.close();
        one.closeAllConnections();
      }
      await Promise.all(closed);
    },
  };
}

async function listen(server: Server | ReturnType<typeof createTlsServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('A server on the loopback has a port');
  return address.port;
}
