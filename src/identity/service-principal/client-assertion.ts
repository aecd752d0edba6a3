/**
 * The signed JWT by which an application proves that it has the private key of its certificate.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */

import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import type { ClientCertificate } from './certificate-file.ts';

/** Without this, a clock that is ahead would make Entra reject the assertion. Entra itself tolerates five minutes. */
const BACKDATED_SECONDS = 240;
const LIFE_SECONDS = 600;

/** What an assertion contains. */
export interface AssertionClaims {
  readonly clientId: string;
  /** The URL that the assertion is sent to: its audience. */
  readonly tokenEndpoint: string;
  readonly nowSeconds: number;
  /** Whether to include the certificates, so that Entra can check their issuer and subject. */
  readonly sendChain: boolean;
}

/**
 * Signs an assertion that is valid for ten minutes.
 * @returns a JWT.
 */
export async function signClientAssertion(
  { key, thumbprint, chain }: ClientCertificate,
  { clientId, tokenEndpoint, nowSeconds, sendChain }: AssertionClaims,
): Promise<string> {
  const now = Math.floor(nowSeconds);
  return await new SignJWT()
    .setProtectedHeader({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': thumbprint,
      ...(sendChain ? { x5c: [...chain] } : {}),
    })
    .setAudience(tokenEndpoint)
    .setIssuer(clientId)
    .setSubject(clientId)
    .setJti(randomUUID())
    .setNotBefore(now - BACKDATED_SECONDS)
    .setIssuedAt(now - BACKDATED_SECONDS)
    .setExpirationTime(now + LIFE_SECONDS)
    .sign(key);
}
