/** The pictures of screens: how colours are read, what is masked, and what is drawn. */
import { describe, expect, test } from 'vitest';
import { maskScreen } from '../../../scripts/docs/mask.ts';
import { parseStyled } from '../../../scripts/docs/styled.ts';
import { COLORS } from '../../../scripts/docs/svg.ts';
import { drawWindow } from '../../../scripts/docs/window.ts';

/** An SGR escape. */
const sgr = (codes: string) => `\u001B[${codes}m`;
/** The first span of a text. */
const first = (text: string) => parseStyled(text)[0]?.[0];

describe('parseStyled', () => {
  test.each([
    ['', { color: 'text', bold: false, isInverse: false }],
    [sgr('1'), { color: 'text', bold: true, isInverse: false }],
    [sgr('2'), { color: 'muted', bold: false, isInverse: false }],
    [sgr('1;31'), { color: 'bad', bold: true, isInverse: false }],
    [sgr('32'), { color: 'good', bold: false, isInverse: false }],
    [sgr('90'), { color: 'muted', bold: false, isInverse: false }],
    [sgr('96'), { color: 'info', bold: false, isInverse: false }],
    [sgr('7'), { color: 'text', bold: false, isInverse: true }],
    [sgr('31') + sgr('39'), { color: 'text', bold: false, isInverse: false }],
    [sgr('1;2;7;31') + sgr('22;27'), { color: 'bad', bold: false, isInverse: false }],
    [sgr('1;31') + sgr(''), { color: 'text', bold: false, isInverse: false }],
    [sgr('38;5;2;1'), { color: 'good', bold: true, isInverse: false }],
    [sgr('38;5;200'), { color: 'text', bold: false, isInverse: false }],
    [sgr('38;2;1;2;3;1'), { color: 'text', bold: true, isInverse: false }],
    [sgr('48;5;1;4'), { color: 'text', bold: false, isInverse: false }],
    [sgr('31') + sgr('999'), { color: 'bad', bold: false, isInverse: false }],
  ])('%j', (escapes, style) => {
    expect(first(`${escapes}x`)).toEqual({ text: 'x', ...style });
  });

  test('splits a line where the style changes, and goes on with it in the next line', () => {
    const lines = parseStyled(`a${sgr('31')}b\nc${sgr('0')}d\n\n`);
    expect(lines.map((spans) => spans.map(({ text, color }) => `${text} ${color}`))).toEqual([
      ['a text', 'b bad'],
      ['c bad', 'd text'],
      [],
      [],
    ]);
  });

  test('leaves out other control sequences and characters', () => {
    expect(parseStyled('a\u001B[2Kb\u001B[?25lc\u0007d\r\n')).toEqual(
      parseStyled('a')
        .concat([[]])
        .with(0, [
          { text: 'a', color: 'text', bold: false, isInverse: false },
          { text: 'b', color: 'text', bold: false, isInverse: false },
          { text: 'c', color: 'text', bold: false, isInverse: false },
          { text: 'd', color: 'text', bold: false, isInverse: false },
        ]),
    );
  });
});

describe('maskScreen', () => {
  const folder = '/tmp/acr-a.b';

  test.each([
    ['at 2026-11-28T11:02:03Z', 'at 2026-01-02T03:04:05Z'],
    ['it took 1234 ms', 'it took 40 ms'],
    ['docker-credential-acr v0.1.17', 'docker-credential-acr v1.0.0'],
    ['http://127.0.0.1:54321/', 'http://127.0.0.1:8080/'],
    ['/tmp/acr-a.b/docker/config.json', '~/.docker/config.json'],
    ['/tmp/acr-a.b/home/.azure', '~/.azure'],
    ['/tmp/acr-a.b/cache/tokens', '~/.cache/docker-credential-acr/tokens'],
    ['/tmp/acr-axb/home', '/tmp/acr-axb/home'],
    [`  ${sgr('1')}0F9A12CDE${sgr('0')}`, `  ${sgr('1')}ABCD12345${sgr('0')}`],
    ['it ends in 0F9A12CDE', 'it ends in 0F9A12CDE'],
    ['correlation id aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', 'correlation id 6c9036a6-7d51-4e97-8549-ba52a2fbd273'],
    ['valid until 23:59; it', 'valid until 15:30; it'],
    ['renewed   in 2 h 31 min', 'renewed   in 2 h 10 min'],
    ['expires   in 2 h 59 min', 'expires   in 2 h 59 min'],
    ['nothing', 'nothing'],
  ])('%s becomes %s', (text, masked) => {
    expect(maskScreen(text, folder)).toBe(masked);
  });

  test('keeps the next column where it is', () => {
    expect(maskScreen('/tmp/acr-a.b/home/x  two\nlonger             two\n7 ms  two', folder)).toBe(
      '~/x                  two\nlonger             two\n40 ms  two',
    );
  });
});

describe('the picture of a screen', () => {
  test('has the colours of the screen, a title and a description', () => {
    const svg = drawWindow('program --help', [[], ...parseStyled(`${sgr('1;31')}error:${sgr('0')} it <failed>`)]);
    expect(svg).toContain('<title id="title">A terminal after program --help</title>');
    expect(svg).toContain('<desc id="description">error: it &lt;failed&gt;</desc>');
    expect(svg).toMatch(new RegExp(`fill="${COLORS.bad}" font-weight="bold"[^>]*>error:</text>`));
    expect(svg).toMatch(new RegExp(`fill="${COLORS.text}" textLength[^>]*>it &lt;failed&gt;</text>`));
    expect(svg).not.toMatch(/href|url\(|@import|<image|<script|<foreignObject/);
  });

  test('shows a cursor as a cell in the colour of the text', () => {
    const svg = drawWindow('x', parseStyled(`ab${sgr('7')} ${sgr('27')}c`));
    const ground = new RegExp(`<rect x="([\\d.]+)" [^>]* width="7.8" [^>]*fill="${COLORS.text}"/>`).exec(svg);
    expect(Number(ground?.[1])).toBeCloseTo(22 + 2 * 7.8);
    expect(drawWindow('x', parseStyled(`${sgr('7')}c`))).toMatch(new RegExp(`fill="${COLORS.panel}"[^>]*>c</text>`));
  });
});
