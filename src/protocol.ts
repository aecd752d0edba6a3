/**
 * The credential-helper protocol: the exact texts and payloads that clients read and write.
 *
 * @see https://github.com/docker/docker-credential-helpers/blob/master/credentials/credentials.go
 */

import { asText, parseJsonObject } from './json.ts';

/** There is no credential. Clients compare this text after trimming it, and go on anonymously. */
export const NOT_FOUND = 'credentials not found in native keychain';
/** The input has no server URL. */
export const NO_SERVER_URL = 'no credentials server URL';
/** The payload of `store` has no user name. */
export const NO_USERNAME = 'no credentials username';
/** The secret in the payload of `store` is a number, a list or an object. */
const SECRET_NOT_TEXT = 'Cannot read the credential: its secret is not a string';

/** The user name that ACR accepts with one of its own tokens as the password. */
export const TOKEN_USERNAME = '00000000-0000-0000-0000-000000000000';
/** The user name that marks the secret as an identity (refresh) token. */
export const IDENTITY_TOKEN_USERNAME = '<token>';

/** A credential as the protocol transmits it. */
export interface Credential {
  readonly serverUrl: string;
  readonly username: string;
  readonly secret: string;
}

/**
 * Reads the server URL from the input. Removes a byte-order mark, spaces and line ends.
 * @returns `undefined` when nothing is left.
 */
export function parseServerUrl(input: string): string | undefined {
  return input.replace(/^\uFEFF/, '').trim() || undefined;
}

/**
 * Reads the payload of `store`.
 * @returns the credential, or the error text to send to the client.
 */
export function parseStorePayload(input: string): Credential | string {
  const payload = parseJsonObject(input.replace(/^\uFEFF/, ''));
  if (payload === undefined) return 'Cannot read the credential: it is not a JSON object';
  // Go's JSON decoder, which the reference helpers use, ignores the case of keys, and null.
  const filled = Object.entries(payload).filter(([, value]) => value !== null);
  const fields = new Map(filled.map(([key, value]) => [key.toLowerCase(), value]));
  const serverUrl = parseServerUrl(asText(fields.get('serverurl')) ?? '');
  if (serverUrl === undefined) return NO_SERVER_URL;
  const username = asText(fields.get('username'));
  if (username === undefined) return NO_USERNAME;
  const secret = fields.get('secret') ?? '';
  // An empty secret in its place would be stored, and the client would say that the login succeeded.
  return typeof secret === 'string' ? { serverUrl, username, secret } : SECRET_NOT_TEXT;
}

/** Formats a credential as one line of JSON. Strict clients need exactly these keys. */
export function formatCredential({ serverUrl, username, secret }: Credential): string {
  return `${JSON.stringify({ ServerURL: serverUrl, Username: username, Secret: secret })}\n`;
}

/** Formats the user names by server as one line of JSON; an empty list is `{}`, never `null`. */
export function formatServerList(usernames: ReadonlyMap<string, string>): string {
  return `${JSON.stringify(Object.fromEntries(usernames))}\n`;
}
