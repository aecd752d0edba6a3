/** Connections straight to a server on this machine or in this cluster, past every proxy. */

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { ConnectionSource } from './request-sender.ts';
import { readHost, readPort, Sockets, waitForEvent } from './sockets.ts';

/** A server that is reached past every proxy. */
export interface DirectConnection {
  /** PEM certificates that are trusted instead of the machine's. */
  readonly certificates?: string;
  /** The name that the server's certificate has, where it is not the URL's. */
  readonly serverName?: string;
  /** The SHA-1 of the one certificate that it may show, whoever issued that: 40 lower-case hexadecimal digits. */
  readonly certificateSha1?: string;
}

export function createDirectConnections(direct: DirectConnection): ConnectionSource {
  const sockets = new Sockets();
  let prepared: Promise<OpenTls> | undefined;
  return {
    isDirect: true,
    open: async (origin) => {
      const url = new URL(origin);
      const address = { host: readHost(url), port: readPort(url) };
      if (url.protocol === 'https:') {
        prepared ??= prepareTls(direct);
        return await (await prepared)(address, sockets);
      }
      if (direct.certificateSha1 !== undefined) throw new Error('a certificate is expected where there is no TLS');
      const socket = sockets.add(() => connectTcp({ ...address, noDelay: true }));
      await waitForEvent(socket, 'connect');
      return socket;
    },
    close: () => sockets.close(),
  };
}

type OpenTls = (address: { readonly host: string; readonly port: number }, sockets: Sockets) => Promise<Socket>;

/**
 * TLS is loaded only where it is spoken: most of these servers do not.
 * @throws the system's error when the certificates cannot be read.
 */
async function prepareTls({ certificates, serverName, certificateSha1 }: DirectConnection): Promise<OpenTls> {
  const isPinned = certificateSha1 !== undefined;
  const trusted =
    certificates === undefined ? undefined : (await import('node:tls')).createSecureContext({ ca: certificates });
  return async ({ host, port }, sockets) => {
    const { connect } = await import('node:tls');
    const name = serverName ?? (isIP(host) === 0 ? host : undefined);
    const socket = sockets.add(() =>
      connect({
        ...{ host, port, noDelay: true, ALPNProtocols: ['http/1.1'] },
        // Who is known by the certificate itself is judged below, before anything of a request is sent.
        rejectUnauthorized: !isPinned,
        ...(trusted === undefined ? {} : { secureContext: trusted }),
        ...(name === undefined || isPinned ? {} : { servername: name }),
      }),
    );
    await waitForEvent(socket, 'secureConnect');
    if (isPinned) {
      const { assertCertificate } = await import('./certificate-pin.ts');
      assertCertificate(socket, certificateSha1);
    }
    return socket;
  };
}
