/** The token proxy of a cluster with identity bindings: a TLS server on the loopback with an authority of its own. */
import { randomInt, randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { createCertificateAuthority } from './certificates.ts';
import { formatEntraError } from './entra-error.ts';
import { issueApplicationToken } from './entra-token.ts';
import { parseStrings } from './json.ts';
import { createRequest, type EmulatedRequest, type EmulatedResponse, jsonResponse } from './message.ts';
import { ACR_AUDIENCE, type EmulatorState, findTenant } from './state.ts';
import { decodeToken } from './tokens.ts';

export const BINDING_AUDIENCE = 'api://AKSIdentityBinding';

export interface TokenProxyRequest {
  /** The name that the client asked for in the TLS handshake. */
  readonly serverName: string | undefined;
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
}

export interface TokenProxy {
  /** `https://ADDRESS:PORT` */
  readonly url: string;
  /** The loopback address that it listens on. */
  readonly address: string;
  readonly serverName: string;
  /** The only authority that its certificate can be checked with. */
  readonly caPem: string;
  readonly requests: TokenProxyRequest[];
  /** What it answers instead of a token, if anything. */
  answer: EmulatedResponse | undefined;
  close(): Promise<void>;
}

/**
 * @param now seconds since the epoch.
 * @param port a free one by default. A port below 1024 needs root; it is on a loopback address of its own.
 */
export async function startTokenProxy(state: EmulatorState, now: () => number, port = 0): Promise<TokenProxy> {
  const serverName = 'abcdef.ests.aks.example';
  const authority = await createCertificateAuthority();
  const requests: TokenProxyRequest[] = [];
  const server = createServer({
    SNICallback: (host, done) => {
      authority
        .contextFor(host === serverName ? host : 'kubernetes')
        .then((context) => done(null, context))
        .catch((error: unknown) => done(error instanceof Error ? error : new Error('Cannot mint a certificate')));
    },
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const names = new WeakMap<object, string>();
  server.on('secureConnection', (socket) => {
    if (typeof socket.servername === 'string') names.set(socket, socket.servername);
  });
  server.on('request', (message, response) => {
    text(message)
      .then((body) => {
        const url = new URL(message.url ?? '/', 'https://proxy');
        const request = createRequest({
          method: message.method ?? 'GET',
          url: url.href,
          headers: { 'content-type': message.headers['content-type'] ?? '' },
          body,
        });
        requests.push({
          serverName: names.get(message.socket),
          path: url.pathname,
          form: Object.fromEntries(request.form),
        });
        const answer = proxy.answer ?? answerBinding(request, state, now());
        response.writeHead(answer.status, { ...answer.headers, Date: new Date(now() * 1000).toUTCString() });
        response.end(answer.body);
      })
      .catch(() => message.socket.destroy());
  });
  const address = port === 0 ? '127.0.0.1' : chooseAddress();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, address, resolve);
  });
  const listening = server.address();
  const proxy: TokenProxy = {
    url: `https://${address}:${typeof listening === 'object' ? listening?.port : port}`,
    address,
    serverName,
    caPem: authority.pem,
    requests,
    answer: undefined,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}

/** All of 127.0.0.0/8 is the loopback: several test runs can use the same port. */
function chooseAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}

/** Accepts only what is bound to the cluster; the binding, not the federation, says who the workload is. */
function answerBinding(request: EmulatedRequest, state: EmulatorState, now: number): EmulatedResponse {
  const context = { state, now, requestId: randomUUID() };
  const [, tenantName = '', ...rest] = request.path.replace(/^\/proxy/, '').split('/');
  const clientId = request.form.get('client_id') ?? '';
  // A kubelet's plug-in names no tenant: the proxy knows that of the identity.
  const isRoot = request.path === '/';
  const tenant = isRoot
    ? [...state.tenants.values()].find(({ applications }) => applications.has(clientId))
    : findTenant(state, tenantName);
  const application = tenant?.applications.get(clientId);
  const assertion = request.form.get('client_assertion') ?? '';
  state.issuedSecrets.add(assertion);
  if (request.method !== 'POST' || (!isRoot && (rest.join('/') !== 'oauth2/v2.0/token' || tenant === undefined))) {
    return { status: 404, headers: {}, body: '' };
  }
  const audience = decodeToken(assertion)?.claims['aud'];
  if (
    tenant === undefined ||
    application === undefined ||
    ![audience, ...parseStrings(audience)].includes(BINDING_AUDIENCE)
  ) {
    const error = { error: 'invalid_client', code: 700_212, text: 'No matching binding.', status: 401 };
    return formatEntraError(error, request, context);
  }
  const scope = request.form.get('scope') ?? '';
  const of = { tenant, application, audience: ACR_AUDIENCE, method: 'assertion' } as const;
  return scope === `${ACR_AUDIENCE}/.default`
    ? jsonResponse(200, { token_type: 'Bearer', expires_in: 3599, access_token: issueApplicationToken(state, of, now) })
    : jsonResponse(400, { error: 'invalid_scope' });
}
