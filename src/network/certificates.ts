/** Which certificates are trusted. */

import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from 'node:tls';
import { CredentialError, describeCause } from '../errors.ts';
import { readForeignFile } from '../system/files.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';

/** Node's own list and `NODE_EXTRA_CA_CERTS`, or the system's store as well. */
export type Trust = 'bundled' | 'system';

const MAX_CERTIFICATES_BYTES = 8 * 1024 * 1024;

/** What Node says of a certificate whose issuer it does not know, as behind a proxy that opens TLS. */
export const UNTRUSTED_CODES: readonly string[] = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/**
 * The list to begin with. Reading the system's takes 30 ms, and the public certificates of Azure are Node's own: so
 * the system is asked only when an issuer is unknown, or when it is the only list that the person named.
 */
export function chooseTrust(runtime: Runtime): Trust {
  const namesSystem = readVariable(runtime, 'SSL_CERT_FILE') ?? readVariable(runtime, 'SSL_CERT_DIR');
  return namesSystem !== undefined && readVariable(runtime, 'NODE_EXTRA_CA_CERTS') === undefined ? 'system' : 'bundled';
}

/** @throws CONFIG_INVALID when `NODE_EXTRA_CA_CERTS` names what cannot be used. */
export function createTrust(runtime: Runtime, trust: Trust): SecureContext {
  const file = readVariable(runtime, 'NODE_EXTRA_CA_CERTS');
  const extra = file === undefined ? undefined : readCertificates(file);
  // Node has read the file when it started, and parses a list of its own once and faster than one that is given.
  if (trust === 'bundled' && (extra === undefined || isLoaded(extra))) return createSecureContext();
  const system = trust === 'system' ? getCACertificates('system') : [];
  return createSecureContext({ ca: [...rootCertificates, ...system, ...(extra === undefined ? [] : [extra])] });
}

function isLoaded(certificates: string): boolean {
  const loaded = getCACertificates('extra');
  const text = certificates.replaceAll('\r', '');
  return loaded.length > 0 && loaded.every((certificate) => text.includes(certificate.trim()));
}

function readCertificates(file: string): string {
  try {
    const text = readForeignFile(file, MAX_CERTIFICATES_BYTES);
    if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text;
    throw new Error(text === undefined ? 'there is no such file' : 'it holds no certificate');
  } catch (cause) {
    throw new CredentialError('CONFIG_INVALID', `Cannot use NODE_EXTRA_CA_CERTS ${file}: ${describeCause(cause)}`, {
      hint: 'set NODE_EXTRA_CA_CERTS to a PEM file, or unset it',
    });
  }
}
