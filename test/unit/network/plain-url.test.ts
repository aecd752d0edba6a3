/** Which URLs a request with a secret may be sent to. */
import { describe, expect, test } from 'vitest';
import { formatBaseUrl, type PlainUrlRules, parsePlainUrl } from '../../../src/network/plain-url.ts';

describe('parsePlainUrl', () => {
  const rows: readonly (readonly [text: string, href: string | undefined, rules?: PlainUrlRules])[] = [
    ['https://login.example.com', 'https://login.example.com/'],
    ['https://login.example.com/adfs/', 'https://login.example.com/adfs/'],
    ['https://login.example.com:8443', 'https://login.example.com:8443/'],
    ['https://login.example.com:443', 'https://login.example.com/'],
    [' https://login.example.com\n', 'https://login.example.com/'],
    ['HTTPS://LOGIN.example.com', 'https://login.example.com/'],
    ['https://[::1]:8443/a', 'https://[::1]:8443/a'],
    ['https://login.example.com?', 'https://login.example.com/?'],
    ['https://login.example.com/?a=1', undefined],
    ['https://login.example.com/?a=1', 'https://login.example.com/?a=1', { query: true }],
    ['https://login.example.com/#a', undefined],
    ['https://login.example.com/?a=1#b', undefined, { query: true }],
    ['https://user@login.example.com', undefined],
    ['https://:password@login.example.com', undefined],
    ['https://user:password@login.example.com', undefined],
    ['https://login.example.com@evil.example.com', undefined],
    ['https://login.example.com\\@evil.example.com', 'https://login.example.com/@evil.example.com'],
    ['http://login.example.com', undefined],
    ['http://127.0.0.1:40342/a', 'http://127.0.0.1:40342/a', { protocols: ['http:'] }],
    ['https://127.0.0.1', undefined, { protocols: ['http:'] }],
    ['http://127.0.0.1/?a=1', undefined, { protocols: ['http:', 'https:'] }],
    ['http://127.0.0.1/?a=1', 'http://127.0.0.1/?a=1', { protocols: ['http:', 'https:'], query: true }],
    ['ftp://login.example.com', undefined],
    ['file:///etc/passwd', undefined],
    ['javascript:alert(1)', undefined],
    ['data:text/plain,a', undefined],
    ['//login.example.com', undefined],
    ['login.example.com', undefined],
    ['login.example.com:443', undefined],
    ['https://', undefined],
    ['https://a b', undefined],
    ['https://login.example.com:99999', undefined],
    ['', undefined],
    [' ', undefined],
    ['\0', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [text, href, rules] of rows) {
    const which = rules === undefined ? '' : ` with ${JSON.stringify(rules)}`;
    test(`returns ${href ?? 'nothing'} for ${JSON.stringify(text).slice(0, 60)}${which}`, () => {
      expect(parsePlainUrl(text, rules)?.href).toBe(href);
    });
  }
});

describe('formatBaseUrl', () => {
  const rows: readonly (readonly [url: string, base: string])[] = [
    ['https://login.example.com', 'https://login.example.com'],
    ['https://login.example.com/', 'https://login.example.com'],
    ['https://login.example.com///', 'https://login.example.com'],
    ['https://login.example.com/adfs/', 'https://login.example.com/adfs'],
    ['https://login.example.com:8443/a/b', 'https://login.example.com:8443/a/b'],
    ['https://login.example.com/a?b=1#c', 'https://login.example.com/a'],
    ['https://user:password@login.example.com/a', 'https://login.example.com/a'],
    ['https://[::1]/', 'https://[::1]'],
    ['https://login.example.com?', 'https://login.example.com'],
  ];
  for (const [url, base] of rows) {
    test(`returns ${base} for ${url}`, () => {
      expect(formatBaseUrl(new URL(url))).toBe(base);
    });
  }
});
