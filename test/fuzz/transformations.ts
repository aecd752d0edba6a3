/** What services, terminals and strangers do to a text before somebody reads it, and how to undo it. */

import fc from 'fast-check';

/** Changes a text in a way that can be undone. */
export interface Transformation {
  readonly name: string;
  readonly apply: (text: string) => string;
}

/** Undoes one layer of one kind, wherever there is one in the text. */
export type Undo = (text: string) => readonly string[];

const percent = (text: string) => encodeURIComponent(text.toWellFormed());
const lowerHex = (text: string) => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
const entities = (text: string, format: (codePoint: number) => string) =>
  [...text].map((character) => format(character.codePointAt(0) ?? 0)).join('');
const units = (text: string) =>
  Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
const percentAll = (text: string) => Buffer.from(text).toString('hex').replace(/../g, '%$&');

/** The encodings, which can be stacked. */
export const ENCODINGS: readonly Transformation[] = [
  { name: 'percent', apply: percent },
  { name: 'percent in lower case', apply: (text) => lowerHex(percent(text)) },
  { name: 'percent of every byte', apply: percentAll },
  { name: 'form', apply: (text) => new URLSearchParams({ s: text }).toString().slice('s='.length) },
  { name: 'JSON', apply: (text) => JSON.stringify(text).slice(1, -1) },
  {
    name: 'JSON of every character',
    apply: (text) =>
      units(text)
        .map((unit) => `\\u${unit}`)
        .join(''),
  },
  {
    name: 'JSON in upper case',
    apply: (text) =>
      units(text)
        .map((unit) => `\\u${unit.toUpperCase()}`)
        .join(''),
  },
  {
    name: 'named entities',
    apply: (text) =>
      text
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&apos;'),
  },
  { name: 'decimal entities', apply: (text) => entities(text, (code) => `&#${code};`) },
  { name: 'decimal entities with zeros', apply: (text) => entities(text, (code) => `&#000${code};`) },
  { name: 'hexadecimal entities', apply: (text) => entities(text, (code) => `&#x${code.toString(16)};`) },
  { name: 'hexadecimal entities with zeros', apply: (text) => entities(text, (code) => `&#X00${code.toString(16)};`) },
  { name: 'base64', apply: (text) => Buffer.from(text).toString('base64') },
  { name: 'base64url', apply: (text) => Buffer.from(text).toString('base64url') },
  { name: 'base64 after a user name', apply: (text) => Buffer.from(`me:${text}`).toString('base64') },
  { name: 'base64 after a field', apply: (text) => Buffer.from(`p=${text}&`).toString('base64url') },
  { name: 'hexadecimal', apply: (text) => Buffer.from(text).toString('hex') },
  { name: 'hexadecimal in upper case', apply: (text) => Buffer.from(text).toString('hex').toUpperCase() },
];

/** Puts something between every few characters, as a terminal, a page or a stranger does. */
export const INSERTIONS: readonly Transformation[] = [
  '\n',
  ' ',
  '\r\n  ',
  '\t',
  '<br>',
  '<b class="x">',
  '\u200B',
  '\u00AD',
  '\u2060',
]
  .flatMap((inserted) => [1, 7, 76].map((width) => ({ inserted, width })))
  .map(({ inserted, width }) => ({
    name: `${JSON.stringify(inserted)} after every ${width}`,
    apply: (text) => [...text].map((one, at) => (at > 0 && at % width === 0 ? inserted + one : one)).join(''),
  }));

/** Up to three encodings in any order, and perhaps something inserted before, between or after them. */
export const transformations: fc.Arbitrary<readonly Transformation[]> = fc
  .tuple(
    fc.array(fc.constantFrom(...ENCODINGS), { maxLength: 3 }),
    fc.option(fc.constantFrom(...INSERTIONS), { nil: undefined }),
    fc.nat({ max: 3 }),
  )
  .map(([encodings, insertion, at]) => (insertion === undefined ? encodings : encodings.toSpliced(at, 0, insertion)));

/** Changes a text by all of the transformations, one after the other. */
export function applyAll(text: string, changes: readonly Transformation[]): string {
  return changes.reduce((changed, { apply }) => apply(changed), text);
}

const bytesOf = (hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const asLatin1 = (text: string) => Buffer.from(text).toString('latin1');

/** What somebody may do who looks for a secret in a text. Texts are in UTF-8, a character for each byte. */
const UNDO: readonly Undo[] = [
  (text) => [text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => bytesOf(hex))],
  (text) => [
    text
      .replace(/(?:\\u[0-9a-f]{4})+/gi, (run) =>
        asLatin1(
          String.fromCharCode(
            ...run
              .split(/\\u/i)
              .slice(1)
              .map((hex) => Number.parseInt(hex, 16)),
          ),
        ),
      )
      .replace(/\\(["\\/])/g, '$1'),
  ],
  (text) => [
    text
      .replace(/&#0*(\d{1,7});/g, (_, code: string) => asLatin1(String.fromCodePoint(Math.min(Number(code), 0xffff))))
      .replace(/&#x0*([0-9a-f]{1,5});/gi, (_, hex: string) => asLatin1(String.fromCodePoint(Number.parseInt(hex, 16))))
      .replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => NAMED[name] ?? ''),
  ],
  (text) =>
    [0, 1, 2, 3].map((offset) =>
      (text.match(/[\w+/-]{12,}/g) ?? [])
        .map((run) => Buffer.from(run.slice(offset), 'base64').toString('latin1'))
        .join('|'),
    ),
  (text) =>
    [0, 1].map((offset) =>
      (text.match(/[0-9a-f]{20,}/gi) ?? [])
        .map((run) => Buffer.from(run.slice(offset), 'hex').toString('latin1'))
        .join('|'),
    ),
];

/** Lists what a text says to somebody who undoes up to three layers, and who ignores white space and tags. */
export function readEverything(text: string): readonly string[] {
  const layers = [joinWords(asLatin1(text))];
  for (let depth = 0; depth < 3; depth += 1) {
    const last = layers.at(-1) ?? [];
    const next = last.flatMap((one) => UNDO.flatMap((undo) => undo(one)).filter((other) => other !== one));
    layers.push([...new Set(next.flatMap(joinWords))].filter((one) => one !== ''));
  }
  return layers.flat();
}

function joinWords(bytes: string): string[] {
  const joined = squeeze(bytes);
  return [joined, joined.replace(/<[^<>]*>/g, '')];
}

/** Removes white space and characters without a width from UTF-8. */
export function squeeze(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8').includes('\uFFFD')
    ? bytes.replace(/\s/g, '')
    : asLatin1(
        Buffer.from(bytes, 'latin1')
          .toString('utf8')
          .replace(/[\s\u00AD\u200B\u2060]/g, ''),
      );
}
