/** The escapes of URLs, HTML and JSON. */
import { describe, expect, test } from 'vitest';
import { decodeEscape, ESCAPE, encodeUtf8 } from '../../src/escapes.ts';

/** Decodes one layer, as UTF-8. */
function decode(text: string): string {
  const bytes = encodeUtf8(text).replaceAll(ESCAPE, (found, ...rest) => {
    const groups: unknown = rest.at(-1);
    return decodeEscape(Object.fromEntries(Object.entries(groups ?? {}))) ?? found;
  });
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

describe('decodeEscape', () => {
  const rows: readonly (readonly [text: string, decoded: string])[] = [
    ['a%2Bb%2bc', 'a+b+c'],
    ['%C3%A9%f0%9f%90%b3', 'é🐳'],
    ['%2541', '%41'],
    ['100% %zz %4', '100% %zz %4'],
    ['%u0041%u20AC', 'A€'],
    ['\\u0041\\u00e9\\u20AC', 'Aé€'],
    ['\\uD83D\\udc33', '🐳'],
    ['\\u0041;', 'A;'],
    ['\\x41', 'A'],
    ['\\"\\\\\\/\\n\\t', '"\\/\n\t'],
    ['\\a\\', '\\a\\'],
    ['&lt;&GT;&quot;&apos;&amp;lt;', '<>"\'&lt;'],
    ['&plus;&percnt;&lowbar;', '+%_'],
    ['&copy; & &;', '&copy; & &;'],
    ['&#65;&#0065;&#65', 'AAA'],
    ['&#x41;&#X0041;&#x41', 'AAA'],
    ['&#128051;&#x1F433;', '🐳🐳'],
    ['&#9999999;&#xFFFFFF;', '&#9999999;&#xFFFFFF;'],
    ['&#; &#x;', '&#; &#x;'],
  ];
  for (const [text, decoded] of rows) {
    test(`decodes ${text} as ${JSON.stringify(decoded)}`, () => {
      expect(decode(text)).toBe(decoded);
    });
  }
});
