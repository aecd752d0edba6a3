/** Decides which certificate authorities the program trusts. */

import tls, { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { CredentialError, describeCause } from '../errors.ts';
import { readForeignFile } from '../system/files.ts';
import { readPathVariable } from '../system/path-variable.ts';
import { type Runtime, readVariable } from '../system/runtime.ts';
import { readSystemCertificates } from './system-certificates.ts';

/** `bundled` is Node's own list and `NODE_EXTRA_CA_CERTS`; `system` adds the system's certificate store. */
export type Trust = 'bundled' | 'system';

const MAX_CERTIFICATES_BYTES = 8 * 1024 * 1024;

/** Node's error codes for a certificate from an unknown issuer, such as that of a proxy that intercepts TLS. */
export const UNTRUSTED_CODES: readonly string[] = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/**
 * Chooses the list to start with. Reading the system's certificates takes 30 ms, and Node's own list covers Azure's
 * public certificates. So the program starts with the system's store only if `SSL_CERT_FILE` or `SSL_CERT_DIR` is set
 * and `NODE_EXTRA_CA_CERTS` is not. Otherwise it turns to the store when it meets an unknown issuer.
 */
export function chooseTrust(runtime: Runtime): Trust {
  const namesSystem = readVariable(runtime, 'SSL_CERT_FILE') ?? readVariable(runtime, 'SSL_CERT_DIR');
  return namesSystem !== undefined && readVariable(runtime, 'NODE_EXTRA_CA_CERTS') === undefined ? 'system' : 'bundled';
}

/**
 * Builds the TLS context that trusts the chosen list.
 * @throws CONFIG_INVALID when the file of `NODE_EXTRA_CA_CERTS` is missing, unreadable or without a certificate, or its
 * path is relative.
 */
export function createTrust(runtime: Runtime, trust: Trust): SecureContext {
  const file = readPathVariable(runtime, 'NODE_EXTRA_CA_CERTS', 'CONFIG_INVALID');
  const extra = file === undefined ? undefined : readCertificates(file);
  // Node read the file when it started, and uses its own list faster than a list that we pass.
  if (trust === 'bundled' && (extra === undefined || isLoaded(extra))) return createSecureContext();
  const system = trust === 'system' ? readSystemCertificates(runtime) : [];
  return createSecureContext({ ca: [...rootCertificates, ...system, ...(extra === undefined ? [] : [extra])] });
}

function isLoaded(certificates: string): boolean {
  // An old Node does not tell what it has read.
  const loaded = 'getCACertificates' in tls ? tls.getCACertificates('extra') : [];
  const text = certificates.replaceAll('\r', '');
  return loaded.length > 0 && loaded.every((certificate) => text.includes(certificate.trim()));
}

function readCertificates(file: string): string {
  try {
    const text = readForeignFile(file, MAX_CERTIFICATES_BYTES);
    if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text;
    throw new Error(text === undefined ? 'there is no such file' : 'it contains no certificate');
  } catch (cause) {
    throw new CredentialError('CONFIG_INVALID', `Cannot use NODE_EXTRA_CA_CERTS ${file}: ${describeCause(cause)}`, {
      hint: 'set NODE_EXTRA_CA_CERTS to a PEM file, or unset it',
    });
  }
}
