/** URLs that may be none. */
import { expect, test } from 'vitest';
import { parseUrl } from '../../src/url.ts';

test.each([
  ['https://host/path', undefined, 'https://host/path'],
  ['../other', 'https://host/a/b', 'https://host/other'],
  ['', 'https://host/a', 'https://host/a'],
  ['host', undefined, undefined],
  ['https://', undefined, undefined],
  ['path', 'no base', undefined],
])('%j on %j is %j', (text, base, parsed) => {
  expect(parseUrl(text, base)?.href).toBe(parsed);
});
