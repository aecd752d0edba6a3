import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  declinedPage,
  failedPage,
  formatPage,
  type Page,
  REFUSALS,
  signedInPage,
} from '../../../../src/commands/login/pages.ts';

const HOSTILE = `"><script>alert('x')</script>&amp;<img src=x onerror=y>`;
const ESCAPED = '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;&lt;img src=x onerror=y&gt;';

const PAGES: readonly (readonly [string, Page])[] = [
  ['signed in', signedInPage('ada@contoso.com')],
  ['declined', declinedPage('AADSTS65004')],
  ['failed', failedPage(undefined)],
  ...Object.entries(REFUSALS),
];

describe.each(PAGES)('the page "%s"', (_name, page) => {
  const { status, headers, body } = formatPage(page);

  test('has a language, a title and one heading, which say what happened', () => {
    expect(body).toMatch(/^<!DOCTYPE html>\n<html lang="en">\n/);
    const [, title = ''] = /<title>([^<]+)<\/title>/.exec(body) ?? [];
    const headings = [...body.matchAll(/<h1>([^<]+)<\/h1>/g)].map(([, text]) => text);
    expect(headings).toEqual([page.heading]);
    expect(title).toBe(`${page.heading} – docker-credential-acr`);
    expect(body).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(body.match(/<main>[\s\S]*<\/main>/)?.[0]).toContain('<p>');
  });

  test('has no script, and loads nothing', () => {
    expect(body).not.toMatch(
      /<(?:script|link|img|iframe|object|form|a)\b|\bsrc=|\bhref=|url\(|@import|https?:|\bon\w+=/i,
    );
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(body) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers['Content-Security-Policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test('is stored nowhere, and tells no other site', () => {
    expect(headers).toMatchObject({
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'Content-Length': String(Buffer.byteLength(body)),
      Connection: 'close',
    });
    expect(headers['Allow']).toBe(status === 405 ? 'POST' : undefined);
  });
});

test('escapes every foreign text', () => {
  for (const page of [signedInPage(HOSTILE), declinedPage(HOSTILE), failedPage(HOSTILE)]) {
    const { body } = formatPage(page);
    expect(body).toContain(ESCAPED);
    expect(body).not.toMatch(/<script|<img/);
  }
  const { body } = formatPage({ status: 200, heading: HOSTILE, paragraphs: [HOSTILE] });
  expect(body.split(ESCAPED)).toHaveLength(4);
});

test('quotes nothing where nothing was said', () => {
  for (const quoted of [undefined, '']) expect(formatPage(failedPage(quoted)).body).not.toContain('<blockquote');
});

test('has a contrast of 7:1 in light and in dark mode', () => {
  const { body } = formatPage(failedPage('x'));
  const palettes = [...body.matchAll(/--back: (#\w{6}); --text: (#\w{6}); --quote: (#\w{6})/g)];
  expect(palettes).toHaveLength(2);
  expect(body).toContain('color-scheme: light dark');
  for (const [, back = '', text = '', quote = ''] of palettes) {
    expect(contrast(back, text)).toBeGreaterThanOrEqual(7);
    expect(contrast(quote, text)).toBeGreaterThanOrEqual(7);
  }
});

/** @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
