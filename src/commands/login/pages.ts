/** The pages that a browser gets from this program. They need no script and no network. */

import { createHash } from 'node:crypto';

/** A page: what happened, and what to do now. */
export interface Page {
  readonly status: number;
  readonly heading: string;
  readonly paragraphs: readonly string[];
  /** What somebody else said about it, already cut and redacted. */
  readonly quoted?: string | undefined;
}

/** A page as HTTP sends it. */
export interface FormattedPage {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const TERMINAL = 'You can close this tab and go back to the terminal.';
/** The browser of a person who is signing in does not send such requests. */
const NOT_A_SIGN_IN = 'This address only receives the answer of a sign-in. The sign-in is not affected.';

/** Somebody signed in. @param username the name of the account, quoted. */
export function signedInPage(username: string): Page {
  return { status: 200, heading: 'You are signed in', paragraphs: [`The account is ${username}.`, TERMINAL] };
}

/** The person, or somebody in charge, said no. @param quoted what Entra said. */
export function declinedPage(quoted: string | undefined): Page {
  const paragraphs = ['The sign-in was declined, and nothing was stored.', TERMINAL];
  return { status: 200, heading: 'You are not signed in', paragraphs, quoted };
}

/** The sign-in failed. @param quoted why. */
export function failedPage(quoted: string | undefined): Page {
  const paragraphs = ['The sign-in failed. The terminal says more, and what may help.', TERMINAL];
  return { status: 200, heading: 'You are not signed in', paragraphs, quoted };
}

/** The request is not the answer of this sign-in. */
export const REFUSALS = {
  host: { status: 421, heading: 'Wrong address', paragraphs: [NOT_A_SIGN_IN] },
  path: { status: 404, heading: 'There is no such page', paragraphs: [NOT_A_SIGN_IN] },
  method: { status: 405, heading: 'Only a form can be sent here', paragraphs: [NOT_A_SIGN_IN] },
  type: { status: 415, heading: 'Only a form can be sent here', paragraphs: [NOT_A_SIGN_IN] },
  size: { status: 413, heading: 'The form is too large', paragraphs: [NOT_A_SIGN_IN] },
  form: {
    status: 400,
    heading: 'This is not the answer of the sign-in',
    paragraphs: ['It belongs to another sign-in, or was changed on the way. Go back to the terminal and try again.'],
  },
  used: {
    status: 410,
    heading: 'This sign-in is over',
    paragraphs: ['It was answered already. The terminal says how it ended.'],
  },
} satisfies Readonly<Record<string, Page>>;

/** Colours with a contrast of at least 7:1, in light and dark mode. */
const STYLE = `
:root { color-scheme: light dark; --back: #ffffff; --text: #1f2328; --quote: #f0f2f5; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --quote: #21262d; } }
body { background: var(--back); color: var(--text); font: 1.125rem/1.6 system-ui, sans-serif; margin: 0; }
main { max-width: 36rem; margin: 15vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.25; }
blockquote { background: var(--quote); margin: 1.5rem 0; padding: 0.75rem 1rem; overflow-wrap: anywhere; }
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  Connection: 'close',
};

/** Formats a page. Every text is escaped. */
export function formatPage({ status, heading, paragraphs, quoted }: Page): FormattedPage {
  const quote =
    quoted === undefined || quoted === '' ? [] : [`<blockquote dir="auto">${escapeHtml(quoted)}</blockquote>`];
  const body = [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(heading)} – docker-credential-acr</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${escapeHtml(heading)}</h1>`,
    ...paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`),
    ...quote,
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
  const allow = status === REFUSALS.method.status ? { Allow: 'POST' } : {};
  return { status, headers: { ...HEADERS, ...allow, 'Content-Length': String(Buffer.byteLength(body)) }, body };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? '');
}
