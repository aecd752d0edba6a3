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
  test('answers in place of the service, as often as it is told to', async () => {
    emulator.inject({ host: LOGIN_SERVER, status: 429, headers: { 'Retry-After': '2' }, body: 'slow down', times: 2 });
    const { status, headers, body } = await client.ask(V2_URL);
    expect([status, headers['retry-after'], body.toString()]).toEqual([429, '2', 'slow down']);
    expect((await client.ask('https://fabrikam.azurecr.io/v2/')).status).toBe(401);
    expect((await client.ask(V2_URL)).status).toBe(429);
    expect((await client.ask(V2_URL)).status).toBe(401);
    expect(emulator.requests.map((seen) => seen.status)).toEqual([429, 401, 429, 401]);
  });

  test('comes before those that were injected after it', async () => {
    emulator.inject({ status: 500, times: 1 });
    emulator.inject({ status: 503, times: 1 });
    expect([(await client.ask(V2_URL)).status, (await client.ask(V2_URL)).status]).toEqual([500, 503]);
  });

  test('is gone when it is removed', async () => {
    const remove = emulator.inject({ status: 500 });
    expect((await client.ask(V2_URL)).status).toBe(500);
    remove();
    expect((await client.ask(V2_URL)).status).toBe(401);
  });

  test.each<[string, Fault]>([
    ['destroys the socket', { reset: true }],
    ['cuts the body', { truncate: 5 }],
    ['cuts a body that comes in chunks', { truncate: 0, headers: { 'Transfer-Encoding': 'chunked' }, body: 'abc' }],
    ['destroys the socket at CONNECT', { at: 'connect', reset: true }],
    ['refuses the CONNECT', { at: 'connect', status: 407 }],
  ])('%s', async (_what, fault) => {
    emulator.inject({ ...fault, times: 1 });
    await expect(client.ask(V2_URL)).rejects.toThrow();
    expect((await client.ask(V2_URL)).status).toBe(401);
  });

  test.each<[string, Fault, boolean]>([
    ['another host', { host: 'fabrikam.azurecr.io' }, false],
    ['a part of the host', { host: 'contoso' }, false],
    ['a pattern of the host', { host: /^contoso\./g }, true],
    ['another path', { path: '/v2' }, false],
    ['a pattern of the path', { path: /^\/v2/ }, true],
    ['another method', { method: 'POST' }, false],
    ['the method in lower case', { method: 'get' }, true],
    ['a CONNECT', { at: 'connect', host: 'fabrikam.azurecr.io' }, false],
  ])('that names %s meets the request or not', async (_what, fault, isMet) => {
    emulator.inject({ ...fault, status: 500 });
    expect((await client.ask(V2_URL)).status).toBe(isMet ? 500 : 401);
    expect((await client.ask(V2_URL)).status).toBe(isMet ? 500 : 401);
  });

  test('delays an answer that is otherwise as ever', async () => {
    emulator.inject({ delayMs: 60 });
    const startedAt = performance.now();
    expect((await client.ask(V2_URL)).status).toBe(401);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
  });

  test('redirects', async () => {
    emulator.inject({ path: '/oauth2/exchange', redirectTo: 'https://evil.example.com/' });
    const { status, headers } = await client.post(`https://${LOGIN_SERVER}/oauth2/exchange`, { access_token: 'x' });
    expect([status, headers['location']]).toEqual([307, 'https://evil.example.com/']);
  });

  test('echoes what it was sent', async () => {
    emulator.inject({ host: /^login\./, method: 'post', echo: true });
    const answer = await client.post(TOKEN_URL, secretForm());
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
    const { headers } = await client.ask(V2_URL);
    expect(headers['www-authenticate']).toEqual(['Bearer realm="http://evil/"', 'Basic realm="x"']);
  });
});
