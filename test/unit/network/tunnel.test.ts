/** The tunnel through a proxy, and what a proxy may answer instead of opening one. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { TimeoutError } from '../../../src/network/sockets.ts';
import { openTunnel, ProxyRefusal } from '../../../src/network/tunnel.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

interface Attempt {
  readonly outcome: Socket | unknown;
  readonly asked: string;
}

/** Asks a proxy that answers with these chunks; without any it stays silent, and for `undefined` it hangs up. */
async function ask(
  chunks: readonly (string | undefined)[],
  proxy = 'http://proxy:3128',
  timeoutMs = 5_000,
): Promise<Attempt> {
  let asked = '';
  const server = createServer((client) => {
    sockets.push(client);
    client.on('error', () => undefined);
    client.once('data', (data) => {
      asked = data.toString('latin1');
      for (const chunk of chunks) {
        if (chunk === undefined) client.end();
        else client.write(chunk, 'latin1');
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has a port');
  const socket = connect(address.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  const outcome = await openTunnel(socket, new URL(proxy), 'myregistry.azurecr.io:443', timeoutMs).catch(
    (cause: unknown) => cause,
  );
  if (outcome === socket) expect(socket.destroyed).toBe(false);
  else expect(socket.destroyed).toBe(true);
  return { outcome: outcome === socket ? 'open' : outcome, asked };
}

test.each([
  [['HTTP/1.1 200 Connection established\r\n\r\n']],
  [['HTTP/1.0 200 OK\r\nVia: x\r\nX: y\r\n\r\n']],
  [['HTTP/1.1 2', '00 OK\r', '\n\r', '\n']],
])('a response of %j opens the tunnel', async (chunks) => {
  const { outcome, asked } = await ask(chunks);
  expect(outcome).toBe('open');
  expect(asked).toBe('CONNECT myregistry.azurecr.io:443 HTTP/1.1\r\nHost: myregistry.azurecr.io:443\r\n\r\n');
});

test('the CONNECT request carries the user and the password of the proxy URL', async () => {
  const { asked } = await ask(['HTTP/1.1 200 OK\r\n\r\n'], 'http://us%65r:pass%20word@proxy:3128');
  expect(asked).toContain(`Proxy-Authorization: Basic ${Buffer.from('user:pass word').toString('base64')}\r\n`);
});

test.each([403, 407, 502, 503, 301, 100])('a response with status %i is a refusal', async (status) => {
  const { outcome } = await ask([`HTTP/1.1 ${status} No\r\nContent-Length: 4\r\n\r\nbody`]);
  expect(outcome).toBeInstanceOf(ProxyRefusal);
  expect(outcome).toMatchObject({ status });
});

test.each([
  ['a response that is not HTTP', ['SSH-2.0-OpenSSH\r\n\r\n']],
  ['a response without a status', ['HTTP/1.1 abc\r\n\r\n']],
])('%s counts as a refusal with status 0', async (_name, chunks) => {
  expect((await ask(chunks)).outcome).toMatchObject({ name: 'ProxyRefusal', status: 0 });
});

test('a proxy that hangs up is reported as ECONNRESET', async () => {
  expect((await ask([undefined])).outcome).toMatchObject({ code: 'ECONNRESET' });
});

test('a response whose head does not end is cut off', async () => {
  const { outcome } = await ask([`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`]);
  expect(outcome).toMatchObject({ message: 'the response of the proxy is too large' });
});

test('a proxy that sends more than its own response is refused', async () => {
  const { outcome } = await ask(['HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n']);
  expect(outcome).toMatchObject({ message: 'the proxy sent unexpected data' });
});

test('a proxy that stays silent is given up after the timeout', async () => {
  expect((await ask([], 'http://proxy', 50)).outcome).toBeInstanceOf(TimeoutError);
});
