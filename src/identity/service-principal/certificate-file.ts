/** Reads the file with an application's certificate and its private key, in PEM or PKCS#12 (PFX). */

import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CredentialError, describeCause } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { readForeignBytes } from '../../system/files.ts';
import type { Runtime } from '../../system/runtime.ts';
import { Pkcs12Error, readPkcs12 } from './pkcs12.ts';

/** An application's certificate and its private key. */
export interface ClientCertificate {
  readonly key: KeyObject;
  /** SHA-256 of the certificate, in base64url. */
  readonly thumbprint: string;
  /** The certificate, then the others in the file; DER in base64. */
  readonly chain: readonly string[];
  /** Names the file and the thumbprints, for error messages. */
  readonly description: string;
}

/** Where the certificate and its password come from. */
export interface CertificateLocation {
  readonly file: string;
  /** The variable or key that names the file, for error messages. */
  readonly fileSetting: string;
  readonly password: string | undefined;
  /** The variable or file that holds the password, for error messages. */
  readonly passwordSetting: string;
}

type Fail = (what: string, hint: string, cause?: unknown) => CredentialError;

interface PemBlock {
  readonly label: string;
  readonly text: string;
}

const MAX_FILE_BYTES = 1024 * 1024;
const PEM_BOUNDARY = /-----(BEGIN|END) ([A-Z0-9 ]+)-----/g;
/** The start of PFX and DER: a sequence whose length takes one to four bytes. No text starts like that. */
const BINARY = /^0[\x81-\x84]/;
/** Entra ID accepts no shorter key. */
const MIN_KEY_BITS = 2048;

/**
 * Loads the certificate and its key.
 * @throws IDENTITY_INVALID when the file cannot be read, does not contain both, or its key cannot be decrypted or used.
 */
export function loadClientCertificate(runtime: Runtime, location: CertificateLocation): ClientCertificate {
  const { file } = location;
  const fail: Fail = (what, hint, cause) =>
    new CredentialError('IDENTITY_INVALID', what, {
      causes: cause === undefined ? [] : [describeCause(cause)],
      hint,
    });
  const bytes = readBytes(location, fail);
  const isBinary = BINARY.test(bytes.toString('latin1', 0, 2));
  const blocks = isBinary ? openPkcs12(bytes, location, fail) : listPemBlocks(bytes.toString('utf8'));
  const keyBlock = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (keyBlock !== undefined) runtime.secrets.add(keyBlock.text);
  const certificates = parseCertificates(blocks, file, fail);
  if (keyBlock === undefined) {
    if (certificates.length === 0) {
      throw fail(
        `${file} contains neither a certificate nor a key`,
        `openssl x509 -in ${shellWord(file)} -noout -subject`,
      );
    }
    throw fail(`${file} contains a certificate without its private key`, `cat KEY.pem ${shellWord(file)} > BOTH.pem`);
  }
  if (certificates.length === 0) {
    throw fail(
      `${file} contains a private key without its certificate`,
      `cat ${shellWord(file)} CERTIFICATE.pem > BOTH.pem`,
    );
  }
  const key = parseKey(keyBlock, location, fail);
  checkKey(key, file, fail);
  const certificate = certificates.find((one) => one.checkPrivateKey(key));
  if (certificate === undefined) {
    throw fail(
      `no certificate in ${file} belongs to its private key`,
      `compare: openssl x509 -in ${shellWord(file)} -noout -pubkey; openssl pkey -in ${shellWord(file)} -pubout`,
    );
  }
  // The certificate of the key must come first, whatever the order in the file (RFC 7515, section 4.1.6).
  const chain = [certificate, ...certificates.filter((one) => one !== certificate)];
  return {
    key,
    thumbprint: createHash('sha256').update(certificate.raw).digest('base64url'),
    chain: chain.map(({ raw }) => raw.toString('base64')),
    description: describeCertificate(certificate, file, runtime.now()),
  };
}

function readBytes({ file, fileSetting }: CertificateLocation, fail: Fail): Buffer {
  let bytes: Buffer | undefined;
  try {
    bytes = readForeignBytes(file, MAX_FILE_BYTES);
  } catch (cause) {
    throw fail(`the certificate ${file} cannot be read (${describeCause(cause)})`, `ls -l ${shellWord(file)}`);
  }
  if (bytes === undefined) {
    throw fail(`there is no certificate file ${file}`, `ls -l ${shellWord(file)}; set ${shellWord(fileSetting)}`);
  }
  if (bytes.toString('latin1').trim() === '') {
    throw fail(`the certificate file ${file} is empty`, `openssl pkcs12 -in FILE.pfx -out ${shellWord(file)} -nodes`);
  }
  return bytes;
}

