/** Connections to a server on this machine or in this cluster, which no proxy may carry. */

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Runtime } from '../system/runtime.ts';
import { checkCertificatePaths } from './certificate-paths.ts';
import type { ConnectionSource } from './request-sender.ts';
import { readHost, readPort, Sockets, waitForEvent } from './sockets.ts';

/** How to trust a server that is reached without a proxy. */
export interface DirectConnection {
  /** PEM certificates to trust instead of the machine's. */
  readonly certificates?: string;
  /** The name in the server's certificate, if it differs from the host of the URL. */
  readonly serverName?: string;
  /** Where to connect, if not to the host of the URL. */
  readonly address?: { readonly host: string; readonly port: number };
  /** PEM texts by which this side proves who it is. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  /** The SHA-1 of the only certificate to accept, whoever issued it: 40 lower-case hexadecimal digits. */
  readonly certificateSha1?: string;
}

/**
 * Creates a source of connections that ignores the proxy variables. It opens http and https origins.
 * @returns a source whose `open` rejects when `certificateSha1` is set for an http origin, and with CONFIG_INVALID when
 * a variable names certificate authorities by a relative path.
 */
export function createDirectConnections(runtime: Runtime, direct: DirectConnection): ConnectionSource {
  const sockets = new Sockets();
  let prepared: Promise<OpenTls> | undefined;
  return {
    isDirect: true,
    open: async (origin) => {
      const url = new URL(origin);
      const address = direct.address ?? { host: readHost(url), port: readPort(url) };
      if (url.protocol === 'https:') {
        checkCertificatePaths(runtime);
        prepared ??= prepareTls(direct);
        return await (await prepared)(address, sockets);
      }
      if (direct.certificateSha1 !== undefined) throw new Error('a pinned certificate needs an https URL');
      const socket = sockets.add(() => connectTcp({ ...address, noDelay: true }));
      await waitForEvent(socket, 'connect');
      return socket;
    },
    close: () => sockets.close(),
  };
}

type OpenTls = (address: { readonly host: string; readonly port: number }, sockets: Sockets) => Promise<Socket>;

/**
 * Loads TLS only for https: most of these servers use http.
 * @throws the system's error when the certificates cannot be read.
 */
async function prepareTls({
  certificates,
  serverName,
  clientCertificate,
  certificateSha1,
}: DirectConnection): Promise<OpenTls> {
  const isPinned = certificateSha1 !== undefined;
  const trusted =
    certificates === undefined && clientCertificate === undefined
      ? undefined
      : (await import('node:tls')).createSecureContext({
          ...(certificates === undefined ? {} : { ca: certificates }),
          ...(clientCertificate === undefined
            ? {}
            : { cert: clientCertificate.certificate, key: clientCertificate.key }),
        });
  return async ({ host, port }, sockets) => {
    const { connect } = await import('node:tls');
    const name = serverName ?? (isIP(host) === 0 ? host : undefined);
    const socket = sockets.add(() =>
      connect({
        ...{ host, port, noDelay: true, ALPNProtocols: ['http/1.1'] },
        // A pinned certificate is checked below, before any part of a request is sent.
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
