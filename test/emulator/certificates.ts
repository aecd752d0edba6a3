/** A throw-away certificate authority, the leaf certificates of the hosts it answers for, and client certificates for tests. */
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import './reflect-metadata.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { ClientCertificate } from './state.ts';

// P-256 keys are made in under a millisecond, where RSA takes a hundred.
const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const VALIDITY = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-12-31T00:00:00Z') };

export interface CertificateAuthority {
  readonly pem: string;
  /** The context of a leaf certificate for `host`, created on first use. */
  contextFor(host: string): Promise<SecureContext>;
}

export async function createCertificateAuthority(): Promise<CertificateAuthority> {
  const keys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const leafKeys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const authority = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Throw-away authority of the Azure emulator',
    ...VALIDITY,
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const leafKeyPem = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey), 'PRIVATE KEY');

  const mint = async (host: string): Promise<SecureContext> => {
    const leaf = await X509CertificateGenerator.create({
      serialNumber: createHash('sha256').update(host).digest('hex').slice(0, 30).replace(/^./, '1'),
      // A common name holds 64 characters at most; the alternative name is what counts.
      subject: 'CN=Azure emulator',
      issuer: authority.subject,
      ...VALIDITY,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: SIGNING,
      extensions: [
        new SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        // Python 3.13 verifies strictly and asks for both identifiers.
        await AuthorityKeyIdentifierExtension.create(keys.publicKey),
        await SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
      ],
    });
    return createSecureContext({ key: leafKeyPem, cert: leaf.toString('pem') });
  };

  const contexts = new Map<string, Promise<SecureContext>>();
  return {
    pem: `${authority.toString('pem')}\n`,
    contextFor: (host) => {
      const context = contexts.get(host) ?? mint(host);
      contexts.set(host, context);
      return context;
    },
  };
}

/** A self-signed RSA certificate and its key, for an application that signs assertions. */
export async function createClientCertificate(
  name = 'docker-credential-acr test',
): Promise<{ readonly certificatePem: string; readonly privateKeyPem: string }> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    ...VALIDITY,
    keys,
    signingAlgorithm: algorithm,
  });
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n`,
  };
}

/** What Entra keeps of an uploaded certificate. */
export function parseClientCertificate(certificatePem: string): ClientCertificate {
  const certificate = new X509Certificate(certificatePem);
  return {
    thumbprint: createHash('sha256').update(certificate.raw).digest('base64url'),
    sha1Thumbprint: createHash('sha1').update(certificate.raw).digest('base64url'),
    publicKey: certificate.publicKey,
  };
}
