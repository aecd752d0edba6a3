import { createHash, randomBytes } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { type Dispatcher, ProxyAgent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Emulator, type EmulatorOptions, startEmulator } from './emulator.ts';
import type { Fault } from './faults.ts';
import { parseJsonRecord, parseString } from './json.ts';
import { CLIENT_SECRET, registryOf, TENANT_ID } from './state.ts';
import { LOGIN_SERVER, secretForm } from './test-client.ts';
import { decodeToken } from './tokens.ts';

const V2 = `https://${LOGIN_SERVER}/v2/`;
const TOKEN_URL = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`;

let emulator: Emulator;
let client: ProxyAgent;
let opened: (() => Promise<void>)[] = [];

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator(options);
  client = new ProxyAgent({
    uri: emulator.proxyUrl,
    requestTls: { ca: await readFile(emulator.caFile, 'utf8') },
    connections: 1,
  });
  opened.push(
    () => emulator.close(),
    () => client.destroy(),
  );
}

beforeEach(() => start());

afterEach(async () => {
  await Promise.all(opened.map((close) => close()));
  opened = [];
});

interface Reply {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly text: string;
}

async function fetchText(
  url: string,
  options: {
    method?: Dispatcher.HttpMethod;
    body?: string | Buffer | Readable;
    headers?: Record<string, string>;
  } = {},
): Promise<Reply> {
  const answer = await request(url, {
    dispatcher: client,
    ...(options.method === undefined ? {} : { method: options.method }),
    ...(options.headers === undefined ? {} : { headers: options.headers }),
    ...(options.body === undefined ? {} : { body: options.body }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

function postForm(url: string, form: Record<string, string>): Promise<Reply> {
  return fetchText(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
}

function member(reply: Reply, name: string): string {
  return parseString(parseJsonRecord(reply.text)?.[name]) ?? '';
}

async function bearerFor(scope: string): Promise<string> {
  const entra = member(await postForm(TOKEN_URL, secretForm()), 'access_token');
  const form = { service: LOGIN_SERVER };
  const exchanged = await postForm(`https://${LOGIN_SERVER}/oauth2/exchange`, {
    ...form,
    grant_type: 'access_token',
    access_token: entra,
  });
  const refresh = { ...form, grant_type: 'refresh_token', scope, refresh_token: member(exchanged, 'refresh_token') };
  return `Bearer ${member(await postForm(`https://${LOGIN_SERVER}/oauth2/token`, refresh), 'access_token')}`;
}

