/**
 * Takes certificates and their key out of PKCS#12, the form of PFX files. Node itself reads it only for TLS.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7292
 */

import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { contentOf, DER, DerError, type DerValue, numberOf, oidOf, readValues, readWithin } from './der.ts';
import { decryptRc2 } from './rc2.ts';

/** What PKCS#12 holds, in the form of PEM. */
export interface Pkcs12Item {
  readonly label: 'CERTIFICATE' | 'PRIVATE KEY';
  readonly text: string;
}

/** Why nothing can be taken out. */
export class Pkcs12Error extends Error {
  /** It is no PKCS#12, the password does not open it, or it is encrypted in a way that this program does not know. */
  readonly problem: 'form' | 'password' | 'encryption';

  constructor(problem: Pkcs12Error['problem']) {
    super(problem);
    this.problem = problem;
  }
}

const DATA = '2a864886f70d010701';
const ENCRYPTED_DATA = '2a864886f70d010706';
const KEY_BAG = '2a864886f70d010c0a0101';
const ENCRYPTED_KEY_BAG = '2a864886f70d010c0a0102';
const CERTIFICATE_BAG = '2a864886f70d010c0a0103';
const X509_CERTIFICATE = '2a864886f70d01091601';
const PBES2 = '2a864886f70d01050d';
const PBKDF2 = '2a864886f70d01050c';
/** The ciphers of PKCS#12 itself, with a key made by SHA-1. RC2 has no name, since Node does not know it. */
const OLD_CIPHERS: Readonly<Record<string, { readonly name: string | undefined; readonly keyBytes: number }>> = {
  '2a864886f70d010c0103': { name: 'des-ede3-cbc', keyBytes: 24 },
  '2a864886f70d010c0105': { name: undefined, keyBytes: 16 },
  '2a864886f70d010c0106': { name: undefined, keyBytes: 5 },
};

const HASHES: Readonly<Record<string, string>> = {
  '2b0e03021a': 'sha1',
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};
const HMAC_HASHES: Readonly<Record<string, string>> = {
  '2a864886f70d0207': 'sha1',
  '2a864886f70d0209': 'sha256',
  '2a864886f70d020a': 'sha384',
  '2a864886f70d020b': 'sha512',
};
const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '60864801650304012a': { name: 'aes-256-cbc', keyBytes: 32 },
  '608648016503040116': { name: 'aes-192-cbc', keyBytes: 24 },
  '608648016503040102': { name: 'aes-128-cbc', keyBytes: 16 },
  '2a864886f70d0307': { name: 'des-ede3-cbc', keyBytes: 24 },
};

/** Programs use some thousands. More than this would take a second and longer. */
const MAX_ITERATIONS = 600_000;
/** What a key is derived for (RFC 7292, appendix B.3). */
const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/**
 * Takes out the certificates and keys.
 * @param password empty if there is none.
 * @throws Pkcs12Error
 */
export function readPkcs12(bytes: Buffer, password: string): readonly Pkcs12Item[] {
  try {
    const [version, contents, mac] = readWithin(readValues(bytes)[0], DER.sequence);
    if (numberOf(version) !== 3) throw new Pkcs12Error('form');
    const safes = readData(contents);
    checkMac(mac, safes, password);
    return readWithin(readValues(safes)[0], DER.sequence).flatMap((safe) => {
      const bags = readValues(readSafe(safe, password));
      return readWithin(bags[0], DER.sequence).flatMap((bag) => readBag(bag, password));
    });
  } catch (cause) {
    throw cause instanceof DerError ? new Pkcs12Error('form') : cause;
  }
}

/** Whether the password is the right one, and nothing has been changed. A file may have no such proof. */
function checkMac(value: DerValue | undefined, safes: Buffer, password: string): void {
  if (value === undefined) return;
  const [info, salt, iterations] = readWithin(value, DER.sequence);
  const [algorithm, digest] = readWithin(info, DER.sequence);
  const hash = HASHES[oidOf(readWithin(algorithm, DER.sequence)[0])];
  if (hash === undefined) return; // decrypting shows whether the password is right
  const expected = contentOf(digest, DER.octets);
  const key = deriveKey({
    ...{ hash, password, purpose: PURPOSE.mac, length: expected.length },
    salt: contentOf(salt, DER.octets),
    iterations: iterations === undefined ? 1 : checkIterations(iterations),
  });
  const actual = createHmac(hash, key).update(safes).digest();
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) throw new Pkcs12Error('password');
}

function readData(value: DerValue | undefined): Buffer {
  const [type, content] = readWithin(value, DER.sequence);
  if (oidOf(type) !== DATA) throw new Pkcs12Error('form');
  return contentOf(readWithin(content, DER.context)[0], DER.octets);
}

/** Returns the bags of a safe, which may be encrypted. */
function readSafe(value: DerValue, password: string): Buffer {
  const [type, content] = readWithin(value, DER.sequence);
  if (oidOf(type) !== ENCRYPTED_DATA) return readData(value);
  const [, encrypted] = readWithin(readWithin(content, DER.context)[0], DER.sequence);
  const [, algorithm, secret] = readWithin(encrypted, DER.sequence);
  return decrypt(algorithm, contentOf(secret, DER.contextOctets), password);
}

