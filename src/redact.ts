/** Removes secrets, in all their encodings, from the texts that the program prints or logs. */

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

/**
 * Creates a redactor for this machine.
 * @returns a function that replaces known secrets, texts that look like tokens, and user names and passwords in URLs.
 */
export function createRedactor(runtime: Runtime): (text: string) => string {
  let known = -1;
  let forms: string[] = [];
  return (text) => {
    const count = runtime.secrets.size + runtime.secretVariables.size;
    if (count !== known) {
      known = count;
      forms = listSecrets(runtime).flatMap(encodeSecret);
      forms.sort((one, other) => other.length - one.length);
    }
    let clean = text;
    for (const form of forms) clean = clean.replaceAll(form, REDACTED);
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

/** Lists the encodings in which a service may echo a secret. */
function encodeSecret(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const percent = encodeURIComponent(secret);
  const form = new URLSearchParams({ s: secret }).toString().slice('s='.length);
  const json = JSON.stringify(secret).slice(1, -1);
  const html = secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return [
    secret,
    removeControls(secret),
    json,
    // The JSON of .NET.
    json.replace(/[+&'<>`]/g, (character) => `\\u00${character.charCodeAt(0).toString(16).toUpperCase()}`),
    html,
    html.replaceAll("'", '&#39;'),
    percent,
    lowerPercent(percent),
    form,
    lowerPercent(form),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    hex,
    hex.toUpperCase(),
  ];
}

function lowerPercent(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}

/**
 * Makes one line of limited length of a foreign text. Removes the control characters that could move a terminal's
 * cursor or hide other text.
 * @param longest the maximum length in characters.
 */
export function quoteForeignText(text: string, longest = 300): string {
  const line = removeControls(text).trim();
  if (line.length <= longest) return line;
  // Cut between words: a later redaction would not recognise a part of a secret.
  return `${line
    .slice(0, longest + 1)
    .replace(/\S+$/, '')
    .trimEnd()}…`;
}

/** Replaces characters that move the cursor, change the direction of writing or are invisible. */
function removeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]+/gu, ' ');
}
