/**
 * Removes secrets from the texts that the program prints or logs.
 *
 * A text that somebody else wrote is cut short first, since it may be made to keep the program busy. Then it is redacted.
 * Only then may it be changed or searched, since a secret that was changed would not be recognised.
 */

import { isDeepStrictEqual } from 'node:util';
import { createTraceFinder } from './secret-traces.ts';
import type { Runtime } from './system/runtime.ts';

const REDACTED = '[redacted]';

/** The environment variables whose values are secrets. */
export const SECRET_VARIABLES: readonly string[] = [
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'AZURE_PASSWORD',
  'AZURE_FEDERATED_TOKEN',
  'ARM_OIDC_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
  'SYSTEM_ACCESSTOKEN',
  'IDENTITY_HEADER',
  'MSI_SECRET',
];

/** Redacting shorter values would also redact ordinary words. */
const MIN_SECRET_LENGTH = 6;

/** A text that looks like a token: a JWT or a part of one, or a long run of base64 characters; not a path. */
const TOKEN_LIKE = /eyJ[\w-]{8,}(?:\.[\w-]*)*|(?<![\w+/=-])[\w+=-][\w+/=-]{79,}/g;
/** User name and password in a URL. */
const USER_INFO = /(\/\/)[^\s/]+@/g;

/** Removes secrets from a text. */
export type Redact = (text: string) => string;

/**
 * Makes one short line of a text that somebody else wrote: cuts it, redacts it, and removes the control characters that
 * could move a terminal's cursor or hide other text.
 * @param longest the maximum length in characters; 300 by default.
 * @param reshape changes the text after it was redacted, before it becomes a line.
 */
export type Quote = (text: string, longest?: number, reshape?: (clean: string) => string) => string;

/** How much of a foreign text is looked at. A page of a proxy begins with its styles. */
export const MAX_FOREIGN_CHARACTERS = 4 * 1024;

/** Kept, since it takes a moment to prepare the search for long secrets. */
const redactors = new WeakMap<Runtime, { readonly redact: Redact; readonly secrets: readonly string[] }>();

/**
 * Creates a redactor for this machine.
 * @returns a function that replaces known secrets and parts of them in all encodings, texts that look like tokens, and
 * user names and passwords in URLs.
 */
export function createRedactor(runtime: Runtime): Redact {
  return (text) => {
    const secrets = listSecrets(runtime);
    let last = redactors.get(runtime);
    if (last === undefined || !isDeepStrictEqual(last.secrets, secrets)) {
      last = { redact: createRedactorOf(secrets), secrets };
      redactors.set(runtime, last);
    }
    return last.redact(text);
  };
}

/** Creates the function that quotes foreign texts on this machine. */
export function createQuote(runtime: Runtime): Quote {
  const redact = createRedactor(runtime);
  return (text, longest = 300, reshape = (clean) => clean) =>
    shorten(removeControls(reshape(redact(shorten(text.trim(), MAX_FOREIGN_CHARACTERS)))).trim(), longest);
}

function createRedactorOf(secrets: readonly string[]): Redact {
  const findTraces = createTraceFinder(secrets);
  return (text) => {
    const traces = findTraces(text);
    if (traces === undefined) return REDACTED;
    let clean = '';
    let copied = 0;
    for (const { start, end } of traces) {
      clean += text.slice(copied, start) + REDACTED;
      copied = end;
    }
    clean += text.slice(copied);
    return clean.replaceAll(USER_INFO, `$1${REDACTED}@`).replaceAll(TOKEN_LIKE, REDACTED);
  };
}

/** Lists the secrets in the environment and those that were read during the run, without very short ones. */
export function listSecrets({ env, secrets, secretVariables }: Runtime): string[] {
  const values = [...[...SECRET_VARIABLES, ...secretVariables].map((name) => env[name]), ...secrets];
  // A pipeline macro that was not replaced, such as `$(System.AccessToken)`, is a name and not a secret.
  const filled = values.filter((value) => value !== undefined).filter((value) => !value.startsWith('$('));
  return filled.filter(({ length }) => length >= MIN_SECRET_LENGTH);
}

/** Cuts a text between words, so that no part of a secret is left that is too short to be recognised. */
function shorten(text: string, longest: number): string {
  if (text.length <= longest) return text;
  let end = longest + 1;
  while (end > 0 && !isSpace(text[end - 1])) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

/**
 * Cuts the beginning of a text, between words.
 * @returns the end of it, where a program says why it fails.
 */
export function cutBeginning(text: string, longest: number): string {
  if (text.length <= longest) return text;
  let start = text.length - longest - 1;
  while (start < text.length && !isSpace(text[start])) start += 1;
  return text.slice(start);
}

function isSpace(character = ''): boolean {
  return character.trim() === '';
}

/** Replaces characters that move the cursor, change the direction of writing or are invisible. */
function removeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]+/gu, ' ');
}
