/** Direct connections to servers nearby: which certificates they accept. */
import { createHash, X509Certificate } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDirectConnections, type DirectConnection } from '../../../src/network/direct-connections.ts';
import { createCertificateAuthority, createClientCertificate } from '../../emulator/certificates.ts';
import { makeRuntime } from '../runtime.ts';

vi.setConfig({ testTimeout: 20_000 });

const toClose: (() => void)[] = [];
let own: { readonly certificatePem: string; readonly privateKeyPem: string };
beforeAll(async () => {
  own = await createClientCertificate('near by');
});
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

async function listen(server: Server, address = '127.0.0.1'): Promise<number> {
  const clients = new Set<Socket>();
  server.on('connection', (client: Socket) => clients.add(client.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  toClose.push(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  const listening = server.address();
  return typeof listening === 'object' ? (listening?.port ?? 0) : 0;
}

async function open(direct: DirectConnection, origin: string): Promise<Socket> {
  const connections = createDirectConnections(makeRuntime(), direct);
  toClose.push(() => connections.close());
  return await connections.open(origin);
}

/** A server that clients recognise by its certificate alone, and what it has received. */
async function servePinned(): Promise<{ readonly origin: string; readonly sha1: string; readonly heard: string[] }> {
  const heard: string[] = [];
  const server = createTlsServer({ key: own.privateKeyPem, cert: own.certificatePem }, (client: TLSSocket) => {
    client.on('error', () => {}).on('data', (text) => heard.push(String(text)));
  });
  const sha1 = createHash('sha1').update(new X509Certificate(own.certificatePem).raw).digest('hex');
  return { origin: `https://127.0.0.1:${await listen(server)}`, sha1, heard };
}

describe('a connection with a pinned certificate', () => {
  test('opens when the server shows that certificate, whoever issued it', async () => {
    const { origin, sha1 } = await servePinned();
    expect((await open({ certificateSha1: sha1 }, origin)).writable).toBe(true);
  });

  test('sends nothing when the server shows another one', async () => {
    const { origin, sha1, heard } = await servePinned();
    await expect(open({ certificateSha1: sha1.replace(/./g, '0') }, origin)).rejects.toMatchObject({
      code: 'ERR_TLS_CERTIFICATE_THUMBPRINT',
    });
    expect(heard).toEqual([]);
  });

  test('is refused without TLS', async () => {
    let connected = 0;
    const port = await listen(createServer(() => (connected += 1)));
    await expect(open({ certificateSha1: '0'.repeat(40) }, `http://127.0.0.1:${port}`)).rejects.toThrow(
      'needs an https URL',
    );
    expect(connected).toBe(0);
  });
});

describe('a connection with a given authority', () => {
  const rows: readonly (readonly [what: string, isTrusted: boolean, serverName: string | undefined, code?: string])[] =
    [
      ['opens to a server that has the name in the URL', true, undefined],
      ['opens to a server that has the given name', true, 'proxy.internal'],
      ['rejects a server of another authority', false, undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ];
  for (const [what, isTrusted, serverName, code] of rows) {
    test(what, async () => {
      const authority = await createCertificateAuthority();
      const asked: string[] = [];
      const server = createTlsServer({
        SNICallback: (name, done) => {
          asked.push(name);
          authority.contextFor(name).then((context) => done(null, context), done);
        },
      });
      const port = await listen(server.on('tlsClientError', () => {}));
      const certificates = isTrusted ? authority.pem : own.certificatePem;
      const direct = { certificates, ...(serverName === undefined ? {} : { serverName }) };
      const opened = open(direct, `https://localhost:${port}`);
      if (code === undefined) expect((await opened).writable).toBe(true);
      else await expect(opened).rejects.toMatchObject({ code });
      expect(asked).toEqual([serverName ?? 'localhost']);
    });
  }

  test('rejects a server whose certificate has another name', async () => {
    const authority = await createCertificateAuthority();
    const other = await authority.contextFor('other.internal');
    const server = createTlsServer({ SNICallback: (_name, done) => done(null, other) });
    const port = await listen(server.on('tlsClientError', () => {}));
    const opened = open({ certificates: authority.pem }, `https://localhost:${port}`);
    await expect(opened).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });
});

describe('a connection with a client certificate', () => {
  /** What the server learns of who connects. */
  async function learnName(direct: DirectConnection): Promise<string | undefined> {
    const authority = await createCertificateAuthority();
    const learned = Promise.withResolvers<string | undefined>();
    const server = createTlsServer(
      {
        ...{ requestCert: true, rejectUnauthorized: false },
        SNICallback: (name, done) => {
          authority.contextFor(name).then((context) => done(null, context), done);
        },
      },
      (client: TLSSocket) => {
        const { CN } = client.getPeerCertificate().subject ?? {};
        learned.resolve(typeof CN === 'string' ? CN : undefined);
      },
    );
    const port = await listen(server.on('tlsClientError', learned.reject));
    await open({ certificates: authority.pem, ...direct }, `https://localhost:${port}`);
    return await learned.promise;
  }

  test('shows it to the server', async () => {
    const clientCertificate = { certificate: own.certificatePem, key: own.privateKeyPem };
    expect(await learnName({ clientCertificate })).toBe('near by');
  });

  test('shows none without it', async () => {
    expect(await learnName({})).toBeUndefined();
  });

  test('fails before it connects when the key is none', async () => {
    const clientCertificate = { certificate: own.certificatePem, key: 'no key' };
    await expect(learnName({ clientCertificate })).rejects.toThrow();
  });
});

test('open connects to an IPv6 address', async () => {
  const port = await listen(createServer(), '::1');
  expect((await open({}, `http://[::1]:${port}`)).remoteAddress).toBe('::1');
});

test('close rejects at once an open that waits for TLS, and every later one', async () => {
  const origin = `https://localhost:${await listen(createServer())}`;
  const connections = createDirectConnections(makeRuntime(), {});
  const opened = expect(connections.open(origin)).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const closedMs = performance.now();
  connections.close();
  await opened;
  expect(performance.now() - closedMs).toBeLessThan(1_000);
  await expect(connections.open(origin)).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});
