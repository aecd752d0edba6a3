/** The PEM file with an application's certificate and its private key. */

import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CredentialError, describeCause } from '../../errors.ts';
import { readForeignFile } from '../../system/files.ts';
import type { Runtime } from '../../system/runtime.ts';

export interface ClientCertificate {
  readonly key: KeyObject;
  /** SHA-256 of the certificate, in base64url. */
  readonly thumbprint: string;
  /** The certificate and then the others of the file, in base64. */
  readonly chain: readonly string[];
  /** The certificate, in words. */
  readonly description: string;
}

export interface CertificateLocation {
  readonly file: string;
  readonly password: string | undefined;
  /** What to set when the password is wrong. */
  readonly passwordSetting: string;
}

type Fail = (what: string, hint: string, cause?: unknown) => CredentialError;

interface PemBlock {
  readonly label: string;
  readonly text: string;
}

const MAX_FILE_BYTES = 1024 * 1024;
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;
/** How PFX and DER begin: a sequence whose length takes several bytes, read as UTF-8. */
const BINARY = /^0\uFFFD/;
/** Entra takes no shorter key. */
const MIN_KEY_BITS = 2048;

/** @throws IDENTITY_INVALID when there is no certificate with its key in the file. */
export function loadClientCertificate(runtime: Runtime, place: CertificateLocation): ClientCertificate {
  const { file } = place;
  const fail: Fail = (what, hint, cause) =>
    new CredentialError('IDENTITY_INVALID', `${what}`, {
      causes: cause === undefined ? [] : [describeCause(cause)],
      hint,
    });
  const text = readText(file, fail);
  const blocks = [...text.matchAll(PEM_BLOCK)].map(([block, label = '']): PemBlock => ({ label, text: block }));
  const keyBlock = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (keyBlock !== undefined) runtime.secrets.add(keyBlock.text);
  if (BINARY.test(text)) {
    throw fail(
      `${file} is binary (PFX or DER), and PEM is needed`,
      `openssl pkcs12 -in ${file} -out ${file}.pem -nodes`,
    );
  }
  const certificates = parseCertificates(blocks, file, fail);
  if (keyBlock === undefined) {
    if (certificates.length === 0) {
      throw fail(`${file} holds neither a certificate nor a key in PEM`, `openssl x509 -in ${file} -noout -subject`);
    }
    throw fail(`${file} holds a certificate without its private key`, `cat KEY.pem ${file} > BOTH.pem`);
  }
  if (certificates.length === 0) {
    throw fail(`${file} holds a private key without its certificate`, `cat ${file} CERTIFICATE.pem > BOTH.pem`);
  }
  const key = parseKey(keyBlock, place, fail);
  checkKey(key, file, fail);
  const certificate = certificates.find((one) => one.checkPrivateKey(key));
  if (certificate === undefined) {
    throw fail(
      `no certificate in ${file} belongs to its private key`,
      `compare: openssl x509 -in ${file} -noout -pubkey; openssl pkey -in ${file} -pubout`,
    );
  }
  // The certificate of the key has to be the first, whatever the order in the file (RFC 7515, section 4.1.6).
  const chain = [certificate, ...certificates.filter((one) => one !== certificate)];
  return {
    key,
    thumbprint: createHash('sha256').update(certificate.raw).digest('base64url'),
    chain: chain.map(({ raw }) => raw.toString('base64')),
    description: describeCertificate(certificate, file, runtime.now()),
  };
}

function readText(file: string, fail: Fail): string {
  let text: string | undefined;
  try {
    text = readForeignFile(file, MAX_FILE_BYTES);
  } catch (cause) {
    throw fail(`the certificate ${file} cannot be read (${describeCause(cause)})`, `ls -l ${file}`);
  }
  if (text === undefined) {
    throw fail(`there is no certificate file ${file}`, `ls -l ${file}; set AZURE_CLIENT_CERTIFICATE_PATH`);
  }
  if (text.trim() === '') {
    throw fail(`the certificate file ${file} is empty`, `openssl pkcs12 -in FILE.pfx -out ${file} -nodes`);
  }
  return text;
}

function parseCertificates(blocks: readonly PemBlock[], file: string, fail: Fail): X509Certificate[] {
  try {
    return blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ text }) => new X509Certificate(text));
  } catch (cause) {
    throw fail(`a certificate in ${file} is damaged`, `openssl x509 -in ${file} -noout -text`, cause);
  }
}

function parseKey(block: PemBlock, { file, password, passwordSetting }: CertificateLocation, fail: Fail): KeyObject {
  const isEncrypted = block.label.startsWith('ENCRYPTED') || block.text.includes('Proc-Type: 4,ENCRYPTED');
  if (isEncrypted && password === undefined) {
    throw fail(
      `the private key in ${file} is encrypted, and there is no password for it`,
      `set ${passwordSetting}, or take the password off: openssl pkey -in ${file} -out KEY.pem`,
    );
  }
  try {
    return createPrivateKey({ key: block.text, ...(isEncrypted ? { passphrase: password } : {}) });
  } catch (cause) {
    // OpenSSL's words on a wrong password depend on what the wrong bytes happen to look like.
    if (isEncrypted) {
      throw fail(
        `the password in ${passwordSetting} does not open the private key in ${file}`,
        `try it: openssl pkey -in ${file} -noout`,
        cause,
      );
    }
    throw fail(`the private key in ${file} is damaged`, `openssl pkey -in ${file} -noout`, cause);
  }
}

function checkKey(key: KeyObject, file: string, fail: Fail): void {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key;
  const hint =
    `openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=acr -keyout KEY.pem -out CERTIFICATE.pem; ` +
    `cat KEY.pem CERTIFICATE.pem > ${file}`;
  if (type !== 'rsa') throw fail(`the private key in ${file} is of type ${type}, and Entra ID takes RSA`, hint);
  const bits = details?.modulusLength ?? 0;
  if (bits >= MIN_KEY_BITS) return;
  throw fail(`the private key in ${file} has ${bits} bits, and Entra ID takes ${MIN_KEY_BITS} or more`, hint);
}

/** The thumbprints as the portal shows them. */
function describeCertificate(certificate: X509Certificate, file: string, nowMs: number): string {
  const hex = (algorithm: string) => createHash(algorithm).update(certificate.raw).digest('hex').toUpperCase();
  const end = certificate.validToDate;
  const ended = end.getTime() <= nowMs ? `, and expired on ${end.toISOString().slice(0, 10)}` : '';
  return `the certificate in ${file} has the thumbprint SHA-256 ${hex('sha256')}, SHA-1 ${hex('sha1')}${ended}`;
}
