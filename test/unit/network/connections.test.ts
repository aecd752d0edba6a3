/** Connections to Azure when things go wrong: unexpected data, silence, IP addresses for names, an early close. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Connections } from '../../../src/network/connections.ts';
import { type CertificateAuthority, createCertificateAuthority } from '../../emulator/certificates.ts';
import { makeRuntime } from '../runtime.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

vi.setConfig({ testTimeout: 20_000 });

const folder = useTemporaryFolder();
const toClose: (() => void)[] = [];
let authority: CertificateAuthority;
let secureContext: SecureContext;
beforeAll(async () => {
  authority = await createCertificateAuthority();
  secureContext = await authority.contextFor('localhost');
});
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

interface RawServer {
  readonly port: number;
  /** The clients that have connected so far. */
  readonly clients: Socket[];
}

async function serve(markHelloSent: (client: Socket, nth: number) => void, address: string): Promise<RawServer> {
  const clients: Socket[] = [];
  const server = createServer((client) =>
    markHelloSent(
      client.on('error', () => {}),
      clients.push(client),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  toClose.push(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  const listening = server.address();
  return { port: typeof listening === 'object' ? (listening?.port ?? 0) : 0, clients };
}

function open(env: Readonly<Record<string, string>> = {}): Connections {
  writeFileSync(folder.path('ca.pem'), authority.pem);
  const connections = new Connections(makeRuntime({ NODE_EXTRA_CA_CERTS: folder.path('ca.pem'), ...env }));
  toClose.push(() => connections.close());
  return connections;
}

/** Speaks TLS with the certificate of `localhost`, whatever name the client asks for. */
const speakTls = (client: Socket): TLSSocket =>
  new TLSSocket(client, { isServer: true, secureContext }).on('error', () => {});

describe('a connection from preconnect', () => {
  test('is the one that open returns', async () => {
    const { port, clients } = await serve(speakTls, '127.0.0.1');
    const connections = open();
    await connections.preconnect([`https://localhost:${port}`]);
    await connections.open(`https://localhost:${port}`);
    expect(clients).toHaveLength(1);
  });

  test('is replaced by a new one when the server has already sent data on it', async () => {
    const early = 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n';
    let told: Promise<unknown> | undefined;
    const { port, clients } = await serve((client, nth) => {
      const tls = speakTls(client);
      if (nth === 1) told = once(tls, 'secure').then(() => new Promise((resolve) => tls.write(early, resolve)));
    }, '127.0.0.1');
    const connections = open();
    await connections.preconnect([`https://localhost:${port}`]);
    await told;
    await new Promise((resolve) => setTimeout(resolve, 50));
    const socket = await connections.open(`https://localhost:${port}`);
    expect([clients.length, socket.readableLength]).toEqual([2, 0]);
  });
});

describe('preconnect', () => {
  const rows: readonly (readonly [
    when: string,
    prepare: (connections: Connections, origin: string) => Promise<unknown>,
  ])[] = [
    ['a second time', (connections, origin) => connections.preconnect([origin])],
    ['after open', (connections, origin) => connections.open(origin)],
    [
      'after open took the connection of an earlier preconnect',
      async (connections, origin) => {
        await connections.preconnect([origin]);
        await connections.open(origin);
      },
    ],
  ];
  for (const [when, prepare] of rows) {
    test(`opens one connection to an origin when it is called ${when}`, async () => {
      const { port, clients } = await serve(speakTls, '127.0.0.1');
      const origin = `https://localhost:${port}`;
      const connections = open();
      await prepare(connections, origin);
      await connections.preconnect([origin]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(clients).toHaveLength(1);
    });
  }

  test('opens one connection to an origin when it is called twice at once', async () => {
    const { port, clients } = await serve(speakTls, '127.0.0.1');
    const connections = open();
    const origins = [`https://localhost:${port}`];
    await Promise.all([connections.preconnect(origins), connections.preconnect(origins)]);
    await connections.open(`https://localhost:${port}`);
    expect(clients).toHaveLength(1);
  });

  test('opens a connection to each origin', async () => {
    const servers = await Promise.all([serve(speakTls, '127.0.0.1'), serve(speakTls, '127.0.0.1')]);
    const origins = servers.map(({ port }) => `https://localhost:${port}`);
    await open().preconnect(origins);
    await vi.waitFor(() => expect(servers.map(({ clients }) => clients.length)).toEqual([1, 1]));
  });

  test('neither fails nor waits for long when a server does not answer', async () => {
    const { port } = await serve(() => {}, '127.0.0.1');
    const startedMs = performance.now();
    await open({ HTTPS_PROXY: `http://127.0.0.1:${port}` }).preconnect(['https://localhost']);
    await open().preconnect(['https://localhost:1']);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

test('open opens a second connection when the first one was taken', async () => {
  const { port, clients } = await serve(speakTls, '127.0.0.1');
  const connections = open();
  await connections.preconnect([`https://localhost:${port}`]);
  const sockets = [
    await connections.open(`https://localhost:${port}`),
    await connections.open(`https://localhost:${port}`),
  ];
  expect(new Set(sockets).size).toBe(2);
  expect(clients).toHaveLength(2);
});

describe('an IP address in a URL', () => {
  for (const [address, host] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
  ] as const) {
    test(`makes open reject a server whose certificate does not name ${host}`, async () => {
      const { port } = await serve(speakTls, address);
      await expect(open().open(`https://${host}:${port}`)).rejects.toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
        message: expect.stringContaining(`IP: ${address} `),
      });
    });

    test(`makes open reject a proxy whose certificate does not name ${host}, before it sends a password`, async () => {
      let heard = '';
      const { port } = await serve((client) => void speakTls(client).on('data', (text) => (heard += text)), address);
      const connections = open({ HTTPS_PROXY: `https://user:password@${host}:${port}` });
      await expect(connections.open('https://localhost')).rejects.toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
        message: expect.stringContaining(`IP: ${address} `),
      });
      expect(heard).toBe('');
    });
  }
});

describe('close', () => {
  const stages: readonly (readonly [stage: string, isProxy: boolean, markHelloSent: (client: Socket) => void])[] = [
    ['a server that does not speak TLS', false, () => {}],
    ['a proxy that does not answer', true, () => {}],
    [
      'a target that says nothing',
      true,
      (client) => void client.once('data', () => client.write('HTTP/1.1 200 OK\r\n\r\n')),
    ],
  ];
  for (const [stage, isProxy, markHelloSent] of stages) {
    test(`rejects at once an open that waits for ${stage}, and every later one`, async () => {
      const { port, clients } = await serve(markHelloSent, '127.0.0.1');
      const connections = open(isProxy ? { HTTPS_PROXY: `http://127.0.0.1:${port}` } : {});
      const opened = expect(connections.open(`https://localhost:${port}`)).rejects.toMatchObject({
        code: 'ERR_CLOSED',
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      const closedMs = performance.now();
      connections.close();
      await opened;
      expect(performance.now() - closedMs).toBeLessThan(1_000);
      await expect(connections.open(`https://localhost:${port}`)).rejects.toMatchObject({ code: 'ERR_CLOSED' });
      expect(clients).toHaveLength(1);
    });
  }
});
