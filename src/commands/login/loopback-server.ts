/**
 * Receives the answer of a sign-in from the browser of this machine. Everything else that may arrive is refused.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8252#section-7.3
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CredentialError, describeCause, readErrorCode } from '../../errors.ts';
import { formatPage, type Page, REFUSALS } from './pages.ts';

/** What Entra's page sent: a code to redeem, or why there is none. */
export type AuthorizationAnswer =
  | { readonly code: string }
  | { readonly error: string; readonly description: string | undefined };

/** The answer, and the browser that waits for a page. */
export interface Received {
  readonly answer: AuthorizationAnswer;
  /** Sends the page that the person sees. Never fails: the browser may be gone. */
  readonly reply: (page: Page) => Promise<void>;
}

/** Waits for one answer. */
export interface LoopbackServer {
  readonly redirectUri: string;
  /** The first answer with the right state. It never fails. */
  readonly received: Promise<Received>;
  /** Stops listening, and closes every connection. */
  readonly close: () => void;
}

/** A code has about two thousand characters. */
const MAX_BODY_BYTES = 64 * 1024;
/** The browser also sends the cookies of other servers on `localhost`, which may be large. */
const MAX_HEADER_BYTES = 64 * 1024;
const SLOW_HEADERS_MS = 5_000;
const SLOW_REQUEST_MS = 10_000;
const SLOW_BROWSER_MS = 2_000;
const CHECK_MS = 500;
const MAX_PORTS = 20;
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/**
 * Listens on a free port of this machine's loopback, by IPv4 and where possible by IPv6: a browser tries both for
 * `localhost`, and nobody else may listen there.
 * @param state that of the request, which the answer must have.
 * @throws NETWORK_FAILED when no port is free.
 */
export async function startLoopbackServer(state: string): Promise<LoopbackServer> {
  let take: (received: Received) => void = () => {};
  const received = new Promise<Received>((resolve) => {
    take = resolve;
  });
  let isTaken = false;
  let port = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const read = await readAnswer(request, port, state);
    if ('status' in read || isTaken) {
      await send(response, 'status' in read ? read : REFUSALS.used);
      return;
    }
    isTaken = true;
    take({ answer: read, reply: (page) => send(response, page) });
  };
  const create = () =>
    createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: SLOW_HEADERS_MS,
        requestTimeout: SLOW_REQUEST_MS,
        connectionsCheckingInterval: CHECK_MS,
      },
      // A request that breaks off has nobody to be told.
      (request, response) => void handle(request, response).catch(() => response.destroy()),
    );
  const servers = await listen(create);
  port = portOf(servers[0]);
  return {
    redirectUri: `http://localhost:${port}`,
    received,
    close: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

async function listen(create: () => Server): Promise<readonly Server[]> {
  try {
    for (let attempts = 0; attempts < MAX_PORTS; attempts += 1) {
      const first = create();
      await listenOn(first, '127.0.0.1', 0);
      const second = create();
      try {
        await listenOn(second, '::1', portOf(first));
        return [first, second];
      } catch (cause) {
        // Without IPv6, the browser uses IPv4. But a stranger who listens there would get the answer.
        if (readErrorCode(cause) !== 'EADDRINUSE') return [first];
        first.close();
      }
    }
    throw new Error('no port is free on both 127.0.0.1 and ::1');
  } catch (cause) {
    throw new CredentialError('NETWORK_FAILED', "this program cannot wait for the browser's answer", {
      causes: [describeCause(cause)],
    });
  }
}

async function listenOn(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port, exclusive: true });
  await once(server, 'listening');
}

function portOf(server: Server | undefined): number {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** @returns the answer, or the page that refuses the request. */
async function readAnswer(request: IncomingMessage, port: number, state: string): Promise<AuthorizationAnswer | Page> {
  // A page of another site may have given its own name this machine's address.
  const hosts = request.headersDistinct['host'] ?? [];
  if (hosts.length !== 1 || hosts[0]?.toLowerCase() !== `localhost:${port}`) return REFUSALS.host;
  const [path = '', query] = (request.url ?? '').split('?', 2);
  if (path !== '/') return REFUSALS.path;
  // An answer in the query would be in the history of the browser. Nothing there is read.
  if (request.method !== 'POST') return REFUSALS.method;
  if (query !== undefined) return REFUSALS.path;
  if (!FORM.test(request.headers['content-type'] ?? '')) return REFUSALS.type;
  const body = await readBody(request);
  return body === undefined ? REFUSALS.size : (parseAnswer(body, state) ?? REFUSALS.form);
}

/** @returns `undefined` when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) return undefined;
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads the form of an answer.
 * @returns `undefined` when it is not exactly one answer to the request with this state.
 */
export function parseAnswer(body: string, state: string): AuthorizationAnswer | undefined {
  const form = new URLSearchParams(body);
  const [states, codes, errors] = [form.getAll('state'), form.getAll('code'), form.getAll('error')];
  if (states.length !== 1 || !isSame(states[0] ?? '', state)) return undefined;
  if (codes.length + errors.length !== 1) return undefined;
  const [code, error] = [codes[0] ?? '', errors[0] ?? ''];
  if (code !== '') return { code };
  return error === '' ? undefined : { error, description: form.get('error_description') ?? undefined };
}

/** Compares two texts in a time that does not depend on them. */
function isSame(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

async function send(response: ServerResponse, page: Page): Promise<void> {
  const { status, headers, body } = formatPage(page);
  let timer: NodeJS.Timeout | undefined;
  const isOver = new Promise<void>((resolve) => {
    response.once('close', resolve);
    timer = setTimeout(resolve, SLOW_BROWSER_MS);
  });
  if (response.destroyed) return clearTimeout(timer);
  response.writeHead(status, headers);
  response.end(response.req.method === 'HEAD' ? undefined : body);
  await isOver;
  clearTimeout(timer);
}
