/** What the tests of the documents take for a block, a link, a heading and a table. */
import { describe, expect, test } from 'vitest';
import { codeIn, parseDocument, readTable } from './markdown.ts';

const FENCE = '```';

describe('a document', () => {
  test('has blocks with their language and line, indented ones too', () => {
    const { blocks, prose } = parseDocument(
      'a.md',
      `one\n${FENCE}sh\nls\n${FENCE}\n- two\n  ${FENCE}json\n  {}\n  ${FENCE}\n`,
    );
    expect(blocks.map(({ language, line, text }) => [language, line, text])).toEqual([
      ['sh', 3, 'ls\n'],
      ['json', 7, '{}\n'],
    ]);
    expect(prose).toBe('one\n- two\n');
  });

  test('whose block has no end is refused', () => {
    expect(() => parseDocument('a.md', `${FENCE}sh\nls\n`)).toThrow('a.md:2: this block has no end');
  });

  test('has links and pictures, but none in code', () => {
    const text = `[a](b.md#c) ![d](e.svg) [f][g] \`[h](i)\`\n${FENCE}sh\n[j](k)\n${FENCE}\n[g]: https://example.com/\n`;
    expect(parseDocument('a.md', text).links.map(({ target }) => target)).toEqual([
      'b.md#c',
      'e.svg',
      'https://example.com/',
    ]);
  });

  test.each([
    ['# What is kept, and why it is safe', 'what-is-kept-and-why-it-is-safe'],
    ['### From `az acr login`', 'from-az-acr-login'],
    ['## Node 24 or 26', 'node-24-or-26'],
  ])('can be linked to at "%s"', (heading, anchor) => {
    expect(parseDocument('a.md', heading).anchors).toEqual([anchor]);
  });

  test('has tables by their first cell', () => {
    const document = parseDocument('a.md', '| a | b |\n|---|---|\n| `1` | 2 |\n| | 3 |\n\n| c | d |\n|---|---|\n');
    expect(readTable(document, 'a')).toEqual([
      ['`1`', '2'],
      ['', '3'],
    ]);
    expect(readTable(document, 'c')).toEqual([]);
    expect(() => readTable(document, 'b')).toThrow('a.md has no table that begins with "b"');
  });
});

test('code in a text is what stands between backticks', () => {
  expect(codeIn('`a` and `b-c`, not d')).toEqual(['a', 'b-c']);
});