function readBag(value: DerValue, password: string): readonly Pkcs12Item[] {
  const [type, content] = readWithin(value, DER.sequence);
  const [inner] = readWithin(content, DER.context);
  switch (oidOf(type)) {
    case KEY_BAG:
      return [{ label: 'PRIVATE KEY', text: formatPem('PRIVATE KEY', wrap(contentOf(inner, DER.sequence))) }];
    case ENCRYPTED_KEY_BAG: {
      const [algorithm, secret] = readWithin(inner, DER.sequence);
      const key = decrypt(algorithm, contentOf(secret, DER.octets), password);
      return [{ label: 'PRIVATE KEY', text: formatPem('PRIVATE KEY', key) }];
    }
    case CERTIFICATE_BAG: {
      const [kind, certificate] = readWithin(inner, DER.sequence);
      if (oidOf(kind) !== X509_CERTIFICATE) return [];
      const der = contentOf(readWithin(certificate, DER.context)[0], DER.octets);
      return [{ label: 'CERTIFICATE', text: formatPem('CERTIFICATE', der) }];
    }
    default:
      return []; // a list of revoked certificates, or another secret
  }
}

/** Makes a sequence of its content. */
function wrap(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([Buffer.from([DER.sequence, 0x84]), length, content]);
}

function formatPem(label: Pkcs12Item['label'], der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** @throws Pkcs12Error when the password is wrong, or the algorithm is unknown. */
function decrypt(algorithm: DerValue | undefined, secret: Buffer, password: string): Buffer {
  const [type, parameters] = readWithin(algorithm, DER.sequence);
  const { name, key, iv } = findCipher(oidOf(type), readWithin(parameters, DER.sequence), password);
  if (name === undefined) {
    const clear = decryptRc2(key, iv, secret);
    if (clear === undefined) throw new Pkcs12Error('password');
    return clear;
  }
  try {
    const decipher = createDecipheriv(name, key, iv);
    return Buffer.concat([decipher.update(secret), decipher.final()]);
  } catch {
    throw new Pkcs12Error('password'); // what comes out does not end as it should
  }
}

interface Cipher {
  /** `undefined` for RC2. */
  readonly name: string | undefined;
  readonly key: Buffer;
  readonly iv: Buffer;
}

function findCipher(type: string, parameters: readonly DerValue[], password: string): Cipher {
  if (type === PBES2) return findModernCipher(parameters, password);
  const cipher = OLD_CIPHERS[type];
  if (cipher === undefined) throw new Pkcs12Error('encryption');
  const [salt, iterations] = parameters;
  const given = {
    ...{ hash: 'sha1', password },
    salt: contentOf(salt, DER.octets),
    iterations: checkIterations(iterations),
  };
  return {
    name: cipher.name,
    key: deriveKey({ ...given, purpose: PURPOSE.key, length: cipher.keyBytes }),
    iv: deriveKey({ ...given, purpose: PURPOSE.iv, length: 8 }),
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc8018#appendix-A.4 */
function findModernCipher([derivation, encryption]: readonly DerValue[], password: string): Cipher {
  const [derivationType, derivationParameters] = readWithin(derivation, DER.sequence);
  const [cipherType, iv] = readWithin(encryption, DER.sequence);
  const cipher = CIPHERS[oidOf(cipherType)];
  if (oidOf(derivationType) !== PBKDF2 || cipher === undefined) throw new Pkcs12Error('encryption');
  const [salt, iterations, ...more] = readWithin(derivationParameters, DER.sequence);
  const pseudorandom = more.find(({ tag }) => tag === DER.sequence);
  const hash = pseudorandom === undefined ? 'sha1' : HMAC_HASHES[oidOf(readWithin(pseudorandom, DER.sequence)[0])];
  if (hash === undefined) throw new Pkcs12Error('encryption');
  const count = checkIterations(iterations);
  const key = pbkdf2Sync(password, contentOf(salt, DER.octets), count, cipher.keyBytes, hash);
  return { name: cipher.name, key, iv: contentOf(iv, DER.octets) };
}

function checkIterations(value: DerValue | undefined): number {
  const iterations = numberOf(value);
  if (iterations < 1 || iterations > MAX_ITERATIONS) throw new Pkcs12Error('encryption');
  return iterations;
}

interface Derivation {
  readonly hash: string;
  readonly password: string;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly purpose: number;
  /** In bytes. */
  readonly length: number;
}

/** Derives bytes from a password as PKCS#12 does by itself (RFC 7292, appendix B.2). */
function deriveKey({ hash, password, salt, iterations, purpose, length }: Derivation): Buffer {
  const blockBytes = hash === 'sha1' || hash === 'sha256' ? 64 : 128;
  const input = Buffer.concat([
    repeat(salt, Math.ceil(salt.length / blockBytes) * blockBytes),
    // Two bytes for each character, the higher one first, and two at the end.
    repeatPassword(password, blockBytes),
  ]);
  const prefix = Buffer.alloc(blockBytes, purpose);
  const derived: Buffer[] = [];
  for (let left = length; left > 0; ) {
    let digest = createHash(hash).update(prefix).update(input).digest();
    for (let round = 1; round < iterations; round += 1) digest = createHash(hash).update(digest).digest();
    derived.push(digest.subarray(0, left));
    left -= digest.length;
    addToBlocks(input, repeat(digest, blockBytes));
  }
  return Buffer.concat(derived);
}

function repeatPassword(password: string, blockBytes: number): Buffer {
  const bytes = Buffer.from(`${password}\0`, 'utf16le').swap16();
  return repeat(bytes, Math.ceil(bytes.length / blockBytes) * blockBytes);
}

function repeat(bytes: Buffer, length: number): Buffer {
  return length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, bytes);
}

/** Adds a block and one to each block of the bytes, as numbers. */
function addToBlocks(bytes: Buffer, block: Buffer): void {
  for (let start = 0; start < bytes.length; start += block.length) {
    let carry = 1;
    for (let index = block.length - 1; index >= 0; index -= 1) {
      carry += (bytes[start + index] ?? 0) + (block[index] ?? 0);
      bytes[start + index] = carry & 0xff;
      carry >>= 8;
    }
  }
}
