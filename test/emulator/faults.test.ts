import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Emulator, startEmulator } from './emulator.ts';
import type { Fault } from './faults.ts';
import { createProxiedClient, member, type ProxiedClient, TOKEN_URL, V2_URL } from './proxied-client.ts';
import { CLIENT_SECRET } from './state.ts';
import { LOGIN_SERVER, secretForm } from './test-client.ts';

let emulator: Emulator;
let client: ProxiedClient;

beforeEach(async () => {
  emulator = await startEmulator();
  client = await createProxiedClient(emulator);
});

afterEach(async () => {
  await emulator.close();
  await client.close();
});

describe('a fault', () => {
  test('replaces the answer of the named host as many times as configured', async () => {
    emulator.inject({ host: LOGIN_SERVER, status: 429, headers: { 'Retry-After': '2' }, body: 'slow down', times: 2 });
    const { status, headers, body } = await client.ask(V2_URL);
    expect([status, headers['retry-after'], body.toString()]).toEqual([429, '2', 'slow down']);
    expect((await client.ask('https://fabrikam.azurecr.io/v2/')).status).toBe(401);
    expect((await client.ask(V2_URL)).status).toBe(429);
    expect((await client.ask(V2_URL)).status).toBe(401);
    expect(emulator.requests.map((seen) => seen.status)).toEqual([429, 401, 429, 401]);
  });

  test('takes precedence over a fault injected later', async () => {
    emulator.inject({ status: 500, times: 1 });
    emulator.inject({ status: 503, times: 1 });
    expect([(await client.ask(V2_URL)).status, (await client.ask(V2_URL)).status]).toEqual([500, 503]);
  });

  test('no longer applies after it is removed', async () => {
    const remove = emulator.inject({ status: 500 });
    expect((await client.ask(V2_URL)).status).toBe(500);
    remove();
    expect((await client.ask(V2_URL)).status).toBe(401);
  });

  test.each<[string, Fault]>([
    ['destroys the socket', { reset: true }],
    ['cuts the body short', { truncate: 5 }],
    ['cuts a chunked body short', { truncate: 0, headers: { 'Transfer-Encoding': 'chunked' }, body: 'abc' }],
    ['destroys the socket at CONNECT', { at: 'connect', reset: true }],
    ['refuses the CONNECT', { at: 'connect', status: 407 }],
  ])('%s', async (_what, fault) => {
    emulator.inject({ ...fault, times: 1 });
    await expect(client.ask(V2_URL)).rejects.toThrow();
    expect((await client.ask(V2_URL)).status).toBe(401);
  });

  test.each<[string, Fault, boolean]>([
    ['does not apply to another host', { host: 'fabrikam.azurecr.io' }, false],
    ['does not match a part of the host name', { host: 'contoso' }, false],
    ['matches the host by pattern', { host: /^contoso\./g }, true],
    ['does not apply to another path', { path: '/v2' }, false],
    ['matches the path by pattern', { path: /^\/v2/ }, true],
    ['does not apply to another method', { method: 'POST' }, false],
    ['matches the method in lower case', { method: 'get' }, true],
    ['does not apply to a CONNECT to another host', { at: 'connect', host: 'fabrikam.azurecr.io' }, false],
  ])('%s', async (_what, fault, isMet) => {
    emulator.inject({ ...fault, status: 500 });
    expect((await client.ask(V2_URL)).status).toBe(isMet ? 500 : 401);
    expect((await client.ask(V2_URL)).status).toBe(isMet ? 500 : 401);
  });

  test('delays an otherwise unchanged answer', async () => {
    emulator.inject({ delayMs: 60 });
    const startedAt = performance.now();
    expect((await client.ask(V2_URL)).status).toBe(401);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
  });

  test('redirects the request with 307', async () => {
    emulator.inject({ path: '/oauth2/exchange', redirectTo: 'https://evil.example.com/' });
    const { status, headers } = await client.post(`https://${LOGIN_SERVER}/oauth2/exchange`, { access_token: 'x' });
    expect([status, headers['location']]).toEqual([307, 'https://evil.example.com/']);
  });

  test('echoes the request body in its error', async () => {
    emulator.inject({ host: /^login\./, method: 'post', echo: true });
    const answer = await client.post(TOKEN_URL, secretForm());
    expect(answer.status).toBe(400);
    expect(member(answer, 'error_description')).toContain(`${new URLSearchParams({ client_secret: CLIENT_SECRET })}`);
  });

  test('changes the headers of the answer of the service', async () => {
    emulator.inject({
      tamper: (response) => ({
        ...response,
        headers: { ...response.headers, 'Www-Authenticate': ['Bearer realm="http://evil/"', 'Basic realm="x"'] },
      }),
    });
    const { headers } = await client.ask(V2_URL);
    expect(headers['www-authenticate']).toEqual(['Bearer realm="http://evil/"', 'Basic realm="x"']);
  });
});
