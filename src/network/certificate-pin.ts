/** Certificate pinning: accepts a server for its certificate alone, whoever issued it. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** The code of the error for a server that presents another certificate. */
export const UNEXPECTED_CERTIFICATE = 'ERR_TLS_CERTIFICATE_THUMBPRINT';

/**
 * Closes a connection whose server presents a certificate other than the expected one.
 * @param socket after the handshake, with nothing sent on it yet.
 * @param certificateSha1 40 lower-case hexadecimal digits, the SHA-1 of the certificate's DER.
 * @throws an error with the code `UNEXPECTED_CERTIFICATE`.
 */
export function assertCertificate(socket: TLSSocket, certificateSha1: string): void {
  if (hasCertificate(socket, certificateSha1)) return;
  socket.destroy();
  const cause = new Error('the server presented an unexpected certificate');
  throw Object.assign(cause, { code: UNEXPECTED_CERTIFICATE });
}

function hasCertificate(socket: TLSSocket, sha1: string): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return false;
  const digest = createHash('sha1').update(certificate.raw).digest();
  const expected = Buffer.from(sha1, 'hex');
  return digest.length === expected.length && timingSafeEqual(digest, expected);
}
