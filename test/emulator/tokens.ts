/** RS256 tokens of Entra and ACR under throw-away keys: each one is unique, can be verified and is recorded for leak scans. */
import { generateKeyPair, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { type JsonRecord, parseJsonRecord, parseNumber, parseString } from './json.ts';
import type { EmulatorState } from './state.ts';

export type Issuer = 'entra' | 'acr';

interface IssuerKey {
  readonly keyId: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Making an RSA key takes a tenth of a second, so all emulators of a process share one key per issuer. */
const keys = new Map<Issuer, IssuerKey>();

/** Makes the keys in advance, so that the first token takes no longer than the others. */
export async function prepareKeys(): Promise<void> {
  const issuers: readonly Issuer[] = ['entra', 'acr'];
  await Promise.all(
    issuers
      .filter((issuer) => !keys.has(issuer))
      .map(async (issuer) => {
        const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
        keys.set(issuer, keys.get(issuer) ?? { keyId: randomUUID(), ...pair });
      }),
  );
}

function keyOf(issuer: Issuer): IssuerKey {
  const known = keys.get(issuer);
  if (known !== undefined) {
    return known;
  }
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key: IssuerKey = { keyId: randomUUID(), ...pair };
  keys.set(issuer, key);
  return key;
}

/** Signs a unique token and records it among the state's secrets. */
export function issueToken(state: EmulatorState, issuer: Issuer, claims: JsonRecord): string {
  const key = keyOf(issuer);
  const unique = issuer === 'entra' ? { uti: randomUUID().replaceAll('-', '') } : { jti: randomUUID() };
  const signed = `${encode({ alg: 'RS256', typ: 'JWT', kid: key.keyId })}.${encode({ ...unique, ...claims })}`;
  const token = `${signed}.${sign('sha256', Buffer.from(signed), key.privateKey).toString('base64url')}`;
  state.issuedSecrets.add(token);
  return token;
}

/** @returns the claims of a token which this issuer signed and which is valid at `now`. */
export function verifyToken(issuer: Issuer, token: string, now: number): JsonRecord | undefined {
  const [header, payload, signature, ...rest] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    return undefined;
  }
  const isSigned = verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    keyOf(issuer).publicKey,
    Buffer.from(signature, 'base64url'),
  );
  const claims = isSigned ? decodePart(payload) : undefined;
  const expiresAt = parseNumber(claims?.['exp']);
  const notBefore = parseNumber(claims?.['nbf']);
  if (expiresAt === undefined || notBefore === undefined || now >= expiresAt || now < notBefore) {
    return undefined;
  }
  return claims;
}

/** @returns header and claims of any JWT, unverified. */
export function decodeToken(token: string): { readonly header: JsonRecord; readonly claims: JsonRecord } | undefined {
  const [header, payload] = token.split('.');
  const decodedHeader = header === undefined ? undefined : decodePart(header);
  const claims = payload === undefined ? undefined : decodePart(payload);
  return decodedHeader === undefined || claims === undefined ? undefined : { header: decodedHeader, claims };
}

/** @returns the token's unique id. */
export function tokenId(claims: JsonRecord): string {
  return parseString(claims['jti']) ?? parseString(claims['uti']) ?? '';
}

function encode(value: JsonRecord): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decodePart(part: string): JsonRecord | undefined {
  return parseJsonRecord(Buffer.from(part, 'base64url').toString());
}
