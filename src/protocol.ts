/**
 * The credential-helper protocol: the exact texts and payloads that clients read and write.
 *
 * @see https://github.com/docker/docker-credential-helpers/blob/master/credentials/credentials.go
 */

import { asText, parseJsonObject } from './json.ts';

/** Clients compare this text after trimming: it means "go on anonymously". */
export const NOT_FOUND = 'credentials not found in native keychain';
export const NO_SERVER_URL = 'no credentials server URL';
export const NO_USERNAME = 'no credentials username';

/** The user name that ACR takes together with one of its own tokens as the password. */
export const TOKEN_USERNAME = '00000000-0000-0000-0000-000000000000';
/** The user name by which a client tells that the secret is an identity (refresh) token. */
export const IDENTITY_TOKEN_USERNAME = '<token>';

export interface Credential {
  readonly serverUrl: string;
  readonly username: string;
  readonly secret: string;
}

/**
 * Reads the server URL as clients send it: with or without a byte-order mark, a space or a line end.
 * @returns `undefined` when nothing is left.
 */
export function parseServerUrl(input: string): string | undefined {
  return input.replace(/^\uFEFF/, '').trim() || undefined;
}

/**
 * Reads the payload of `store`.
 * @returns the credential, or the wire text of what is missing.
 */
export function parseStorePayload(input: string): Credential | string {
  const payload = parseJsonObject(input.replace(/^\uFEFF/, ''));
  if (payload === undefined) return 'Cannot read the credential: it is not a JSON object';
  // Go's decoder, which is what the protocol is written for, matches keys whatever their case.
  const fields = new Map(Object.entries(payload).map(([key, value]) => [key.toLowerCase(), value]));
  const serverUrl = parseServerUrl(asText(fields.get('serverurl')) ?? '');
  if (serverUrl === undefined) return NO_SERVER_URL;
  const username = asText(fields.get('username'));
  if (username === undefined) return NO_USERNAME;
  return { serverUrl, username, secret: asText(fields.get('secret')) ?? '' };
}

/** One JSON document with the exact key case that strict readers need, and a line end. */
export function formatCredential({ serverUrl, username, secret }: Credential): string {
  return `${JSON.stringify({ ServerURL: serverUrl, Username: username, Secret: secret })}\n`;
}

/** User names by server; `{}`, and never `null`, when there is none. */
export function formatServerList(usernames: ReadonlyMap<string, string>): string {
  return `${JSON.stringify(Object.fromEntries(usernames))}\n`;
}
