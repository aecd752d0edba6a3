/**
 * The signed statement by which an application proves that it has the key of its certificate.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */

import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import type { ClientCertificate } from './certificate-file.ts';

/** A clock that is ahead of Entra's would make a statement of the future; Entra allows for five minutes itself. */
const BACKDATED_SECONDS = 240;
const LIFE_SECONDS = 600;

export interface AssertionClaims {
  readonly clientId: string;
  /** The URL that the assertion is sent to. */
  readonly tokenEndpoint: string;
  readonly nowSeconds: number;
  /** Whether Entra is to judge by the certificate's issuer and subject, for which it has to see the certificate. */
  readonly sendChain: boolean;
}

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
