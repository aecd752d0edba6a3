import { access } from 'node:fs/promises';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Emulator, type EmulatorOptions, startEmulator } from './emulator.ts';
import {
  connectToProxy,
  createProxiedClient,
  openTunnel,
  type ProxiedClient,
  TOKEN_URL,
  V2_URL,
} from './proxied-client.ts';
import { CLIENT_SECRET, TENANT_ID } from './state.ts';
import { LOGIN_SERVER, secretForm } from './test-client.ts';
import { decodeToken } from './tokens.ts';

let emulator: Emulator;
let client: ProxiedClient;

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator(options);
  client = await createProxiedClient(emulator);
}

async function stop(): Promise<void> {
  await emulator.close();
  await client.close();
}

beforeEach(() => start());
afterEach(stop);

describe('the proxy', () => {
  test('answers for any registry with a matching certificate and keeps the connection open', async () => {
    expect((await client.ask(V2_URL)).status).toBe(401);
    expect((await client.ask(V2_URL)).status).toBe(401);
    expect((await client.ask('https://fabrikam.azurecr.cn/v2/')).status).toBe(401);
    expect(emulator.connects).toEqual([`${LOGIN_SERVER}:443`, 'fabrikam.azurecr.cn:443']);
  });

  test('records requests with their status until they are reset', async () => {
    await client.post(`${TOKEN_URL}?client-request-id=abc`, secretForm());
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
  ])('refuses a tunnel to %s and records the CONNECT', async (url) => {
    await expect(client.ask(url)).rejects.toThrow();
    const { hostname, port } = new URL(url);
    expect(emulator.connects).toEqual([`${hostname}:${port || 443}`]);
    expect(emulator.requests).toEqual([]);
  });

  test('refuses a missing registry, under its regional name too', async () => {
    emulator.state.missingRegistries.add(LOGIN_SERVER);
    await expect(client.ask(V2_URL)).rejects.toThrow();
    await expect(client.ask('https://contoso.eastus.geo.azurecr.io/v2/')).rejects.toThrow();
    expect((await client.ask('https://fabrikam.azurecr.io/v2/')).status).toBe(401);
  });

  test('answers for a host that a test added', async () => {
    emulator.state.extraHosts.set('images.contoso.com', { kind: 'acr', loginServer: LOGIN_SERVER });
    const { headers } = await client.ask('https://images.contoso.com/v2/');
    expect(headers['www-authenticate']).toBe(
      `Bearer realm="https://images.contoso.com/oauth2/token",service="${LOGIN_SERVER}"`,
    );
  });

  test.each(['http://contoso.azurecr.io/v2/', 'http://169.254.169.254/metadata?secret=1'])(
    'refuses the plain-text request %s and records it',
    async (url) => {
      const { hostname, pathname } = new URL(url);
      const answer = await sendRaw(`GET ${url} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 502 /);
      expect(emulator.requests).toMatchObject([{ scheme: 'http', host: hostname, path: pathname, status: 502 }]);
    },
  );

  test('answers 421 inside the tunnel of another host and records the requested host', async () => {
    expect((await client.ask(V2_URL, { headers: { host: 'example.com' } })).status).toBe(421);
    expect(emulator.requests).toMatchObject([{ host: 'example.com', status: 421 }]);
  });

  test.each([
    ['malformed input', 'rubbish\r\n\r\n'],
    ['half a CONNECT', 'CONNECT contoso.azurecr.io:443 HTTP/1.1\r\n'],
    ['a tunnel without TLS', 'CONNECT contoso.azurecr.io:443 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
  ])('survives a client that sends %s and hangs up', async (_what, text) => {
    await new Promise<void>((resolve) => {
      const socket = connectToProxy(emulator);
      socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), 20));
      socket.on('error', () => undefined).on('close', () => resolve());
    });
    expect((await client.ask(V2_URL)).status).toBe(401);
  });

  test('survives a client that hangs up while it waits for its answer', async () => {
    const remove = emulator.inject({ delayMs: 60 });
    const tunnel = await openTunnel(emulator, LOGIN_SERVER);
    tunnel.on('error', () => undefined);
    tunnel.write(`GET /v2/ HTTP/1.1\r\nHost: ${LOGIN_SERVER}\r\n\r\n`);
    await expect.poll(() => emulator.requests.length).toBe(1);
    tunnel.destroy();
    remove();
    expect((await client.ask(V2_URL)).status).toBe(401);
  });

  test('offers only HTTP/1.1, with a certificate that names the host', async () => {
    const tunnel = await openTunnel(emulator, LOGIN_SERVER, ['h2', 'http/1.1']);
    expect(tunnel.alpnProtocol).toBe('http/1.1');
    expect(tunnel.getPeerCertificate().subjectaltname).toBe(`DNS:${LOGIN_SERVER}`);
    tunnel.destroy();
  });

  test('reports requests, tunnels and secrets to another process', async () => {
    await client.ask(V2_URL);
    const own = async (method: 'GET' | 'DELETE', path: string): Promise<string> =>
      (await request(`${emulator.proxyUrl}${path}`, { method })).body.text();
    expect(JSON.parse(await own('GET', '/_emulator/requests'))).toMatchObject([{ host: LOGIN_SERVER, status: 401 }]);
    expect(JSON.parse(await own('GET', '/_emulator/connects'))).toEqual([`${LOGIN_SERVER}:443`]);
    expect(JSON.parse(await own('GET', '/_emulator/secrets'))).toContain(CLIENT_SECRET);
    await own('DELETE', '/_emulator/requests');
    expect(emulator.requests).toEqual([]);
    expect((await request(`${emulator.proxyUrl}/nowhere`)).statusCode).toBe(404);
  });

  test('removes its folder when it closes with clients still connected', async () => {
    await client.ask(V2_URL);
    await emulator.close();
    await expect(access(emulator.caFile)).rejects.toThrow('ENOENT');
  });
});

describe('time in the emulator', () => {
  test('follows a clock that moves while the emulator runs', async () => {
    let now = 1_900_000_000;
    await stop();
    await start({ now: () => now });
    const bearer = await client.bearerFor('repository:hello:pull');
    expect(decodeToken(bearer.slice('Bearer '.length))?.claims).toMatchObject({ iat: now, exp: now + 4500 });
    expect((await client.ask(V2_URL, { headers: { authorization: bearer } })).status).toBe(200);
    now += 4500;
    const late = await client.ask(V2_URL, { headers: { authorization: bearer } });
    expect(late.status).toBe(401);
    expect(late.headers['date']).toBe(new Date(now * 1000).toUTCString());
  });

  test('includes a round trip for CONNECT, for TLS and for each answer', async () => {
    await stop();
    await start({ roundTripMs: 40 });
    const startedAt = performance.now();
    await client.ask(V2_URL);
    const first = performance.now() - startedAt;
    await client.ask(V2_URL);
    const second = performance.now() - startedAt - first;
    // Timers may be up to a millisecond early.
    expect(first).toBeGreaterThanOrEqual(3 * 39);
    expect(second).toBeGreaterThanOrEqual(39);
    expect(emulator.connects).toHaveLength(1);
  });
});

describe('an Entra token issued without a request', () => {
  test('passes the exchange and counts as a secret', async () => {
    const token = emulator.entraToken({ audience: 'https://management.azure.com' });
    const form = { grant_type: 'access_token', service: LOGIN_SERVER, access_token: token };
    expect((await client.post(`https://${LOGIN_SERVER}/oauth2/exchange`, form)).status).toBe(200);
    expect(emulator.secrets).toContain(token);
  });
});

/** Sends raw text to the proxy's port and returns what comes back. */
function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connectToProxy(emulator);
    socket.write(text);
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.on('error', reject).on('close', () => resolve(received));
  });
}
