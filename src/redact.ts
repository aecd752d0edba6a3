/** Takes secrets out of texts that leave the program, in whatever encoding they got there. */

import type { Machine } from './machine.ts';

const REDACTED = '[redacted]';

/** Variables whose values are secrets. */
const SECRET_VARIABLES = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'AZURE_PASSWORD',
  'AZURE_FEDERATED_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SYSTEM_ACCESSTOKEN',
  'IDENTITY_HEADER',
  'MSI_SECRET',
] as const;

/** Shorter values than this would redact ordinary words. */
const SHORTEST_SECRET = 6;

/** Whatever looks like a token: a JWT or a part of one, or a long run that only an encoding produces; not a path. */
const TOKEN_LIKE = /eyJ[\w-]{8,}(?:\.[\w-]*)*|(?<![\w+/=-])[\w+=-][\w+/=-]{79,}/g;
/** User name and password in a URL. */
const USER_INFO = /(\/\/)[^\s/@]+@/g;

/** @returns a function that removes this machine's secrets, and what looks like one, from a text. */
export function createRedactor(machine: Machine): (text: string) => string {
  let known = -1;
  let forms: string[] = [];
  return (text) => {
    if (machine.secrets.size !== known) {
      known = machine.secrets.size;
      forms = listSecrets(machine).flatMap(encodeSecret);
      forms.sort((one, other) => other.length - one.length);
    }
    let clean = text;
    for (const form of forms) clean = clean.replaceAll(form, REDACTED);
    return clean.replaceAll(USER_INFO, `$1${REDACTED}@`).replaceAll(TOKEN_LIKE, REDACTED);
  };
}

/** The secrets of this machine's environment, and those that were read elsewhere. */
export function listSecrets({ env, secrets }: Machine): string[] {
  const values = [...SECRET_VARIABLES.map((name) => env[name]), ...secrets];
  return values.filter((value) => value !== undefined).filter(({ length }) => length >= SHORTEST_SECRET);
}

/** The forms in which a service may echo a secret. */
function encodeSecret(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const form = new URLSearchParams({ s: secret }).toString().slice('s='.length);
  const json = JSON.stringify(secret).slice(1, -1);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  return [secret, json, encodeURIComponent(secret), form, base64, bytes.toString('base64url'), bytes.toString('hex')];
}

/**
 * One bounded line of a text that somebody else wrote: nothing in it can move a terminal's cursor or hide the rest.
 */
export function quoteForeignText(text: string, longest = 300): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  const line = text.replace(/[\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]+/g, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
