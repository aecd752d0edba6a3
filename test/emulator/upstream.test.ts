import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { type Emulator, startEmulator } from './emulator.ts';
import { type LocalRegistry, startMemoryRegistry } from './memory-registry.ts';
import { createProxiedClient, openTunnel, type ProxiedClient, V2_URL } from './proxied-client.ts';
import { LOGIN_SERVER } from './test-client.ts';

const BLOBS = `${V2_URL}team/hello/blobs`;

let emulator: Emulator;
let client: ProxiedClient;
let registry: LocalRegistry | undefined;

async function start(registryUrl?: string): Promise<void> {
  emulator = await startEmulator(registryUrl === undefined ? {} : { registryUrl });
  client = await createProxiedClient(emulator);
}

afterEach(async () => {
  await emulator.close();
  await Promise.all([client.close(), registry?.close()]);
  registry = undefined;
});

describe('the registry behind', () => {
  test('sees nothing of a request without a good bearer, and no bearer of one with it', async () => {
    const memory = await startMemoryRegistry();
    registry = memory;
    await start(memory.url);
    const body = randomBytes(300_000);
    expect((await client.ask(`${BLOBS}/uploads/`, { method: 'POST', body })).status).toBe(401);
    const headers = { authorization: await client.bearerFor('repository:team/hello:pull') };
    const refused = await client.ask(`${BLOBS}/uploads/1`, { method: 'PUT', body, headers });
    expect(refused.headers['www-authenticate']).toContain('insufficient_scope');
    expect(memory.seen).toEqual([]);
    await client.ask(V2_URL, { headers });
    expect(memory.seen).toMatchObject([{ host: LOGIN_SERVER, 'x-forwarded-proto': 'https' }]);
    expect(memory.seen[0]).not.toHaveProperty('authorization');
  });

  test.each([
    ['repository:team/hello:pull,push', '100', '202'],
    ['repository:team/hello:pull', '401', undefined],
  ])('lets a client that expects 100 and holds %s go on with %s', async (scope, first, last) => {
    registry = await startMemoryRegistry();
    await start(registry.url);
    const authorization = await client.bearerFor(scope);
    const tunnel = await openTunnel(emulator, LOGIN_SERVER);
    tunnel.write(
      `PATCH /v2/team/hello/blobs/uploads/1 HTTP/1.1\r\nHost: ${LOGIN_SERVER}\r\nAuthorization: ${authorization}\r\n` +
        'Content-Length: 4\r\nExpect: 100-continue\r\n\r\n',
    );
    const nextStatus = async () => {
      const data = await new Promise((resolve) => tunnel.once('data', resolve));
      return /^HTTP\/1\.1 (\d+)/.exec(`${data}`)?.[1];
    };
    expect(await nextStatus()).toBe(first);
    if (last === undefined) {
      // The body was not asked for, so that what follows on this connection could be either.
      await once(tunnel, 'end');
    } else {
      tunnel.write('blob');
      expect(await nextStatus()).toBe(last);
    }
    tunnel.destroy();
  });

  test('is a bad gateway when it is not there', async () => {
    await start('http://127.0.0.1:9');
    const headers = { authorization: await client.bearerFor('repository:team/hello:pull') };
    expect((await client.ask(V2_URL, { headers })).status).toBe(502);
  });

  test('survives a client that hangs up in the middle of an upload', async () => {
    registry = await startMemoryRegistry();
    await start(registry.url);
    const authorization = await client.bearerFor('repository:team/hello:pull,push');
    const tunnel = await openTunnel(emulator, LOGIN_SERVER);
    tunnel.on('error', () => undefined);
    tunnel.write(
      `PATCH /v2/team/hello/blobs/uploads/1 HTTP/1.1\r\nHost: ${LOGIN_SERVER}\r\nAuthorization: ${authorization}\r\n` +
        `Content-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`,
    );
    await expect.poll(() => emulator.requests.at(-1)?.method).toBe('PATCH');
    tunnel.destroy();
    expect((await client.ask(V2_URL, { headers: { authorization } })).status).toBe(200);
  });

  test('is an empty one when none was given', async () => {
    await start();
    const headers = { authorization: await client.bearerFor('repository:team/hello:pull registry:catalog:*') };
    const root = await client.ask(V2_URL, { headers });
    expect([root.status, root.body.toString()]).toEqual([200, '{}']);
    expect((await client.ask(`${V2_URL}team/hello/tags/list`, { headers })).status).toBe(404);
    const catalog = await client.ask(`https://${LOGIN_SERVER}/acr/v1/_catalog`, { headers });
    expect(catalog.body.toString()).toBe('{"repositories":[]}');
  });
});