/** Takes the blocks out of PKCS#12, as they would stand in PEM. */
function openPkcs12(
  bytes: Buffer,
  { file, password, passwordSetting }: CertificateLocation,
  fail: Fail,
): readonly PemBlock[] {
  const command = `openssl pkcs12 -in ${shellWord(file)} -out ${shellWord(`${file}.pem`)} -nodes`;
  try {
    return readPkcs12(bytes, password ?? '');
  } catch (cause) {
    if (!(cause instanceof Pkcs12Error)) throw cause;
    switch (cause.problem) {
      case 'form':
        throw fail(`${file} is binary, but not PKCS#12 (PFX)`, command);
      case 'encryption':
        throw fail(`${file} is encrypted in a way that this program does not know`, `${command} -legacy`);
      default:
        throw password === undefined
          ? fail(`${file} is encrypted, but no password is set`, `set ${shellWord(passwordSetting)}`)
          : fail(`the password in ${passwordSetting} does not open ${file}`, `try it: ${command}`);
    }
  }
}

/** Lists the blocks of a PEM file, whatever stands between them. A block that does not end is left out. */
function listPemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly start: number } | undefined;
  for (const { 0: boundary, 1: kind, 2: label = '', index } of text.matchAll(PEM_BOUNDARY)) {
    if (kind === 'BEGIN') {
      open = { label, start: index };
    } else if (open?.label === label) {
      blocks.push({ label, text: text.slice(open.start, index + boundary.length) });
      open = undefined;
    }
  }
  return blocks;
}

function parseCertificates(blocks: readonly PemBlock[], file: string, fail: Fail): X509Certificate[] {
  try {
    return blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ text }) => new X509Certificate(text));
  } catch (cause) {
    throw fail(`a certificate in ${file} is damaged`, `openssl x509 -in ${shellWord(file)} -noout -text`, cause);
  }
}

function parseKey(block: PemBlock, { file, password, passwordSetting }: CertificateLocation, fail: Fail): KeyObject {
  const isEncrypted = block.label.startsWith('ENCRYPTED') || block.text.includes('Proc-Type: 4,ENCRYPTED');
  if (isEncrypted && password === undefined) {
    throw fail(
      `the private key in ${file} is encrypted, but no password is set`,
      `set ${shellWord(passwordSetting)}, or remove the password: openssl pkey -in ${shellWord(file)} -out KEY.pem`,
    );
  }
  try {
    return createPrivateKey({ key: block.text, ...(isEncrypted ? { passphrase: password } : {}) });
  } catch (cause) {
    // With a wrong password, OpenSSL's error varies with the bytes that come out, so this one names the password.
    if (isEncrypted) {
      throw fail(
        `the password in ${passwordSetting} does not open the private key in ${file}`,
        `try it: openssl pkey -in ${shellWord(file)} -noout`,
        cause,
      );
    }
    throw fail(`the private key in ${file} is damaged`, `openssl pkey -in ${shellWord(file)} -noout`, cause);
  }
}

function checkKey(key: KeyObject, file: string, fail: Fail): void {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key;
  const hint =
    `openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=acr -keyout KEY.pem -out CERTIFICATE.pem; ` +
    `cat KEY.pem CERTIFICATE.pem > ${shellWord(file)}`;
  if (type !== 'rsa') throw fail(`the private key in ${file} is of type ${type}, but Entra ID requires RSA`, hint);
  const bits = details?.modulusLength ?? 0;
  if (bits >= MIN_KEY_BITS) return;
  throw fail(`the private key in ${file} has ${bits} bits, but Entra ID requires ${MIN_KEY_BITS} or more`, hint);
}

/** Formats the thumbprints as the Azure portal shows them. */
function describeCertificate(certificate: X509Certificate, file: string, nowMs: number): string {
  const hex = (algorithm: string) => createHash(algorithm).update(certificate.raw).digest('hex').toUpperCase();
  const validTo = new Date(certificate.validTo);
  const expiry = validTo.getTime() <= nowMs ? `, and expired on ${validTo.toISOString().slice(0, 10)}` : '';
  return `the certificate in ${file} has the thumbprint SHA-256 ${hex('sha256')}, SHA-1 ${hex('sha1')}${expiry}`;
}
