/** Connections to a server that is known by its very certificate instead of by who issued it. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';

/** The code of the error when another certificate is shown. */
export const UNEXPECTED_CERTIFICATE = 'ERR_TLS_CERTIFICATE_THUMBPRINT';

/**
 * Makes a connector that hands out a connection only when its certificate is the expected one: before that, nothing of
 * a request is sent.
 * @param certificateSha1 40 lower-case hexadecimal digits, the SHA-1 of the certificate's DER.
 */
export function createPinnedConnector(certificateSha1: string, timeoutMs: number): buildConnector.connector {
  return ({ hostname, port, protocol }, callback) => {
    if (protocol !== 'https:') {
      callback(new Error('a certificate is expected where there is no TLS'), null);
      return;
    }
    // Node sends no server name for an address, and checks nothing but what is checked below.
    const socket = connect({
      host: hostname,
      port: port === '' ? 443 : Number(port),
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      timeout: timeoutMs,
    });
    let isSettled = false;
    const fail = (cause: Error) => {
      if (isSettled) return;
      isSettled = true;
      socket.destroy();
      callback(cause, null);
    };
    socket.on('error', fail);
    socket.once('timeout', () => fail(Object.assign(new Error('the connection timed out'), { code: 'ETIMEDOUT' })));
    socket.once('secureConnect', () => {
      if (isSettled) return;
      if (!hasCertificate(socket, certificateSha1)) {
        const cause = new Error('the server shows another certificate than the expected one');
        fail(Object.assign(cause, { code: UNEXPECTED_CERTIFICATE }));
        return;
      }
      isSettled = true;
      socket.setTimeout(0);
      socket.setNoDelay(true);
      callback(null, socket);
    });
  };
}

function hasCertificate(socket: TLSSocket, sha1: string): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return false;
  const digest = createHash('sha1').update(certificate.raw).digest();
  const expected = Buffer.from(sha1, 'hex');
  return digest.length === expected.length && timingSafeEqual(digest, expected);
}