describe('the proxy', () => {
  test('answers for any registry under a certificate of its name, and keeps the connection', async () => {
    expect((await fetchText(V2)).status).toBe(401);
    expect((await fetchText(V2)).status).toBe(401);
    expect((await fetchText('https://fabrikam.azurecr.cn/v2/')).status).toBe(401);
    expect(emulator.connects).toEqual([`${LOGIN_SERVER}:443`, 'fabrikam.azurecr.cn:443']);
  });

  test('records what was asked and what was answered', async () => {
    await postForm(`${TOKEN_URL}?client-request-id=abc`, secretForm());
    expect(emulator.requests).toMatchObject([
      {
        scheme: 'https',
        method: 'POST',
        host: 'login.microsoftonline.com',
        path: `/${TENANT_ID}/oauth2/v2.0/token`,
        query: { 'client-request-id': 'abc' },
        form: { grant_type: 'client_credentials', client_secret: CLIENT_SECRET },
        status: 200,
      },
    ]);
    emulator.resetRequests();
    expect(emulator.requests).toEqual([]);
    expect(emulator.connects).toEqual([]);
  });

  test.each([
    'https://example.com/',
    'https://contoso.azurecr.io.example.com/v2/',
    'https://contoso.azurecr.io:5000/v2/',
    'https://[::1]/',
  ])('refuses %s and records that', async (url) => {
    await expect(fetchText(url)).rejects.toThrow();
    const { hostname, port } = new URL(url);
    expect(emulator.connects).toEqual([`${hostname}:${port || 443}`]);
    expect(emulator.requests).toEqual([]);
  });

  test('refuses a registry that does not exist, under its regional name too', async () => {
    emulator.state.missingRegistries.add(LOGIN_SERVER);
    await expect(fetchText(V2)).rejects.toThrow();
    await expect(fetchText('https://contoso.eastus.geo.azurecr.io/v2/')).rejects.toThrow();
    expect((await fetchText('https://fabrikam.azurecr.io/v2/')).status).toBe(401);
  });

  test('answers for a host that a test added', async () => {
    emulator.state.extraHosts.set('images.contoso.com', { kind: 'acr', loginServer: LOGIN_SERVER });
    const { headers } = await fetchText('https://images.contoso.com/v2/');
    expect(headers['www-authenticate']).toBe(
      `Bearer realm="https://images.contoso.com/oauth2/token",service="${LOGIN_SERVER}"`,
    );
  });

  test.each(['http://contoso.azurecr.io/v2/', 'http://169.254.169.254/metadata?secret=1'])(
    'refuses %s in plain text and records it',
    async (url) => {
      const { hostname, pathname } = new URL(url);
      const status = await speak(emulator, `GET ${url} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
      expect(status).toMatch(/^HTTP\/1\.1 502 /);
      expect(emulator.requests).toMatchObject([{ scheme: 'http', host: hostname, path: pathname, status: 502 }]);
    },
  );

  test('answers 421 inside the tunnel of another host, and records the host that was meant', async () => {
    expect((await fetchText(V2, { headers: { host: 'example.com' } })).status).toBe(421);
    expect(emulator.requests).toMatchObject([{ host: 'example.com', status: 421 }]);
  });

  test.each([
    ['rubbish', 'rubbish\r\n\r\n'],
    ['half a CONNECT', 'CONNECT contoso.azurecr.io:443 HTTP/1.1\r\n'],
    ['a tunnel without TLS', 'CONNECT contoso.azurecr.io:443 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
  ])('lives on after %s and a hang-up', async (_what, text) => {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(emulator.proxyUrl).port), '127.0.0.1', () => {
        socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), 20));
      });
      socket.on('error', () => undefined).on('close', () => resolve());
    });
    expect((await fetchText(V2)).status).toBe(401);
  });

  test('offers HTTP/1.1 only, with a certificate that names the host', async () => {
    const socket = connect(Number(new URL(emulator.proxyUrl).port), '127.0.0.1');
    socket.write(`CONNECT ${LOGIN_SERVER}:443 HTTP/1.1\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    const ca = await readFile(emulator.caFile, 'utf8');
    const secured = connectTls({ socket, servername: LOGIN_SERVER, ca, ALPNProtocols: ['h2', 'http/1.1'] });
    await new Promise((resolve) => secured.once('secureConnect', resolve));
    expect(secured.alpnProtocol).toBe('http/1.1');
    expect(secured.getPeerCertificate().subjectaltname).toBe(`DNS:${LOGIN_SERVER}`);
    secured.destroy();
  });

  test('tells another process what it saw', async () => {
    await fetchText(V2);
    const own = async (method: 'GET' | 'DELETE', path: string): Promise<string> =>
      (await request(`${emulator.proxyUrl}${path}`, { method })).body.text();
    expect(JSON.parse(await own('GET', '/_emulator/requests'))).toMatchObject([{ host: LOGIN_SERVER, status: 401 }]);
    expect(JSON.parse(await own('GET', '/_emulator/connects'))).toEqual([`${LOGIN_SERVER}:443`]);
    expect(JSON.parse(await own('GET', '/_emulator/secrets'))).toContain(CLIENT_SECRET);
    await own('DELETE', '/_emulator/requests');
    expect(emulator.requests).toEqual([]);
    expect((await request(`${emulator.proxyUrl}/nowhere`)).statusCode).toBe(404);
  });

  test('takes its folder along when it closes, with clients still connected', async () => {
    await fetchText(V2);
    await emulator.close();
    await expect(access(emulator.caFile)).rejects.toThrow('ENOENT');
  });
});

describe('the clock', () => {
  test('may be moved while it runs', async () => {
    let now = 1_900_000_000;
    await start({ now: () => now });
    const bearer = await bearerFor('repository:hello:pull');
    expect(decodeToken(bearer.slice('Bearer '.length))?.claims).toMatchObject({ iat: now, exp: now + 4500 });
    expect((await fetchText(V2, { headers: { authorization: bearer } })).status).toBe(200);
    now += 4500;
    const late = await fetchText(V2, { headers: { authorization: bearer } });
    expect(late.status).toBe(401);
    expect(late.headers['date']).toBe(new Date(now * 1000).toUTCString());
  });

  test('makes CONNECT, TLS and each answer take a round trip', async () => {
    await start({ roundTripMs: 40 });
    const startedAt = performance.now();
    await fetchText(V2);
    const first = performance.now() - startedAt;
    await fetchText(V2);
    const second = performance.now() - startedAt - first;
    expect(first).toBeGreaterThanOrEqual(3 * 39);
    expect(second).toBeGreaterThanOrEqual(39);
    expect(second).toBeLessThan(100);
  });
});

describe('a token made for a fake command line', () => {
  test('is taken by the exchange and is among the secrets', async () => {
    const token = emulator.entraToken({ audience: 'https://management.azure.com' });
    const form = { grant_type: 'access_token', service: LOGIN_SERVER, access_token: token };
    expect((await postForm(`https://${LOGIN_SERVER}/oauth2/exchange`, form)).status).toBe(200);
    expect(emulator.secrets).toContain(token);
  });
});

describe('a fault', () => {
  test('answers in place of the service, as often as it is told to', async () => {
    emulator.inject({ host: LOGIN_SERVER, status: 429, headers: { 'Retry-After': '2' }, body: 'slow down', times: 2 });
    expect(await fetchText(V2)).toMatchObject({ status: 429, text: 'slow down', headers: { 'retry-after': '2' } });
    expect((await fetchText('https://fabrikam.azurecr.io/v2/')).status).toBe(401);
    expect((await fetchText(V2)).status).toBe(429);
    expect((await fetchText(V2)).status).toBe(401);
    expect(emulator.requests.map(({ status }) => status)).toEqual([429, 401, 429, 401]);
  });

  test('is gone when it is removed', async () => {
    const remove = emulator.inject({ status: 500 });
    expect((await fetchText(V2)).status).toBe(500);
    remove();
    expect((await fetchText(V2)).status).toBe(401);
  });

  test.each<[string, Fault]>([
    ['destroys the socket', { reset: true }],
    ['cuts the body', { truncate: 5 }],
    ['destroys the socket at CONNECT', { at: 'connect', reset: true }],
    ['refuses the CONNECT', { at: 'connect', status: 407 }],
  ])('%s', async (_what, fault) => {
    emulator.inject({ ...fault, times: 1 });
    await expect(fetchText(V2)).rejects.toThrow();
    expect((await fetchText(V2)).status).toBe(401);
  });

  test('delays an answer that is otherwise as ever', async () => {
    emulator.inject({ delayMs: 60 });
    const startedAt = performance.now();
    expect((await fetchText(V2)).status).toBe(401);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
  });

  test('redirects', async () => {
    emulator.inject({ path: '/oauth2/exchange', redirectTo: 'https://evil.example.com/' });
    const answer = await postForm(`https://${LOGIN_SERVER}/oauth2/exchange`, { access_token: 'x' });
    expect(answer).toMatchObject({ status: 307, headers: { location: 'https://evil.example.com/' } });
  });

  test('echoes what it was sent', async () => {
    emulator.inject({ host: /^login\./, method: 'post', echo: true });
    const answer = await postForm(TOKEN_URL, secretForm());
    expect(answer.status).toBe(400);
    expect(member(answer, 'error_description')).toContain(`${new URLSearchParams({ client_secret: CLIENT_SECRET })}`);
  });

  test('tampers with the answer of the service', async () => {
    emulator.inject({
      tamper: (response) => ({
        ...response,
        headers: { ...response.headers, 'Www-Authenticate': ['Bearer realm="http://evil/"', 'Basic realm="x"'] },
      }),
    });
    const { headers } = await fetchText(V2);
    expect(headers['www-authenticate']).toEqual(['Bearer realm="http://evil/"', 'Basic realm="x"']);
  });
});

describe('the registry behind', () => {
  /** Keeps blobs in memory and speaks as little of the registry protocol as an upload needs. */
  async function startRegistry(): Promise<{ readonly url: string; readonly seen: IncomingMessage[] }> {
    const blobs = new Map<string, Buffer>();
    const seen: IncomingMessage[] = [];
    const server: Server = createServer(async (message, response) => {
      seen.push(message);
      const url = new URL(message.url ?? '/', `${message.headers['x-forwarded-proto']}://${message.headers.host}`);
      const body = await buffer(message);
      if (message.method === 'POST') {
        response
          .writeHead(202, { Location: `http://${message.headers.host}/v2/hello/blobs/uploads/1?_state=a%2Fb` })
          .end();
      } else if (message.method === 'PATCH' || message.method === 'PUT') {
        blobs.set('blob', body);
        response.writeHead(message.method === 'PUT' ? 201 : 202, { Location: `${url.pathname}` }).end();
      } else {
        const blob = blobs.get('blob') ?? Buffer.alloc(0);
        response.writeHead(200, { 'Content-Length': blob.length }).end(message.method === 'HEAD' ? undefined : blob);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, seen };
  }

  const BLOBS = `https://${LOGIN_SERVER}/v2/hello/blobs`;

  test('sees nothing of a request without a good bearer', async () => {
    const { url, seen } = await startRegistry();
    await start({ registryUrl: url });
    const body = randomBytes(300_000);
    expect((await fetchText(`${BLOBS}/uploads/`, { method: 'POST', body })).status).toBe(401);
    const authorization = await bearerFor('repository:hello:pull');
    const refused = await fetchText(`${BLOBS}/uploads/1`, { method: 'PUT', body, headers: { authorization } });
    expect(refused.headers['www-authenticate']).toContain('insufficient_scope');
    expect(seen).toEqual([]);
  });

  test('takes a chunked upload and gives it back, under the name of the emulated host', async () => {
    const { url, seen } = await startRegistry();
    await start({ registryUrl: url });
    const authorization = await bearerFor('repository:hello:pull,push');
    const begun = await fetchText(`${BLOBS}/uploads/`, { method: 'POST', headers: { authorization } });
    expect(begun.status).toBe(202);
    const location = begun.headers['location'];
    expect(location).toBe(`${BLOBS}/uploads/1?_state=a%2Fb`);

    const chunk = randomBytes(64 * 1024);
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let count = 0; count < 160; count += 1) {
        yield chunk;
      }
    }
    const sent = await fetchText(`${location}`, {
      method: 'PATCH',
      body: Readable.from(chunks()),
      headers: { authorization },
    });
    expect(sent).toMatchObject({ status: 202, headers: { location: `${BLOBS}/uploads/1` } });

    const answer = await request(`${BLOBS}/sha256:0`, { dispatcher: client, headers: { authorization } });
    const received = Buffer.from(await answer.body.arrayBuffer());
    expect(received.length).toBe(160 * chunk.length);
    expect(createHash('sha256').update(received.subarray(0, chunk.length)).digest('hex')).toBe(
      createHash('sha256').update(chunk).digest('hex'),
    );
    const head = await fetchText(`${BLOBS}/sha256:0`, { method: 'HEAD', headers: { authorization } });
    expect(head.headers['content-length']).toBe(`${received.length}`);
    expect(head.headers['x-ms-correlation-request-id']).toBeDefined();
    expect(seen.every(({ headers }) => headers['authorization'] === undefined)).toBe(true);
    expect(seen.every(({ headers }) => headers.host === LOGIN_SERVER)).toBe(true);
    expect(emulator.requests.at(-1)).toMatchObject({ method: 'HEAD', status: 200, body: '' });
  });

  test.each([
    ['repository:hello:pull,push', '100', '201'],
    ['repository:hello:pull', '401', undefined],
  ])('lets a client that expects 100 and holds %s go on with %s', async (scope, first, last) => {
    const { url } = await startRegistry();
    await start({ registryUrl: url });
    const authorization = await bearerFor(scope);
    const ca = await readFile(emulator.caFile, 'utf8');
    const socket = connect(Number(new URL(emulator.proxyUrl).port), '127.0.0.1');
    socket.write(`CONNECT ${LOGIN_SERVER}:443 HTTP/1.1\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    const secured = connectTls({ socket, servername: LOGIN_SERVER, ca });
    secured.write(
      `PUT /v2/hello/blobs/uploads/1 HTTP/1.1\r\nHost: ${LOGIN_SERVER}\r\nAuthorization: ${authorization}\r\n` +
        'Content-Length: 4\r\nExpect: 100-continue\r\n\r\n',
    );
    const line = async () =>
      /^HTTP\/1\.1 (\d+)/.exec(`${await new Promise((resolve) => secured.once('data', resolve))}`)?.[1];
    expect(await line()).toBe(first);
    if (last !== undefined) {
      secured.write('blob');
      expect(await line()).toBe(last);
    }
    secured.destroy();
  });

  test('is a bad gateway when it is not there', async () => {
    await start({ registryUrl: 'http://127.0.0.1:9' });
    const authorization = await bearerFor('repository:hello:pull');
    expect((await fetchText(V2, { headers: { authorization } })).status).toBe(502);
  });

  test('is an empty one when none was given', async () => {
    registryOf(emulator.state, LOGIN_SERVER);
    const headers = { authorization: await bearerFor('repository:hello:pull') };
    expect(await fetchText(V2, { headers })).toMatchObject({ status: 200, text: '{}' });
    expect((await fetchText(`${V2}hello/tags/list`, { headers })).status).toBe(404);
  });
});

/** Says something to the proxy's port as it is, and returns what comes back. */
function speak(to: Emulator, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(Number(new URL(to.proxyUrl).port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      said += data.toString();
    });
    socket.on('error', reject).on('close', () => resolve(said));
  });
}
