/** Waiting for a socket to connect, and closing all sockets together. */
import { createServer, Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ClosedError, HangUpError, readHost, Sockets, waitForEvent } from '../../../src/network/sockets.ts';

test('close rejects whatever waits for a socket with a ClosedError', async () => {
  const sockets = new Sockets();
  const waiting = waitForEvent(
    sockets.add(() => new Socket()),
    'connect',
  );
  sockets.close();
  await expect(waiting).rejects.toBeInstanceOf(ClosedError);
});

test('settle rejects with a HangUpError when the socket closes without an error', async () => {
  const socket = new Socket();
  const waiting = waitForEvent(socket, 'secureConnect');
  socket.destroy();
  await expect(waiting).rejects.toBeInstanceOf(HangUpError);
});

test('add refuses to open a socket after close', () => {
  const sockets = new Sockets();
  sockets.close();
  let isOpened = false;
  const open = () => {
    isOpened = true;
    return new Socket();
  };
  expect(() => sockets.add(open)).toThrow(ClosedError);
  expect(isOpened).toBe(false);
});

test('settle resolves when the socket connects, and close destroys the socket later', async () => {
  const server = createServer((client) => client.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const sockets = new Sockets();
  const socket = sockets.add(() => new Socket().connect(port, '127.0.0.1'));
  await waitForEvent(socket, 'connect');
  sockets.close();
  expect(socket.destroyed).toBe(true);
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  ['https://localhost:1', 'localhost'],
  ['http://127.0.0.1/x', '127.0.0.1'],
  ['https://[::1]:443', '::1'],
])('readHost returns the host of %s as %s', (url, host) => {
  expect(readHost(new URL(url))).toBe(host);
});
