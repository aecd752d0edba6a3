/** Decodes one layer of the escapes of URLs, HTML and JSON, in whatever mix. */

/** The names that HTML has for ASCII characters that are neither letters nor digits. */
const ENTITIES: ReadonlyMap<string, string> = new Map(
  (
    'excl! quot" num# dollar$ percnt% amp& apos\' lpar( rpar) ast* midast* plus+ comma, period. sol/ colon: semi; ' +
    'lt< equals= gt> quest? commat@ lsqb[ lbrack[ bsol\\ rsqb] rbrack] hat^ lowbar_ underbar_ grave` lcub{ lbrace{ ' +
    'verbar| vert| rcub} rbrace} tilde~ dash- hyphen- minus-'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, -1), entry.slice(-1)]),
);

/** What follows a backslash in JSON, where it is not the character itself. */
const JSON_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/**
 * An escape. The groups: a byte, two halves of one character, a character, a code point in hexadecimal and one in
 * decimal, the name of an entity, and the character after a backslash.
 */
export const ESCAPE =
  /(?:%|\\x)(?<byte>[0-9a-f]{2})|\\u(?<high>d[89ab][0-9a-f]{2})\\u(?<low>d[c-f][0-9a-f]{2})|[%\\]u(?<unit>[0-9a-f]{4})|&#x0*(?<hex>[0-9a-f]{1,6});?|&#0*(?<decimal>\d{1,7});?|&(?<name>[a-z]{2,8});|\\(?<character>["'\\/bfnrt])/gi;

const MAX_CODE_POINT = 0x10ffff;

/**
 * Decodes an escape.
 * @param groups the groups of a match of `ESCAPE`.
 * @returns the UTF-8 bytes that it stands for, one character each; `undefined` when it stands for nothing.
 */
export function decodeEscape(groups: Readonly<Record<string, string | undefined>>): string | undefined {
  const { byte, high, low, unit, hex, decimal, name, character } = groups;
  if (byte !== undefined) return String.fromCharCode(Number.parseInt(byte, 16));
  if (high !== undefined && low !== undefined) {
    return encodeUtf8(String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)));
  }
  if (unit !== undefined) return encodeUtf8(String.fromCharCode(Number.parseInt(unit, 16)));
  if (hex !== undefined) return encodeCodePoint(Number.parseInt(hex, 16));
  if (decimal !== undefined) return encodeCodePoint(Number(decimal));
  if (name !== undefined) return ENTITIES.get(name.toLowerCase());
  return character === undefined ? undefined : (JSON_ESCAPES.get(character) ?? character);
}

/** Encodes a text in UTF-8, one character for each byte. */
export function encodeUtf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function encodeCodePoint(codePoint: number): string | undefined {
  return codePoint > MAX_CODE_POINT ? undefined : encodeUtf8(String.fromCodePoint(codePoint));
}
